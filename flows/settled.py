"""What people settled joins the data: their verdicts on held pairs, published when a campaign is over.

While it runs, each publication takes in what was settled before it. Reads: the record, the card of the last version,
what was handed over. Writes: `<campaign>/dataset/` and its rows in the record; a watched campaign's audit publishes,
here as ever. Must not know: how a person was asked, or why the audit withholds a pair.
"""

import json
from pathlib import Path

from pydantic import TypeAdapter

from flows.auditor import republish
from flows.handover import hand_again
from flows.hearing import hear_late, hear_verdicts
from flows.progress import Progress
from flows.published import enter, enter_version, versions
from flows.round import Examined
from tasks.curate import settle
from tasks.publish import CardFacts, publish
from warehouse.chain import extend, unlinked
from warehouse.files import write_whole
from warehouse.store import Store

CARD = "card.json"


def settled(store: Store, campaign: str, number: int | None = None) -> dict[str, str]:
    """Held pairs that persons have settled, and as what: kept or dropped. Only what counts for the publication of round
    `number`, where one is named."""
    sql = (
        "SELECT pair_id, CASE verdict WHEN 'justified' THEN 'kept' ELSE 'dropped' END AS settled FROM ("
        "SELECT * FROM person_verdicts WHERE campaign = $1 AND ($2 IS NULL OR round <= $2) "
        "QUALIFY row_number() OVER (PARTITION BY pair_id ORDER BY number DESC) = 1"
        ") JOIN decisions USING (pair_id) WHERE decision = 'held' AND verdict <> 'unsure' ORDER BY pair_id"
    )
    return {row["pair_id"]: row["settled"] for row in store.query(sql, campaign, number).to_pylist()}


def keep_card(folder: Path, card: CardFacts) -> None:
    """Remember what the card of the last version said, in the generator's `folder`."""
    write_whole(folder / CARD, TypeAdapter(CardFacts).dump_json(card) + b"\n")


def take_in(store: Store, folder: Path, number: int, progress: Progress) -> int:
    """Once the campaign in `folder` is over, after round `number`: enter what people have said since, and publish again
    with what it settles. How many verdicts were new."""
    campaign = folder.name
    heard = hear_verdicts(store, folder, number)
    hear_late(store, folder, number)
    by_persons = settled(store, campaign)
    watched = store.query("SELECT 1 FROM gate_answers WHERE campaign = ? LIMIT 1", campaign).num_rows
    if watched and unlinked(store, "person_verdicts", campaign):
        progress.say(f"{campaign}: publishing what people settled")
        hand_again(folder, number, by_persons)
        republish(folder, number, progress)
        for row in versions(folder):
            enter_version(store, folder, row)
    elif not watched and by_persons:
        _publish(store, folder, number, by_persons)
    extend(store, campaign, number, "reviewed")
    return heard


def _publish(store: Store, folder: Path, number: int, by_persons: dict[str, str]) -> None:
    card = TypeAdapter(CardFacts).validate_json((folder / "generator" / CARD).read_bytes())
    done = _examined(store, folder.name)
    done = done._replace(decisions=settle(done.decisions, by_persons))
    parent = json.loads((folder / "dataset" / "current.json").read_bytes())["version"]
    tables = (done.pairs, done.decisions, done.readings, done.verdicts)
    dataset = publish(*tables, folder / "dataset", card._replace(settled=len(by_persons)))
    enter(store, folder.name, number, dataset, parent)


def _examined(store: Store, campaign: str) -> Examined:
    """Everything about the campaign's pairs, from its record."""
    pairs, quarantined = (f"FROM {name} WHERE campaign = $1" for name in ("pairs", "quarantine"))
    about = f"WHERE pair_id IN (SELECT pair_id {pairs} UNION SELECT pair_id {quarantined})"
    parts = (pairs, quarantined, *(f"FROM {name} {about}" for name in ("readings", "verdicts", "decisions")))
    return Examined(*(store.query(f"SELECT * {part}", campaign) for part in parts))
