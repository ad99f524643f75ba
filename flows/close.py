"""The end of a round: publish what an unwatched campaign kept, sum the round up, and link it to the hash chain.

Reads: a round's tables. Writes: `<campaign>/dataset/`, `<campaign>/author/`, and rows into the
warehouse. Must not know: the held-out side; in a watched campaign the audit publishes.
"""

from constitutions.document import Constitution
from flows.amend import Amended
from flows.author_snapshot import show_author
from flows.event_datasets import of_file, of_table
from flows.published import enter
from flows.round import Examined
from flows.settled import keep_card, settled
from flows.summary import LedgerFacts, RoundSummary, summarize
from flows.workshop import Workshop
from tasks.curate import settle
from tasks.publish import CardFacts, Dataset, latest, publish_dataset
from warehouse.chain import extend

ENTRY = ("entry", "bits", "formula", "detail")


def publish(shop: Workshop, number: int, so_far: Examined, chain: list[Constitution]) -> Dataset:
    """Publish what was kept so far, unwatched, and record it with its rows, its files and the version it follows."""
    name, folder = shop.settings.name, shop.folder.parent / "dataset"
    before = latest(shop.store, name, number)
    by_persons = settled(shop.store, name, number)
    so_far = so_far._replace(decisions=settle(so_far.decisions, by_persons))
    linked = extend(shop.store, name, number, "examined")
    # Curated pairs have no constitutions: somebody else wrote them.
    note, cautions = shop.note if chain else "", shop.detector.profile.cautions
    about = (name, shop.settings.mode, tuple(chain), note, linked)
    card = CardFacts(*about, addendum=shop.addendum, cautions=cautions, settled=len(by_persons))
    tables = (so_far.pairs, so_far.decisions, so_far.readings, so_far.verdicts)
    read = [of_table(shop.store, table) for table in ("pairs", "decisions", "readings", "verdicts")]
    with shop.events.run("publish", number, read) as told:
        dataset = publish_dataset(*tables, folder, card)
        told.wrote(*(of_file(dataset.folder / file, f"version {dataset.version}") for file in dataset.files))
        keep_card(shop.folder, card)
        enter(shop.store, name, number, dataset, before)
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
    kept = f"{summary.kept} kept of {done.pairs.num_rows}"
    entries = [("filter", summary.filter_bits, "-log2(kept share), per pair", kept)]
    if gate := ledger.gate:
        entries += [
            ("gate, worst case", gate.worst, "log2(T + 1)", "one terminal alarm within the planned rounds"),
            ("gate, while nothing is wrong", gate.null, "h2(alpha) + alpha log2 T", "whether and when it alarms"),
            ("monitor budget left", gate.left, "log2(T - t + 1)", "0 once it has alarmed"),
        ]
    shop.register(
        rounds=[{**place, "mode": shop.settings.mode, "summary": summary.model_dump_json()}],
        ledger=[{**place, **dict(zip(ENTRY, entry, strict=True))} for entry in entries],
    )
    extend(shop.store, shop.settings.name, number, "finished")
    show_author(shop.store, shop.folder.parent, False, number, shop.settings.rounds)
    return summary
