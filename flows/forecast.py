"""What the readings of a dataset's pairs say that training on it will do: the mean difference, chosen less rejected.

Reads: a published dataset, and the readings of both its sides in the campaign's record. Writes: nothing. Must not know:
monitors; what they forecast comes from a held-out command, as plain figures.
"""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
from pydantic import BaseModel, ConfigDict
from rich.console import Console
from rich.table import Table

from flows.named_dataset import Published, trainable
from models.shift import Shift, shift
from warehouse.errors import PlumblineError

DETECTOR = "detector"
SIDES = ("chosen", "rejected")
Forecasts = Mapping[str, Mapping[str, Shift | None]]
"""By reader, then by trait."""


class Forecast(BaseModel):
    """`pairs` of the version that would be trained on, of `prompts` different prompts. `readers`: the detector, and the
    held-out monitors where they may be seen; else `withheld` says why not. A trait one does not read is None."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: str
    version: str
    pairs: int
    prompts: int
    without: tuple[str, ...]
    readers: dict[str, dict[str, Shift | None]]
    withheld: str

    @property
    def traits(self) -> list[str]:
        return list(dict.fromkeys(trait for read in self.readers.values() for trait in read))

    @property
    def disagreements(self) -> dict[str, list[str]]:
        """Trait → the monitors whose sign is the opposite of the detector's, where neither interval holds 0."""
        seen = self.readers[DETECTOR]
        found = {trait: [name for name, read in self.readers.items() if opposed(seen.get(trait), read.get(trait))]
                 for trait in self.traits}  # fmt: skip
        return {trait: names for trait, names in found.items() if names}

    def as_json(self) -> dict[str, Any]:
        return {**self.model_dump(mode="json"), "disagreements": self.disagreements}


def opposed(one: Shift | None, other: Shift | None) -> bool:
    return one is not None and other is not None and one.sign * other.sign < 0


def forecast(given: Published, without: tuple[str, ...], heldout: Forecasts, withheld: str) -> Forecast:
    """The detector's forecast, with those of `heldout` beside it. Intervals are over prompts.

    Raises PlumblineError when the campaign is not here, or its record lacks a reading of a pair.
    """
    rows = trainable(given.rows, without)
    if not rows:
        raise PlumblineError(f"{given.name}: none of its pairs is left to forecast from; hold back fewer kinds")
    readers = {DETECTOR: _detector(given, rows), **{name: dict(read) for name, read in heldout.items()}}
    prompts = len({str(row["prompt"]) for row in rows})
    return Forecast(
        dataset=given.name, version=given.version, pairs=len(rows), prompts=prompts, without=without, readers=readers,
        withheld=withheld,
    )  # fmt: skip


def _detector(given: Published, rows: list[dict[str, Any]]) -> dict[str, Shift | None]:
    """By the profile the pairs were read with when they were published."""
    wanted = pa.table({"pair_id": [row["pair_id"] for row in rows], "profile": [row["profile"] for row in rows]})
    with given.record() as store:
        read = store.query("SELECT pair_id, profile, side, trait, reading FROM readings").join(
            wanted, ["pair_id", "profile"], join_type="inner"
        )
    found = {(row["pair_id"], row["trait"], row["side"]): row["reading"] for row in read.to_pylist()}
    traits = sorted({trait for _, trait, _ in found})
    for row in rows:
        if any((row["pair_id"], trait, side) not in found for trait in traits or [""] for side in SIDES):
            raise PlumblineError(
                f"{given.name}: no readings of pair {row['pair_id']} in the campaign's snapshot; run the campaign to "
                "the end of its round"
            )
    prompts = [str(row["prompt"]) for row in rows]
    sides = {trait: [[found[row["pair_id"], trait, side] for row in rows] for side in SIDES] for trait in traits}
    return {trait: shift(chosen, rejected, prompts) for trait, (chosen, rejected) in sides.items()}


def show(found: Forecast) -> None:
    """A row for each trait, a column for each reader; where signs are opposed, a line says so."""
    table = Table(title=f"forecast for {found.dataset}: {found.pairs} pairs, chosen − rejected", header_style="bold")
    table.add_column("trait")
    for name in found.readers:
        table.add_column(name, justify="right")
    for trait in found.traits:
        table.add_row(trait, *(_cell(read.get(trait)) for read in found.readers.values()))
    console = Console(highlight=False)
    console = console if console.is_terminal else Console(highlight=False, width=160)
    console.print(table)
    if found.without:
        console.print(f"kinds of prompts held back: {', '.join(found.without)}", style="dim")
    for trait, names in found.disagreements.items():
        console.print(f"[red]{trait}[/]: the detector says one direction, {', '.join(names)} the other: a blind spot?")
    if found.withheld:
        console.print(f"the monitors' forecast is withheld: {found.withheld}", style="yellow")


def _cell(value: Shift | None) -> str:
    return "–" if value is None else str(value)
