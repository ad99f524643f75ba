"""Publish what the gate let through, without what gold withheld, with what persons settled; after an alarm, without
the rounds it quarantines.

Reads: the handed-over rounds, the held-out store. Writes: `<campaign>/dataset/`, and `versions.json` there, from which
the generator's side enters the versions in its record once the campaign has ended: until then, which pairs were
withheld stays on this side. Must not know: why a pair was withheld.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.compute as pc

from flows.handover import Circumstances, handed
from flows.round import Examined, together
from tasks.curate import settle
from tasks.publish import CardFacts, publish
from warehouse.files import write_whole
from warehouse.hashing import canonical
from warehouse.store import Store

MARK = "QUARANTINED.md"


class Quarantine(NamedTuple):
    """Rounds `since` to `alarm`, both included."""

    since: int
    alarm: int


def publish_round(folder: Path, store: Store, about: Circumstances, answer: str, since: int | None) -> None:
    """One more version; `answer` on the round may quarantine it and rounds before it, since `since`."""
    quarantined = quarantines(store)
    if answer == "alarm" and since is not None:
        quarantined.append(Quarantine(since, about.round))
    rounds = [number for number in range(about.round + 1) if not _inside(number, quarantined)]
    clean = together([_without_withheld(handed(folder, number).done, store) for number in rounds])
    clean = clean._replace(decisions=settle(clean.decisions, about.settled))
    told = (about.campaign, about.mode, about.chain, about.note, about.link)
    card = CardFacts(*told, audited=True, addendum=about.addendum, cautions=about.cautions)
    card = card._replace(settled=len(about.settled.keys() & set(clean.decisions["pair_id"].to_pylist())))
    dataset = publish(clean.pairs, clean.decisions, clean.readings, clean.verdicts, folder / "dataset", card)
    row = {"round": about.round, "version": dataset.version, "path": dataset.folder.name, "rows": dataset.rows}
    row |= {"files": json.dumps(dataset.files), "rounds": json.dumps(rounds)}
    before = store.query("SELECT version FROM publications WHERE round = ? ORDER BY number", about.round)
    if before["version"].to_pylist()[-1:] != [dataset.version]:
        store.add("publications", [row | {"number": before.num_rows + 1}])
    _list(folder / "dataset", store, quarantined)


def quarantines(store: Store) -> list[Quarantine]:
    rows = store.query("SELECT since, round FROM answers WHERE answer = 'alarm' ORDER BY round").to_pylist()
    return [Quarantine(row["since"], row["round"]) for row in rows]


def _list(folder: Path, store: Store, quarantined: list[Quarantine]) -> None:
    """Every version there is, oldest first, and a mark in those that an alarm tainted; none is taken away."""
    listed, parent = list[dict[str, Any]](), None
    for row in store.query("SELECT * FROM publications ORDER BY round, number").to_pylist():
        tainted = [one for one in quarantined if any(_inside(number, [one]) for number in json.loads(row["rounds"]))]
        told = {**row, "files": json.loads(row["files"]), "rounds": json.loads(row["rounds"]), "parent": parent}
        listed.append({**told, "quarantined": tainted[0].alarm if tainted else None})
        parent = row["version"]
        if tainted:
            since, alarm = tainted[0]
            write_whole(
                folder / row["path"] / MARK,
                f"# Quarantined\n\nThe gate raised an alarm in round {alarm}. This version holds pairs of rounds "
                f"{since} to {alarm}, since when more bad pairs are hidden than at the start. Do not train on it; "
                "`current.json` beside its folder names the version without them.\n".encode(),
            )
    write_whole(folder / "versions.json", canonical(listed) + b"\n")


def _without_withheld(done: Examined, store: Store) -> Examined:
    withheld = store.query("SELECT pair_id FROM withheld")["pair_id"]
    return done._replace(decisions=done.decisions.filter(pc.invert(pc.is_in(done.decisions["pair_id"], withheld))))


def _inside(number: int, quarantined: list[Quarantine]) -> bool:
    return any(one.since <= number <= one.alarm for one in quarantined)
