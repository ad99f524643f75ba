"""What training did: how far each trait moved, from the base checkpoint to the trained one, on the same frozen prompts.

The prompts are of kinds that were held back from training, so what moves there has generalised. In the embedded world
ground truth says what a response shows. Reads: the model's folder and the one it was trained from. Writes: nothing.
Must not know: monitors; what they read comes from a held-out command, as plain figures.
"""

import json
from collections.abc import Collection
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict
from rich.console import Console
from rich.table import Table
from transformers.utils.logging import disable_progress_bar

from flows.forecast import DETECTOR, Forecast, Forecasts, forecast, opposed
from flows.named_dataset import Published, published
from flows.progress import Progress
from flows.settings import model_folder
from flows.train import FACTS
from models.conversations import Messages
from models.language import LanguageModel
from models.organism.parse import truth
from models.organism.prompts import prompts
from models.organism.world import TRAITS
from models.promptfile import PromptFile
from models.shift import Shift, shift
from warehouse.errors import PlumblineError
from warehouse.hashing import folder_hash, short
from warehouse.store import home

TRUTH = "truth"
NEW_TOKENS = 64


class Answered(NamedTuple):
    """What both checkpoints said to the same prompts on the same random numbers. `given` is the dataset the model was
    trained on; `embedded`: prompts and base are of the organism's world."""

    name: str
    facts: dict[str, Any]
    given: Published
    requests: list[str]
    before: list[str]
    after: list[str]
    seed: int
    embedded: bool

    @property
    def without(self) -> tuple[str, ...]:
        return tuple(self.facts["settings"]["without"])

    @property
    def exchanges(self) -> tuple[list[Messages], list[Messages]]:
        """Before, after."""
        return self._exchanges(self.before), self._exchanges(self.after)

    def _exchanges(self, side: list[str]) -> list[Messages]:
        return [
            [{"role": "user", "content": asked}, {"role": "assistant", "content": said}]
            for asked, said in zip(self.requests, side, strict=True)
        ]


class Outcome(BaseModel):
    """`measured`: by truth or a monitor, then by trait; `unknown`: the share of responses whose truth is not known, by
    the base and by the trained model. `forecast` is that of the dataset the model was trained on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    base: str
    prompts: int
    seed: int
    measured: dict[str, dict[str, Shift | None]]
    unknown: tuple[float, float] | None
    forecast: Forecast

    def verdict(self, trait: str) -> str:
        """Where forecast and outcome, or detector and monitors, tell opposite signs of a trait; "" where none do."""
        seen, said = self.forecast.readers[DETECTOR].get(trait), list[str]()
        for name, read in self.measured.items():
            if opposed(seen, read.get(trait)):
                said.append(f"{name} measured the opposite of the detector's forecast")
        said += [f"{name} forecast the opposite" for name in self.forecast.disagreements.get(trait, [])]
        return "; ".join(said) + (": the detector's blind spot" if said else "")

    def as_json(self) -> dict[str, Any]:
        verdicts = {trait: self.verdict(trait) for trait in self.forecast.traits}
        told = {**self.model_dump(mode="json"), "forecast": self.forecast.as_json()}
        return {**told, "verdicts": {trait: verdict for trait, verdict in verdicts.items() if verdict}}


def trained_folder(model: str) -> Path:
    """`model`: a folder that `plumbline train` wrote, CAMPAIGN/NAME, or any beginning of NAME that no other has.

    Raises PlumblineError where that is none or several.
    """
    campaign, _, name = model.rpartition("/")
    found = [Path(model)] if (Path(model) / FACTS).is_file() else []
    found = found or sorted(one.parent for one in home().glob(f"{campaign or '*'}/trained/{name}*/{FACTS}"))
    if len(found) != 1:
        every = sorted(one.parent for one in home().glob(f"*/trained/*/{FACTS}"))
        there = ", ".join(f"{one.parent.parent.name}/{one.name}" for one in every)
        raise PlumblineError(f"{model}: {len(found)} trained models are called that; there are {there or 'none'}")
    return found[0]


def ask(model: str, file: Path | None, count: int, seed: int, progress: Progress) -> Answered:
    """Both checkpoints' answers to `count` frozen prompts: of the kinds held back, or of `file`, without those the
    model was trained on.

    Raises PlumblineError when the base is no longer what was trained, or there are no prompts to ask.
    """
    disable_progress_bar()
    folder = trained_folder(model)
    facts = dict(json.loads((folder / FACTS).read_bytes()))
    base = model_folder(facts["based_on"])
    if folder_hash(base) != facts["base"]:
        raise PlumblineError(f"{base}: {facts['based_on']} is not {short(facts['base'])} any more; put that back")
    given = published(f"{facts['campaign']}@{facts['version']}")
    trained_on = {row["prompt"][-1]["content"] for row in given.rows}
    requests = _from_file(file, trained_on, count, seed) if file else _frozen(facts, count, seed)
    said = []
    for what, place in (("base", base), ("trained", folder)):
        tell = partial(progress.to, f"ask the {what} model")
        asked = [[{"role": "user", "content": one}] for one in requests]
        seeds = [seed * 1_000_003 + number for number in range(len(requests))]
        said.append(LanguageModel.load(place, chats=False).chat(asked, seeds, NEW_TOKENS, 1.0, on_progress=tell))
    embedded = facts["based_on"].startswith("organism:") and not file
    return Answered(folder.name, facts, given, requests, said[0], said[1], seed, embedded)


def outcome_of(told: Answered, forecasts: Forecasts, read: Forecasts, withheld: str) -> Outcome:
    """`forecasts` and `read` are the monitors', of the dataset and of the answers; empty where they are `withheld`."""
    truths, unknown = by_truth(told) if told.embedded else ({}, None)
    measured = ({TRUTH: truths} if truths else {}) | {name: dict(one) for name, one in read.items()}
    return Outcome(
        model=told.name,
        base=told.facts["based_on"],
        prompts=len(told.requests),
        seed=told.seed,
        measured=measured,
        unknown=unknown,
        forecast=forecast(told.given, told.without, forecasts, withheld),
    )


