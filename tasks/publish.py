"""Publish what was kept: TRL conversational Parquet with lineage columns, a dataset card, and exports as plain files.

Reads: the tables of a round, or the warehouse for an export. Writes: `<folder>/<version>/train.parquet` and
`README.md`, then the pointer `<folder>/current.json`; `<folder>/recalled.json` names the pairs that may not come back.
Every file is written aside and renamed, the pointer last, so a reader sees the old dataset or the new one. The same
rows give the same bytes.
Must not know: how pairs were made or judged.
"""

import gzip
import hashlib
import io
import json
from collections import Counter
from collections.abc import Collection
from pathlib import Path
from typing import Any, Literal, NamedTuple

import jinja2
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import yaml
from prefect import task
from prefect.cache_policies import NO_CACHE

from constitutions.document import Constitution
from constitutions.inoculation import Addendum
from warehouse.errors import PlumblineError
from warehouse.files import write_whole
from warehouse.hashing import canonical, content_hash
from warehouse.shapes import MESSAGES, PAIRS
from warehouse.store import Store

FROM_PAIRS = [
    *("prompt", "chosen", "rejected", "pair_id", "campaign", "round", "position", "attempt"),
    *("constitution", "generator", "seed_chosen", "seed_rejected"),
]
COLUMNS = pa.schema(
    [PAIRS.field(name) for name in FROM_PAIRS]
    + [("profile", pa.string()), ("sae", pa.string()), ("verdict", pa.string()), ("flagged", pa.bool_())]
)
EXPORT = pa.schema(
    [("prompt", MESSAGES), ("chosen", MESSAGES), ("rejected", MESSAGES), ("pair_id", pa.string())]
    + [("decision", pa.string())]
)
WITHDRAWN = "recalled.json"
HEADER = {
    "configs": [{"config_name": "default", "data_files": [{"split": "train", "path": "train.parquet"}]}],
    "tags": ["preference", "dpo", "trl"],
}


class CardFacts(NamedTuple):
    """What the card says and the tables do not: `chain` is the constitution from the first version to the last,
    `note` one sentence on the world the text comes from, `head` where the hash chain stood when it was published,
    `audited` whether each round passed the held-out gate before it was published, `addendum` what every published
    prompt carries beside its own words, `cautions` the traits that do not flag, or only because a person forced it,
    `settled` how many held pairs persons have kept or dropped."""

    campaign: str
    mode: str
    chain: tuple[Constitution, ...] = ()
    note: str = ""
    head: str = ""
    audited: bool = False
    addendum: Addendum | None = None
    cautions: tuple[str, ...] = ()
    settled: int = 0


class Dataset(NamedTuple):
    """A published dataset: `version` is the content hash of its rows, `folder` holds train.parquet and README.md,
    `files` the hash of each by its name, `pairs` are the ids of its rows."""

    version: str
    folder: Path
    rows: int
    files: dict[str, str]
    pairs: tuple[str, ...]


def publish(
    pairs: pa.Table, decisions: pa.Table, readings: pa.Table, verdicts: pa.Table, folder: Path, card: CardFacts
) -> Dataset:
    """Write the pairs decided `kept` as a dataset below `folder` and point `current.json` at it.

    Tables are shaped as in `warehouse.shapes`, in any row order. Raises ValueError when a kept pair is not in `pairs`.
    """
    told = card.addendum.text if card.addendum else ""
    rows = [row | {"prompt": inoculated(row["prompt"], told)} for row in _rows(pairs, decisions, readings, verdicts)]
    return publish_rows(rows, pairs, decisions, readings, folder, card)


def publish_rows(
    rows: list[dict[str, Any]],
    pairs: pa.Table,
    decisions: pa.Table,
    readings: pa.Table,
    folder: Path,
    card: CardFacts,
) -> Dataset:
    """Write `rows`, as they stand in a version or are to, as a dataset below `folder` and point `current.json` at it.

    Pairs that were recalled are left out. A version from before the recall is written as it was, and not pointed at.
    """
    gone, version = recalled(folder), content_hash(rows)
    known = version in gone.before
    if gone.pairs and not known:
        rows = [row for row in rows if row["pair_id"] not in gone.pairs]
        version = content_hash(rows)
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, schema=COLUMNS), sink, compression="zstd")
    about = _card(card, version, rows, pairs, decisions, readings).encode()
    files = {"train.parquet": sink.getvalue(), "README.md": about}
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    held = tuple(row["pair_id"] for row in rows)
    dataset = Dataset(version, folder / version[:12], len(rows), hashes, held)
    for name, data in files.items():
        write_whole(dataset.folder / name, data)
    if not known:
        pointer = {"version": version, "path": dataset.folder.name, "rows": len(rows)}
        write_whole(folder / "current.json", canonical(pointer) + b"\n")
    return dataset


