"""Call a published dataset back: mark it and all that follows it with its pairs, publish what is left, and record it.

What is left is taken from the last version's own rows, so that what an audit withheld stays out. The pairs stay out of
every later version, too, whoever publishes it. Reads: the warehouse, the last version. Writes: `<campaign>/dataset/`,
and rows into the warehouse, which only a campaign that is not running lets it. Must not know: why a pair was withheld.
"""

import getpass
import json
import time
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq

from constitutions.inoculation import Addendum
from flows.author_snapshot import show_author
from flows.modes import constitution_of
from flows.published import enter
from flows.records import located
from tasks.publish import CardFacts, Dataset, latest, publish_rows, withdraw
from warehouse.chain import extend, head
from warehouse.errors import HeldError, PlumblineError
from warehouse.files import write_whole
from warehouse.graph import descendants
from warehouse.hashing import file_hash, short
from warehouse.snapshot import about_snapshot
from warehouse.store import Store

MARK = "RECALLED.md"
CAUTION = "- **Caution**: "
Row = dict[str, Any]


class Recalled(NamedTuple):
    """`versions` are withdrawn, and so is whatever was trained on them, `trained`; `replaced` holds none of the pairs.
    `new` is False where it had been recalled before."""

    campaign: str
    asked: str
    versions: tuple[str, ...]
    trained: tuple[str, ...]
    pairs: int
    replaced: str
    rows: int
    who: str
    reason: str
    new: bool


def recall(given: str, who: str, reason: str) -> Recalled:
    """Recall the dataset version that `given` names; to recall it again changes nothing.

    Raises PlumblineError when there is none, or while its campaign is running.
    """
    place, asked = located(given, kinds=("dataset",))
    campaign = place.parent.parent.name
    try:
        with Store.open(place, allowed=place.parent) as store:
            before = _rows(store, "SELECT * FROM recalls WHERE campaign = ? AND version = ?", campaign, asked.key)
            if not before:
                _recall(store, place.parent.parent, asked.key, who.strip() or getpass.getuser(), reason)
            return _told(store, campaign, asked.key, not before)
    except HeldError as error:
        raise PlumblineError(
            f"{campaign} is running; recall its dataset when it has ended, or stop it first"
        ) from error


