"""The loop: a round, publish, amend, again.

Reads: a campaign's settings. Writes: everything below `<home>/<campaign>/generator/`, Prefect artifacts.
Must not know: what happens inside a round or an amendment. The audit takes its place between the round and publishing.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from prefect import flow

from constitutions.document import Constitution
from flows.amend import Amended, amend_flow, keep
from flows.artifacts import Shown
from flows.prefect_setup import prefect_for, server_if_needed
from flows.progress import Progress
from flows.round import Examined, round_flow, together
from flows.settings import Campaign
from flows.summary import LedgerFacts, RoundSummary, ledger_so_far, summarize
from flows.workshop import Workshop, open_workshop
from tasks.publish import CardFacts, Dataset, publish_dataset
from warehouse.chain import extend, head
from warehouse.hashing import content_hash


class Report(NamedTuple):
    """How a campaign went. `finished` shards were found done, `lost` pairs were in flight when an earlier run was
    killed; `chain` is the head of its hash chain; `example` is a pair worth tracing: one that was thrown out, if any
    was."""

    campaign: str
    rounds: tuple[RoundSummary, ...]
    constitution: Constitution
    dataset: Path
    warehouse: Path
    data_docs: Path
    finished: int
    written: int
    lost: int
    chain: str
    example: str

    def as_json(self) -> dict[str, Any]:
        return {
            **{name: str(value) if isinstance(value, Path) else value for name, value in self._asdict().items()},
            "rounds": [summary.model_dump() for summary in self.rounds],
            "constitution": self.constitution.hash,
        }


def run(settings: Campaign, progress: Progress) -> Report:
    """The whole campaign, or the rest of it: what is finished is found and not done again.

    Raises PlumblineError for whatever a person can mend.
    """
    with at_work(settings, progress) as shop:
        summaries, constitution, dataset, example = campaign_flow(settings.name, shop)
        return Report(
            settings.name,
            tuple(summaries),
            constitution,
            dataset.folder,
            shop.store.path,
            shop.folder / "data_docs",
            shop.shelf.finished,
            shop.shelf.written,
            shop.shelf.lost,
            head(shop.store, settings.name),
            example,
        )


@contextmanager
def at_work(settings: Campaign, progress: Progress) -> Iterator[Workshop]:
    """The campaign's workshop with Prefect around it."""
    with server_if_needed() as server, open_workshop(settings, progress) as shop:
        tag = f"plumbline-{content_hash(str(shop.folder.resolve()))[:12]}"
        with prefect_for(tag, server):
            yield shop


@flow(name="campaign", flow_run_name="{campaign}", validate_parameters=False)
def campaign_flow(campaign: str, shop: Workshop) -> tuple[list[RoundSummary], Constitution, Dataset, str]:
    settings, shown = shop.settings, Shown(campaign, shop.settings.rounds)
    chain, parts, seen = [shop.constitution], list[Examined](), set[str]()
    summaries, dataset = list[RoundSummary](), None
    keep(shop, shop.constitution)
    for number in range(1, settings.rounds + 1):
        done = round_flow(campaign, number, shop, chain[-1], seen)
        parts.append(done)
        dataset = publish(shop, number, together(parts), chain, dataset)

        amended = amend_flow(campaign, number, shop, chain[-1]) if settings.mode == "update" else None
        before = summaries[-1].ledger if summaries else None
        ledger = ledger_so_far(before, amended, number, settings.rounds)
        summaries.append(close(shop, number, chain[-1], done, amended, ledger))
        shown.round(summaries[-1])
        if amended and amended.constitution != chain[-1]:
            chain.append(amended.constitution)
    assert dataset is not None
    return summaries, chain[-1], dataset, worth_tracing(parts[-1])


def worth_tracing(done: Examined) -> str:
    by_decision = {row["decision"]: row["pair_id"] for row in done.decisions.to_pylist()}
    return by_decision.get("dropped") or next(iter(by_decision.values()))


def publish(
    shop: Workshop, number: int, so_far: Examined, chain: list[Constitution], before: Dataset | None
) -> Dataset:
    """Publish what was kept so far, and record it with its rows, its files and the version it follows.

    What was decided is linked to the hash chain first, so that the card can name a link that covers its pairs.
    """
    written_here = shop.embedded and chain  # curated pairs have no constitution chain: somebody else wrote them
    note = "Templated text of a model organism with one million parameters." if written_here else ""
    linked = extend(shop.store, shop.settings.name, number, "examined")
    card = CardFacts(shop.settings.name, shop.settings.mode, tuple(chain), note, linked)
    tables = (so_far.pairs, so_far.decisions, so_far.readings, so_far.verdicts)
    dataset = publish_dataset(*tables, shop.folder / "dataset", card)
    kept = so_far.decisions.to_pylist()
    place = {"version": dataset.version, "campaign": shop.settings.name, "round": number}
    shop.register(
        datasets=[
            {
                **place,
                "path": dataset.folder.name,
                "rows": dataset.rows,
                "parent": before.version if before else None,
            }
        ],
        dataset_files=[{**place, "file": name, "hash": digest} for name, digest in dataset.files.items()],
        dataset_pairs=[
            {"version": dataset.version, "pair_id": row["pair_id"]} for row in kept if row["decision"] == "kept"
        ],
    )
    return dataset


def close(
    shop: Workshop,
    number: int,
    constitution: Constitution,
    done: Examined,
    amended: Amended | None,
    ledger: LedgerFacts,
) -> RoundSummary:
    """Sum the round up, enter what its filtering selected in the ledger, and link it all to the hash chain."""
    summary = summarize(number, shop.settings.mode, constitution.hash, done, amended, shop.embedded, ledger)
    place = {"campaign": shop.settings.name, "round": number}
    shop.register(
        rounds=[{**place, "mode": shop.settings.mode, "summary": summary.model_dump_json()}],
        ledger=[
            {
                **place,
                "entry": "filter",
                "bits": summary.filter_bits,
                "formula": "-log2(kept share), per pair",
                "detail": f"{summary.kept} kept of {done.pairs.num_rows}",
            }
        ],
    )
    extend(shop.store, shop.settings.name, number, "finished")
    return summary