class Withdrawn(NamedTuple):
    """`pairs` that no version may hold any more, and the versions there were `before` they were recalled."""

    pairs: frozenset[str] = frozenset()
    before: frozenset[str] = frozenset()


def recalled(folder: Path) -> Withdrawn:
    """What was recalled from the datasets in `folder`; nothing, where nobody has."""
    file = folder / WITHDRAWN
    if not file.is_file():
        return Withdrawn()
    told = json.loads(file.read_bytes())
    return Withdrawn(frozenset(told["pairs"]), frozenset(told["before"]))


def withdraw(folder: Path, pairs: Collection[str], before: Collection[str]) -> None:
    """Recall `pairs` from whatever is published in `folder` from now on; `before`: every version there is."""
    gone = recalled(folder)
    told = {"pairs": sorted(gone.pairs.union(pairs)), "before": sorted(gone.before.union(before))}
    write_whole(folder / WITHDRAWN, canonical(told) + b"\n")


def latest(store: Store, campaign: str, before: int | None = None) -> str | None:
    """The version published last, before round `before` where one is named; None where there is none. Of several of one
    round it is the one that none of them follows."""
    sql = (
        "SELECT version FROM datasets AS one WHERE campaign = $1 AND ($2 IS NULL OR round < $2) ORDER BY round DESC, "
        "version IN (SELECT parent FROM datasets WHERE campaign = $1 AND round = one.round "
        "AND parent IS NOT NULL AND parent <> version) LIMIT 1"
    )
    return next(iter(store.query(sql, campaign, before)["version"].to_pylist()), None)


def export(store: Store, campaign: str, to: Path, decisions: Collection[str] | Literal["all"] = ("kept",)) -> int:
    """Write a campaign's pairs to one .jsonl, .jsonl.gz or .parquet file, oldest first; returns how many.

    A row is prompt, chosen, rejected, pair_id and decision, as persons settled it; a prompt carries the campaign's
    addendum, where it has one.
    Of the kept pairs of an audited campaign only those published come: what gold withheld or an alarm quarantined is in
    none of these files, but for those of "all". Raises PlumblineError for any other suffix, when no pair has one of
    `decisions`, and while such a campaign is not over.
    """
    suffix = next((suffix for suffix in (".jsonl", ".jsonl.gz", ".parquet") if to.name.endswith(suffix)), None)
    if suffix is None:
        raise PlumblineError(f"{to}: unknown file type; name it .jsonl, .jsonl.gz or .parquet")
    table = store.query(
        "SELECT prompt, chosen, rejected, pair_id, coalesce(settled, '') AS decision FROM pairs "
        "LEFT JOIN v_decisions USING (pair_id) WHERE campaign = ? ORDER BY round, attempt, position, pair_id",
        campaign,
    ).cast(EXPORT)
    found = Counter(table["decision"].to_pylist())
    if decisions != "all":
        table = table.filter(pc.is_in(table["decision"], pa.array(sorted(decisions), pa.string())))
        table = _let_through(store, campaign, table)
    if not table.num_rows:
        has = ", ".join(f"{count} {name or 'undecided'}" for name, count in sorted(found.items())) or "no pairs"
        raise PlumblineError(f"{store.path}: campaign {campaign} has {has}; choose one of these decisions, or all")
    told = store.query("SELECT text FROM inoculations WHERE campaign = ?", campaign)["text"].to_pylist()
    prompts = [inoculated(prompt, *told) for prompt in table["prompt"].to_pylist()] if told else table["prompt"]
    write_whole(to, _encoded(table.set_column(0, EXPORT.field("prompt"), pa.array(prompts, MESSAGES)), suffix))
    return table.num_rows