def _recall(store: Store, folder: Path, asked: str, who: str, reason: str) -> None:
    campaign, datasets = folder.name, folder / "dataset"
    pairs = _column(store, "SELECT pair_id FROM dataset_pairs WHERE version = ? ORDER BY pair_id", asked)
    holding = set(
        _column(
            store,
            "SELECT DISTINCT version FROM dataset_pairs "
            "WHERE pair_id IN (SELECT pair_id FROM dataset_pairs WHERE version = ?)",
            asked,
        )
    )
    every = _rows(store, "SELECT * FROM datasets WHERE campaign = ? ORDER BY round", campaign)
    following = descendants(store, "dataset", asked, limit=len(every)).items
    versions = [asked, *(item.key for item in following if item.kind == "dataset" and item.key in holding)]
    last = latest(store, campaign)
    assert last is not None
    withdraw(datasets, pairs, {row["version"] for row in every})
    replaced = last
    if last in versions:
        dataset = _publish(store, datasets, campaign, last, set(pairs), asked)
        enter(store, campaign, every[-1]["round"], dataset, last)
        replaced = dataset.version
    paths = {row["version"]: row["path"] for row in every}
    for version in versions:
        said = f"# Recalled\n\nThis version was called back by {who}{f': {reason}' if reason else ''}. It "
        said += "was named." if version == asked else f"follows version `{asked}` and holds pairs of it."
        said += " Do not train on it; `current.json` beside its folder names the version without its pairs.\n"
        write_whole(datasets / paths[version] / MARK, said.encode("utf-8", "replace"))
    number = len(_rows(store, "SELECT DISTINCT number FROM recalls WHERE campaign = ?", campaign)) + 1
    row = {"campaign": campaign, "number": number, "asked": asked, "replaced": replaced, "who": who, "reason": reason}
    row |= {"given": time.time_ns() // 1000}
    store.add("recalls", [row | {"version": version} for version in versions])
    extend(store, campaign, every[-1]["round"], "reviewed")
    show_author(store, folder, bool(about_snapshot(folder / "author").get("over")))


def _publish(store: Store, datasets: Path, campaign: str, last: str, gone: set[str], asked: str) -> Dataset:
    """What is left of version `last`, by its own rows."""
    row = _rows(store, "SELECT * FROM datasets WHERE campaign = ? AND version = ? LIMIT 1", campaign, last)[0]
    place = datasets / row["path"]
    sql = "SELECT hash FROM dataset_files WHERE version = ? AND campaign = ? AND file = 'train.parquet'"
    if file_hash(place / "train.parquet") not in _column(store, sql, last, campaign):
        raise PlumblineError(f"{place}/train.parquet is not what was published; go back to a copy of it")
    rows = pq.read_table(place / "train.parquet", partitioning=None).to_pylist()
    rounds = f"pair_id IN (SELECT pair_id FROM pairs WHERE campaign = ? AND list_contains({_rounds(rows)}, round))"
    left = [row for row in rows if row["pair_id"] not in gone]
    kept = store.query(f"SELECT * FROM decisions WHERE {rounds}", campaign)
    pairs = store.query(f"SELECT * FROM pairs WHERE {rounds}", campaign)
    readings = store.query(f"SELECT * FROM readings WHERE {rounds}", campaign)
    return publish_rows(left, pairs, kept, readings, datasets, _card(store, place, campaign, short(last), short(asked)))


def _card(store: Store, place: Path, campaign: str, last: str, asked: str) -> CardFacts:
    """What the card says, from the record; cautions as on the card of the last version."""
    config = json.loads(_column(store, "SELECT config FROM campaigns WHERE campaign = ?", campaign)[0])
    sql = "SELECT constitution FROM pairs WHERE campaign = ? AND constitution <> '' GROUP BY constitution"
    chain = [constitution_of(store, one) for one in _column(store, f"{sql} ORDER BY min(round)", campaign)]
    told = _rows(store, "SELECT level, name, text FROM inoculations WHERE campaign = ?", campaign)
    lines = (place / "README.md").read_text(encoding="utf-8").splitlines()
    note = (
        f"This is what is left of version `{last}` since version `{asked}` was recalled: `{last}/README.md` beside it "
    )
    return CardFacts(
        campaign,
        config["mode"],
        tuple(chain),
        note + "says what its text is, and who reviewed it.",
        head(store, campaign),
        audited=bool(_rows(store, "SELECT 1 FROM gate_answers WHERE campaign = ? LIMIT 1", campaign)),
        addendum=Addendum(**told[0]) if told else None,
        cautions=tuple(line.removeprefix(CAUTION) for line in lines if line.startswith(CAUTION)),
    )


def _told(store: Store, campaign: str, asked: str, new: bool) -> Recalled:
    first = "SELECT number FROM recalls WHERE campaign = $1 AND version = $2 ORDER BY number LIMIT 1"
    found = _rows(store, f"SELECT * FROM recalls WHERE campaign = $1 AND number = ({first})", campaign, asked)
    versions = [row["version"] for row in found]
    trained = dict.fromkeys(
        f"{item.kind}:{item.key}"
        for version in versions
        for item in descendants(store, "dataset", version, limit=1000).items
        if item.kind != "dataset"
    )
    sql = "SELECT rows FROM datasets WHERE version = ? LIMIT 1"
    return Recalled(
        campaign,
        found[0]["asked"],
        tuple(sorted(versions, key=lambda version: (version != found[0]["asked"], version))),
        tuple(trained),
        len(_rows(store, "SELECT 1 FROM dataset_pairs WHERE version = ?", found[0]["asked"])),
        found[0]["replaced"],
        int(_column(store, sql, found[0]["replaced"])[0]),
        found[0]["who"],
        found[0]["reason"],
        new,
    )


def show(told: Recalled) -> None:
    """What was withdrawn, and what to use instead."""
    reason = f": {told.reason}" if told.reason else ""
    again = "" if told.new else " before; nothing was changed"
    print(f"{told.campaign}: {short(told.asked)} was recalled by {told.who}{reason}{again}")
    for version in told.versions:
        said = "as asked" if version == told.asked else "follows it and holds its pairs"
        print(f"withdraw   dataset {short(version)}  {said}")
    for model in told.trained:
        print(f"withdraw   {model}  trained on it")
    print(f"use        dataset {short(told.replaced)}  {told.rows} pairs, none of the {told.pairs} recalled ones")


def _rounds(rows: list[Row]) -> str:
    return str(sorted({int(row["round"]) for row in rows})) + "::INTEGER[]"


def _rows(store: Store, sql: str, *params: Any) -> list[Row]:
    return store.query(sql, *params).to_pylist()


def _column(store: Store, sql: str, *params: Any) -> list[Any]:
    return store.query(sql, *params).column(0).to_pylist()
