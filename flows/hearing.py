"""Take what people said out of a campaign's inbox into its record: verdicts and reverts, and what does not count.

Reads: `<campaign>/inbox`, who has seen held-out figures. Writes: rows into the warehouse; a message is put aside once
it is in there, so that a crash between loses and doubles nothing. Must not know: what follows from a verdict or revert.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from constitutions.document import Constitution
from warehouse.errors import PlumblineError
from warehouse.hashing import canonical, short
from warehouse.inbox import Kind, Message, take, waiting
from warehouse.people import Said, may_steer, waiting_proposals
from warehouse.store import Store

VERDICTS: tuple[Said, ...] = ("justified", "unjustified", "unsure")


def begun(store: Store, campaign: str, number: int) -> bool:
    """Whether anything of round `number` is in the record: what is said now is for the round after it."""
    sql = "SELECT 1 FROM (SELECT campaign, round FROM pairs UNION ALL SELECT campaign, round FROM quarantine)"
    return bool(store.query(f"{sql} WHERE campaign = ? AND round = ? LIMIT 1", campaign, number).num_rows)


def hear_verdicts(store: Store, folder: Path, number: int) -> int:
    """Enter the verdicts that wait; they count from the publication of round `number` on. How many were new."""
    campaign, messages = folder.name, waiting(folder, "verdict")
    pairs = [str(message.said.get("pair_id")) for message in messages]
    sql = "SELECT pair_id FROM pairs WHERE campaign = ? AND list_contains(?, pair_id)"
    known = set(store.query(sql, campaign, pairs)["pair_id"].to_pylist())
    sql = "SELECT * FROM person_verdicts WHERE campaign = ? AND list_contains(?, pair_id) ORDER BY number"
    before = store.query(sql, campaign, pairs).to_pylist()
    entered = {(row["pair_id"], row["who"], row["given"]) for row in before}
    last = {row["pair_id"]: row["number"] for row in before}
    rows = list[dict[str, Any]]()
    for message, pair in zip(messages, pairs, strict=True):
        said = message.said
        if reason := _no_verdict(said, pair, known):
            refuse(store, folder, "verdict", message, number, reason)
        elif (pair, message.who, message.given) not in entered:
            last[pair] = last.get(pair, 0) + 1
            row = {"campaign": campaign, "pair_id": pair, "number": last[pair], "round": number, "who": message.who}
            row |= {"given": message.given, "verdict": said["verdict"], "traits": canonical(said.get("traits", []))}
            row["traits"] = row["traits"].decode()
            rows.append(row | {name: str(said.get(name, "")) for name in ("note", "shown")})
    store.add("person_verdicts", rows)
    for message in messages:
        take(message)
    return len(rows)


def hear_reverts(store: Store, folder: Path, number: int, chain: Sequence[Constitution]) -> None:
    """Enter the reverts that wait; they hold from round `number` on. `chain`: the versions that have been in force."""
    for message in waiting(folder, "revert"):
        rows = _reverts(store, folder.name)
        said = str(message.said.get("constitution"))
        if reason := steers(folder, message.who) or _no_revert(said, chain):
            refuse(store, folder, "revert", message, number, reason)
        elif not any((row["who"], row["given"]) == (message.who, message.given) for row in rows):
            row = {"campaign": folder.name, "number": len(rows) + 1, "round": number, "constitution": said}
            row |= {"who": message.who, "given": message.given, "note": str(message.said.get("note", ""))}
            store.add("reverts", [row])
        take(message)


def hear_late(store: Store, folder: Path, number: int) -> None:
    """Refuse answers to a proposal that does not wait for one, or no longer."""
    open_ones = {proposal.constitution for proposal in waiting_proposals(store, folder.name)}
    for message in waiting(folder, "approval"):
        if message.said.get("constitution") not in open_ones:
            refuse(store, folder, "approval", message, number, "no such amendment waits for an answer any more")
            take(message)


def reverted(store: Store, campaign: str, number: int) -> dict[str, Any] | None:
    """The revert that holds from round `number` on, of several the last."""
    return next((row for row in reversed(_reverts(store, campaign)) if row["round"] == number), None)


def refuse(store: Store, folder: Path, kind: Kind, message: Message, number: int, reason: str) -> None:
    """Record in round `number` that a message does not count, and why."""
    sql = "SELECT kind, who, given FROM refusals WHERE campaign = ?"
    rows = store.query(sql, folder.name).to_pylist()
    if {"kind": kind, "who": message.who, "given": message.given} not in rows:
        row = {"campaign": folder.name, "number": len(rows) + 1, "round": number, "kind": kind, "who": message.who}
        said = canonical(message.said).decode()
        store.add("refusals", [row | {"given": message.given, "said": said, "reason": reason}])


def steers(folder: Path, who: str) -> str:
    """Why `who` may not steer the campaign's amendments; "" when they may."""
    try:
        may_steer(folder, who)
    except PlumblineError as error:
        return str(error)
    return ""


def _no_verdict(said: dict[str, Any], pair: str, known: set[str]) -> str:
    if pair not in known:
        return f"there is no pair {pair} in this campaign"
    traits = said.get("traits", [])
    named = isinstance(traits, list) and all(isinstance(trait, str) for trait in traits)
    if said.get("verdict") not in VERDICTS or not named:
        return f"a verdict is one of {', '.join(VERDICTS)}, and its traits are a list of names"
    return ""


def _no_revert(said: str, chain: Sequence[Constitution]) -> str:
    earlier = {constitution.hash for constitution in chain} - {chain[-1].hash}
    return "" if said in earlier else f"{short(said)} is no earlier version of this campaign's constitution"


def _reverts(store: Store, campaign: str) -> list[dict[str, Any]]:
    return store.query("SELECT * FROM reverts WHERE campaign = ? ORDER BY number", campaign).to_pylist()
