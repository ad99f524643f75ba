"""What one side of the wall hands the other about a round: tables in a folder, and a small JSON of circumstances.

Reads and writes: `<campaign>/handover/round-<n>/`. The generator's side writes it, the audit reads it; nothing comes
back this way. Must not know: monitors, gold, what is answered.
"""

import json
import os
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict

from constitutions.document import Constitution
from constitutions.inoculation import Addendum
from flows.round import Examined
from flows.settings import Audit
from models.endpoint import Endpoint
from warehouse.files import write_whole
from warehouse.hashing import canonical

LABELLED = "labelled"


class Circumstances(BaseModel):
    """`planned`: rounds it will have; `pairs`: prompts of a usual round, `asked`: of this one; `seal`: the number of
    the seal in force, and `baseline`: whether this is its first round; `traits`: the detector's; `gold`: where gold is
    asked, if it is a model; `chain`: the constitutions from the first to the one this round was written under;
    `sealed_prompts`: how many, and `prompts` the file they come from, "" for the organism's world; `addendum`: what the
    published prompts carry; `link`: the hash chain's, when the round was examined; `moved`: measured movement since the
    start, bits a response, None where unavailable; `cautions`: the detector's, for the dataset card; `settled`: held
    pairs of this round and earlier ones that persons have kept or dropped. They stand outside the gate's pools."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    campaign: str
    seed: int
    round: int
    mode: str
    planned: int
    pairs: int
    asked: int
    seal: int
    baseline: bool
    traits: tuple[str, ...]
    audit: Audit
    gold: Endpoint | None = None
    chain: tuple[Constitution, ...]
    sealed_prompts: int
    prompts: str
    addendum: Addendum | None
    link: str
    note: str
    moved: float | None = None
    cautions: tuple[str, ...] = ()
    settled: dict[str, str] = {}


class Handed(NamedTuple):
    """`labelled`: texts of known motive as the detector read them; with a seal's first round, where there are any."""

    about: Circumstances
    done: Examined
    labelled: pa.Table | None


def hand_over(folder: Path, about: Circumstances, done: Examined, labelled: pa.Table | None = None) -> None:
    """Write the round into the campaign's `folder`; the JSON last, so that what it stands beside is whole."""
    place = folder / "handover" / f"round-{about.round}"
    place.mkdir(parents=True, exist_ok=True)
    for name, table in (done._asdict() | ({} if labelled is None else {LABELLED: labelled})).items():
        aside = place / f"{name}.aside"
        pq.write_table(table, aside, compression="zstd")
        os.replace(aside, place / f"{name}.parquet")
    write_whole(place / "about.json", canonical(about.model_dump(mode="json")))


def hand_again(folder: Path, number: int, settled: dict[str, str]) -> None:
    """The round once more, as it was but for what persons have `settled` since."""
    about = handed(folder, number).about.model_copy(update={"settled": settled})
    write_whole(folder / "handover" / f"round-{number}" / "about.json", canonical(about.model_dump(mode="json")))


def handed(folder: Path, number: int) -> Handed:
    """The round as it was handed over."""
    place = folder / "handover" / f"round-{number}"
    about = Circumstances.model_validate(json.loads((place / "about.json").read_text(encoding="utf-8")))
    tables = {name: pq.read_table(place / f"{name}.parquet", partitioning=None) for name in Examined._fields}
    labelled = place / f"{LABELLED}.parquet"
    return Handed(
        about,
        Examined(**{name: _as(table) for name, table in tables.items()}),
        pq.read_table(labelled, partitioning=None) if labelled.is_file() else None,
    )


def _as(table: pa.Table) -> pa.Table:
    """Without the metadata Parquet adds, so that tables of many rounds can be joined."""
    return table.replace_schema_metadata(None)
