"""All that the record says of one pair, gathered for whoever shows it.

Reads: the author's snapshot, verdicts in the inbox. Writes: nothing. Must not know: how it is shown.
"""

import json
from typing import Any, NamedTuple

from dashboard.data import folder, has, store
from warehouse.inbox import Message, waiting

Row = dict[str, Any]


class Text(NamedTuple):
    """One side: its messages, and a reading for each trait, in the detector's order."""

    turns: list[Row]
    readings: list[Row]


class Pair(NamedTuple):
    """`row` is that of `pairs`, or of `quarantine` for what failed validation, and then there is neither text.

    `persons` are the verdicts in the record, oldest first; `said` those that wait to be taken into it.
    """

    pair_id: str
    row: Row
    prompt: list[Row]
    chosen: Text
    rejected: Text
    decision: Row
    verdict: Row
    persons: list[Row]
    said: list[Message]
    attempts: list[Row]
    names: dict[str, str]


def pair(campaign: str, pair_id: str) -> Pair | None:
    """None where there is no such pair."""
    row = _first(campaign, "SELECT * FROM pairs WHERE pair_id = ?", pair_id)
    row = row or _first(campaign, "SELECT * FROM quarantine WHERE pair_id = ?", pair_id)
    if not row:
        return None
    readings = _rows(campaign, "SELECT * FROM readings WHERE pair_id = ?", pair_id)
    chosen, rejected = (
        Text(row.get(side) or [], [one for one in readings if one["side"] == side]) for side in ("chosen", "rejected")
    )
    persons = _rows(campaign, "SELECT * FROM person_verdicts WHERE pair_id = ? ORDER BY number", pair_id)
    verdict = _first(campaign, "SELECT * FROM verdicts WHERE pair_id = ?", pair_id)
    said = [message for message in waiting(folder(campaign), "verdict") if message.said.get("pair_id") == pair_id]
    return Pair(
        pair_id,
        row,
        row.get("prompt") or [],
        chosen,
        rejected,
        _first(campaign, "SELECT * FROM decisions WHERE pair_id = ?", pair_id),
        verdict,
        persons,
        said,
        _attempts(campaign, row),
        _names(campaign, [row.get("generator"), verdict.get("reviewer"), *(one["profile"] for one in readings[:1])]),
    )


def as_json(found: Pair) -> bytes:
    """The whole of it, nothing cut, for a file."""
    told = found._asdict() | {"chosen": found.chosen._asdict(), "rejected": found.rejected._asdict()}
    told["said"] = [{"who": one.who, "given": one.given, **one.said} for one in found.said]
    return json.dumps(told, ensure_ascii=False, indent=1).encode("utf-8", "surrogatepass")


def _attempts(campaign: str, row: Row) -> list[Row]:
    """The other pairs made for the same position of the same round."""
    sql = """
        SELECT pair_id, attempt, coalesce(decision, 'undecided') AS decision
        FROM (
            SELECT pair_id, round, position, attempt FROM pairs
            UNION SELECT pair_id, round, position, attempt FROM quarantine
        )
        LEFT JOIN decisions USING (pair_id)
        WHERE round = ? AND position = ? AND pair_id <> ? ORDER BY attempt, pair_id
    """
    return _rows(campaign, sql, row["round"], row["position"], row["pair_id"])


def _names(campaign: str, digests: list[Any]) -> dict[str, str]:
    known = _rows(campaign, "SELECT hash, name FROM artifacts")
    return {row["hash"]: row["name"] for row in known if row["hash"] in digests}


def _rows(campaign: str, sql: str, *params: Any) -> list[Row]:
    if "person_verdicts" in sql and not has(campaign, "person_verdicts"):
        return []  # the snapshot is older than persons' verdicts
    return store(campaign).query(sql, *params).to_pylist()


def _first(campaign: str, sql: str, *params: Any) -> Row:
    return next(iter(_rows(campaign, sql, *params)), {})