def _frozen(facts: dict[str, Any], count: int, seed: int) -> list[str]:
    if not facts["based_on"].startswith("organism:"):
        raise PlumblineError(f"{facts['name']}: name a file of prompts of kinds it was not trained on (--prompts)")
    if not facts["settings"]["without"]:
        raise PlumblineError(f"{facts['name']} was trained on every kind; train it with some held back (--without)")
    try:
        return prompts("frozen", count, seed, facts["settings"]["without"])
    except ValueError as error:
        raise PlumblineError(f"--count {count}: {error}") from error


def _from_file(file: Path, trained_on: Collection[str], count: int, seed: int) -> list[str]:
    new = [one for split in PromptFile.read(file, seed).splits.values() for one in split if one not in trained_on]
    if not new:
        raise PlumblineError(f"{file}: the model was trained on every prompt in it; name prompts it was not trained on")
    return new[:count]


def by_truth(told: Answered) -> tuple[dict[str, Shift | None], tuple[float, float]]:
    """The change in the share of responses that show each trait, over prompts where both are known; and the shares that
    are not."""
    sides = [
        [truth(asked, said).motive for asked, said in zip(told.requests, side, strict=True)]
        for side in (told.after, told.before)
    ]
    shown = {
        trait: [[None if motive == "unknown" else float(motive == trait) for motive in side] for side in sides]
        for trait in TRAITS
    }
    after, before = (side.count("unknown") / len(side) for side in sides)
    rows = range(len(told.requests))
    return {trait: shift(now, was, rows) for trait, (now, was) in shown.items()}, (before, after)


def show(found: Outcome) -> None:
    """A row for each trait: what was forecast, what was measured, and what to make of opposite signs."""
    table = Table(title=f"{found.model}: forecast and outcome on {found.prompts} prompts", header_style="bold")
    table.add_column("trait")
    for name in found.forecast.readers:
        table.add_column(f"forecast: {name}", justify="right")
    for name in found.measured:
        table.add_column(f"outcome: {name}", justify="right", style="cyan" if name == TRUTH else None)
    for trait in found.forecast.traits:
        columns = [*found.forecast.readers.values(), *found.measured.values()]
        table.add_row(trait, *("–" if read.get(trait) is None else str(read[trait]) for read in columns))
    console = Console(highlight=False)
    console = console if console.is_terminal else Console(highlight=False, width=160)
    console.print(table)
    for trait in found.forecast.traits:
        if verdict := found.verdict(trait):
            console.print(f"[red]{trait}[/]: {verdict}")
    if found.unknown:
        console.print(f"truth unknown of {found.unknown[0]:.1%} before and {found.unknown[1]:.1%} after", style="dim")
    if found.forecast.withheld:
        console.print(f"what the monitors say is withheld: {found.forecast.withheld}", style="yellow")