def inoculated(prompt: list[dict[str, str]], addendum: str) -> list[dict[str, str]]:
    """The prompt with the addendum as its system message, after what one says there already; as it is without one."""
    if not addendum:
        return prompt
    own = prompt[:1] if prompt and prompt[0]["role"] == "system" else []
    said = [turn["content"] for turn in own]
    return [{"role": "system", "content": " ".join([*said, addendum]).strip()}, *prompt[len(own) :]]


def _let_through(store: Store, campaign: str, table: pa.Table) -> pa.Table:
    """Without the kept pairs that an audited campaign has not published."""
    audited = store.query("SELECT answer FROM gate_answers WHERE campaign = ? LIMIT 1", campaign).num_rows
    if not audited or "kept" not in table["decision"].to_pylist():
        return table
    version = latest(store, campaign)
    if not version:
        raise PlumblineError(f"{store.path}: {campaign} is not over, and its kept pairs not all through the gate yet")
    through = store.query("SELECT pair_id FROM dataset_pairs WHERE version = ?", version)["pair_id"]
    kept = pc.equal(table["decision"], "kept")
    return table.filter(pc.or_(pc.invert(kept), pc.is_in(table["pair_id"], through)))


def _rows(pairs: pa.Table, decisions: pa.Table, readings: pa.Table, verdicts: pa.Table) -> list[dict[str, Any]]:
    """The kept pairs in the order they were made, each with its lineage columns."""
    kept = {row["pair_id"] for row in decisions.to_pylist() if row["decision"] == "kept"}
    read: dict[str, dict[str, Any]] = {}
    for row in _chosen(readings).select(["pair_id", "flagged", "profile", "sae"]).to_pylist():
        entry = read.setdefault(row["pair_id"], {"profile": row["profile"], "sae": row["sae"], "flagged": False})
        entry["flagged"] = entry["flagged"] or bool(row["flagged"])
    verdict_of = dict(zip(verdicts["pair_id"].to_pylist(), verdicts["verdict"].to_pylist(), strict=True))
    rows = [
        {
            **row,
            "verdict": verdict_of.get(row["pair_id"], ""),
            **read.get(row["pair_id"], {"profile": "", "sae": "", "flagged": False}),
        }
        for row in pairs.select(FROM_PAIRS).to_pylist()
        if row["pair_id"] in kept
    ]
    lost = kept - {row["pair_id"] for row in rows}
    if lost:
        raise ValueError(f"{len(lost)} kept pairs are not among the pairs, first {min(lost)}")
    return sorted(rows, key=lambda row: (row["round"], row["attempt"], row["position"], row["pair_id"]))


def _card(
    card: CardFacts, version: str, rows: list[dict[str, Any]], pairs: pa.Table, decisions: pa.Table, readings: pa.Table
) -> str:
    template = jinja2.Template(
        Path(__file__).with_name("dataset_card.jinja").read_text(encoding="utf-8"),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )
    return template.render(
        header=yaml.safe_dump(HEADER, sort_keys=False),
        card=card,
        version=version,
        rows=rows,
        rounds=sorted({row["round"] for row in rows}),
        sources=sorted({source.rpartition(":")[0] for source in pairs["source"].to_pylist() if source}),
        profiles=sorted(set(readings["profile"].to_pylist())),
        saes=sorted(set(readings["sae"].to_pylist())),
        traits=sorted(set(readings["trait"].to_pylist())),
        counts=dict.fromkeys(("kept", "dropped", "held", "abstained", "quarantined"), 0)
        | Counter(decisions["decision"].to_pylist())
        | {"kept": len(rows)},
        kept_flagged=sum(row["flagged"] for row in rows),
    )


def _chosen(readings: pa.Table) -> pa.Table:
    return readings.filter(pc.equal(readings["side"], "chosen"))


def _encoded(table: pa.Table, suffix: str) -> bytes:
    if suffix == ".parquet":
        sink = io.BytesIO()
        pq.write_table(table, sink, compression="zstd")
        return sink.getvalue()
    lines = b"".join(canonical(row) + b"\n" for row in table.to_pylist())
    return gzip.compress(lines, mtime=0) if suffix.endswith(".gz") else lines


publish_dataset = task(name="publish", cache_policy=NO_CACHE)(publish)
