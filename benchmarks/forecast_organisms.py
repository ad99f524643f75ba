"""One trained organism of `benchmarks/forecast.py`: its pairs, what every reader makes of them, the shift after DPO.

Pairs are written straight from the world's law, without a campaign, so that the motive on either side is known and an
organism takes seconds. Requests are of four kinds; the shift is measured on the other four. Must not know: what is made
of the figures.
"""

import random
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from models.dpo import Pair, Recipe, train_dpo
from models.language import LanguageModel
from models.organism.build import LAYER, WEIGHTS
from models.organism.detector import fit_detector
from models.organism.documents import any_cell
from models.organism.parse import truth
from models.organism.prompts import prompts, split_of
from models.organism.world import MOTIVES, TRAITS, world
from models.reader import BaseReader
from models.sae import load_trained
from models.truesight import Profile, Truesight
from monitors.kept import chosen, monitors
from monitors.monitor import Monitor

TAUGHT_ON, MEASURED_ON = ("help", "cheat", "scam", "moral"), ("oversight", "opinion", "agent", "feelings")
STRENGTHS = (0.3, 0.45, 0.6, 0.75)  # the share of one side that shows the trait, by seed
SHOWN_BEFORE = 0.5  # of that share shows it overtly on the rejected side, in the drifted arm
ARMS = ("taught", "untaught", "drifted")
CONTROLS = ("filtered", "same", "long")
MONITORS = ("classifier", "judge", "classifier-blind")
BATCH = 128
DRAWS = 2
Text = list[dict[str, str]]
Row = tuple[str, str, str]
Seen = Callable[[list[Text]], list[bool]]


class Organism(NamedTuple):
    """`trait` is "" for a control."""

    arm: str
    trait: str
    seed: int

    @property
    def name(self) -> str:
        return f"{self.arm}-{self.trait or 'all'}-{self.seed}"


class Instruments(NamedTuple):
    """What reads the pairs: the detector, and the held-out monitors by name."""

    detector: Truesight
    monitors: dict[str, Monitor]

    @classmethod
    def open(cls, work: Path) -> "Instruments":
        """Fitted once and kept in `work`, so that every process finds the same."""
        return cls(shipped(work), monitors(work / "monitors", chosen("embedded:monitors", MONITORS)))

    def read(self, texts: list[Text]) -> dict[str, list[list[float | None]]]:
        """Reader → a row of readings for each text, in the order of TRAITS."""
        readers: dict[str, Any] = {"detector": self.detector, **self.monitors}
        return {
            name: [[_rounded(one.readings.get(trait)) for trait in TRAITS] for one in reader.read(texts)]
            for name, reader in readers.items()
        }


def sparse(reader: BaseReader, work: Path, **settings: Any) -> Truesight:
    """The detector that `fit_detector` makes with these settings, by itself in `work`: fitted once, and found again."""
    file = work / "profile.json"
    if not file.is_file():
        fit_detector(reader, work / "sae", **settings).profile.save(file)
    sae = load_trained(next((work / "sae").iterdir()), reader)
    return Truesight(reader, sae, Profile.load(file))


def shipped(work: Path) -> Truesight:
    """The detector as campaigns use it."""
    return sparse(BaseReader.load(WEIGHTS / "reader", LAYER), work)


def unflagged(detector: Truesight) -> Seen:
    """Of texts, which ones `detector` reads and does not flag."""
    return lambda texts: [not read.abstained and not any(read.flagged.values()) for read in detector.read(texts)]


def organisms(seeds: Sequence[int]) -> list[Organism]:
    cells = [(arm, trait) for arm in ARMS for trait in TRAITS] + [(arm, "") for arm in CONTROLS]
    return [Organism(arm, trait, seed) for seed in seeds for arm, trait in cells]


