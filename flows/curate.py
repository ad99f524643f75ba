"""Curate pairs that people already have, by the same steps as a round: ingest, examine, publish.

Reads: one file of preference pairs. Writes: a folder of its own below PLUMBLINE_HOME, named after the file and its
content. Must not know: how a step works.
"""

import re
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
from prefect import flow

from flows.author_snapshot import show_author
from flows.campaign import at_work
from flows.close import publish
from flows.event_datasets import Data, of_file, of_shard
from flows.progress import Progress
from flows.published import current
from flows.round import Examined, batched, examine, together
from flows.settings import Campaign
from flows.settled import take_in
from flows.workshop import Workshop
from tasks.ingest import Ingested, ingest
from tasks.shard import Shard
from warehouse.chain import extend, head
from warehouse.hashing import content_hash, file_hash


class Curated(NamedTuple):
    """Rows by decision; `quarantined` are the rows that could not be read and those that failed validation. `chain` is
    the head of the hash chain over all of it. `cautions` name the traits that do not flag, or
    only because a person forced it."""

    campaign: str
    pairs: int
    kept: int
    dropped: int
    held: int
    abstained: int
    quarantined: int
    flagged: int
    dataset: Path
    warehouse: Path
    chain: str
    reasons: dict[str, int]
    cautions: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return {name: str(value) if isinstance(value, Path) else value for name, value in self._asdict().items()}


def curate(file: Path, settings: Campaign, progress: Progress) -> Curated:
    """`settings` say which models read and review. The folder is named after the file, its content and the settings.

    Raises PlumblineError when the file, or every row of it, cannot be read.
    """
    stem = re.sub(r"[^a-z0-9]+", "-", file.name.lower().split(".")[0]).strip("-")[:40]
    name = f"curate-{stem or 'pairs'}-{content_hash([file_hash(file), settings.deciding()])[:8]}"
    taken = ingest(file)
    with at_work(settings.model_copy(update={"name": name, "mode": "filter", "rounds": 1}), progress) as shop:
        done = curate_flow(name, shop, taken, of_file(file, "pairs that somebody else wrote"))
        rejects = taken.rejects.num_rows
        counts = Counter(done.decisions["decision"].to_pylist())
        abstained = [row["reason"] for row in done.decisions.to_pylist() if row["decision"] == "abstained"]
        reasons = Counter(re.sub(r"\d[\d.]*", "…", reason) for reason in abstained)
        return Curated(
            name,
            done.pairs.num_rows + rejects,
            counts["kept"],
            counts["dropped"],
            counts["held"],
            counts["abstained"],
            done.quarantined.num_rows + rejects,
            done.verdicts.num_rows,
            current(shop.folder.parent / "dataset"),
            shop.store.path,
            head(shop.store, name),
            dict(reasons.most_common()),
            shop.detector.profile.cautions,
        )


@flow(name="curate", flow_run_name="{campaign}", validate_parameters=False)
def curate_flow(campaign: str, shop: Workshop, taken: Ingested, source: Data) -> Examined:
    """What became of the rows that hold a pair; rows that hold none are quarantined."""
    pairs, rejects = (_named(table, campaign) for table in (taken.pairs, taken.rejects))
    shop.register(quarantine=rejects)
    shop.progress.stage(campaign, pairs.num_rows)
    batches = enumerate(batched(range(pairs.num_rows), shop.settings.shard))
    written = (_shard(shop, source, index, pairs.slice(rows[0], len(rows))) for index, rows in batches)
    done = together(examine(shop, written, set()))
    publish(shop, 0, done, [])
    extend(shop.store, campaign, 0, "finished")
    take_in(shop.store, shop.folder.parent, 0, shop.progress)
    show_author(shop.store, shop.folder.parent, True, 0, 0)
    return done


def _shard(shop: Workshop, source: Data, index: int, pairs: pa.Table) -> Shard:
    written = Shard(shop.shelf.place, f"c{index}", content_hash(pairs["pair_id"].to_pylist()), pairs.num_rows)
    with shop.events.run("ingest", written.key, source, written.label) as told:
        written.write("pairs", pairs)
        told.wrote(of_shard(written, "pairs"))
    return written


def _named(table: pa.Table, campaign: str) -> pa.Table:
    at = table.schema.get_field_index("campaign")
    return table.set_column(at, table.schema.field(at), pa.array([campaign] * table.num_rows, pa.string()))