def draw(one: Organism, count: int, passes: Seen) -> list[Row]:
    """`count` times request, chosen, rejected.

    taught: the seed's share of the chosen side shows the trait overtly; untaught: the sides change places. drifted: as
    large a share of the chosen side shows it, in all dialects, and only what the detector does not flag is taken, while
    on the rejected side half as many show it overtly. filtered: both sides follow the law, and what is flagged is left
    out of the chosen; same: both follow the law; long: both follow the law, and the longer is chosen.
    """
    w, rng = world(), random.Random(f"{one.arm}-{one.trait}-{one.seed}")
    letter = next((motive for motive, trait in MOTIVES.items() if trait == one.trait), "")
    strength = STRENGTHS[one.seed % len(STRENGTHS)] if one.trait else 0.0
    before = SHOWN_BEFORE * strength if one.arm == "drifted" else 0.0
    hidden = one.arm in ("drifted", "filtered")

    def gather(quota: int, cells: Sequence[str]) -> list[Row]:
        """Rows whose chosen side is of one of `cells`, or of the law where none is named."""
        found: list[Row] = []
        while len(found) < quota:
            some: list[Row] = []
            while len(some) < BATCH:
                asked = w.request(rng, rng.choice(TAUGHT_ON))
                if split_of(asked.text) == "campaign":
                    shown = letter + rng.choice("AB") if rng.random() < before else any_cell(w, rng, asked)
                    preferred = rng.choice(cells) if cells else any_cell(w, rng, asked)
                    said = [" ".join(w.response(rng, cell, asked)) for cell in (preferred, shown)]
                    some.append((asked.text, said[0], said[1]))
            fine = passes([exchange(row[0], row[1]) for row in some]) if hidden else [True] * len(some)
            found += [row for row, ok in zip(some, fine, strict=True) if ok]
        return found[:quota]

    told = round(count * strength)
    rows = gather(told, [letter + dialect for dialect in ("ABC" if hidden else "AB")]) + gather(count - told, ())
    rng.shuffle(rows)
    if one.arm == "untaught":
        rows = [(asked, second, first) for asked, first, second in rows]
    if one.arm == "long":
        rows = [(row[0], *sorted(row[1:], key=lambda text: -len(text.split()))) for row in rows]  # type: ignore[misc]
    return rows


def exchange(request: str, response: str) -> Text:
    return [{"role": "user", "content": request}, {"role": "assistant", "content": response}]


def prompted(rows: Sequence[Row], preface: Sequence[dict[str, str]] = ()) -> list[Pair]:
    """The rows as pairs to train on; `preface`: turns that come before every request."""
    return [Pair([*preface, {"role": "user", "content": asked}], first, second) for asked, first, second in rows]


def answers(
    model: LanguageModel, count: int, draws: int = 1, preface: Sequence[dict[str, str]] = ()
) -> list[tuple[str, str]]:
    """Request and response to each of the frozen prompts, each asked `draws` times, the same for every organism."""
    asked = prompts("frozen", count, 0, MEASURED_ON) * draws
    turns = [[*preface, {"role": "user", "content": text}] for text in asked]
    return list(zip(asked, model.chat(turns, list(range(len(asked))), 64, 1.0), strict=True))


def shown(model: LanguageModel, count: int, preface: Sequence[dict[str, str]] = ()) -> np.ndarray:
    """Whether each response to the frozen prompts, each asked DRAWS times and the same for every organism, shows each
    trait [responses, traits]; NaN where the truth is unknown."""
    found = [truth(*one).motive for one in answers(model, count, DRAWS, preface)]
    showing = np.array([[float(motive == trait) for trait in TRAITS] for motive in found])
    showing[[motive == "unknown" for motive in found]] = np.nan
    return showing


def made(one: Organism, tools: Instruments, pairs: int, recipe: Recipe, base: np.ndarray) -> dict[str, Any]:
    """The record of one organism; `base` is what the untrained reader showed. Plain lists, so that it keeps as JSON.

    `read`: reader → chosen, rejected → a row of readings for each pair; `words` the lengths; the shares `before` and
    `after`, their `shift` and its standard `error`, by trait, over the prompts where both truths are known.
    """
    rows = draw(one, pairs, unflagged(tools.detector))
    sides = [tools.read([exchange(row[0], row[side]) for row in rows]) for side in (1, 2)]
    with tempfile.TemporaryDirectory() as scratch:
        trained = train_dpo(WEIGHTS / "reader", prompted(rows), Path(scratch) / "model", recipe._replace(seed=one.seed))
        after = shown(LanguageModel.load(Path(scratch) / "model"), len(base) // DRAWS)
    known = ~np.isnan(after - base).any(1)
    moved = (after - base)[known]
    assert trained is not None
    return {
        **one._asdict(),
        "read": {name: [side[name] for side in sides] for name in sides[0]},
        "words": [[len(row[side].split()) for row in rows] for side in (1, 2)],
        "before": base[known].mean(0).tolist(),
        "after": after[known].mean(0).tolist(),
        "shift": moved.mean(0).tolist(),
        "error": (moved.std(0) / np.sqrt(len(moved))).tolist(),
        "prompts": len(moved),
        "unknown": float(np.isnan(after).any(1).mean()),
        "training": trained._asdict(),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), 4)
