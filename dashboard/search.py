"""Which pairs are asked for, and in what order: their ids alone, so that a hundred thousand of them cost little.

Reads: the author's snapshot. Writes: nothing. Must not know: how a pair is shown.
"""

import re
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import streamlit as st

from dashboard.data import about, store
from warehouse.store import Store

SPECIAL = re.compile(r"[!-/:-@\[-^`{-~]")
"""Whatever may mean something in a pattern."""
NOT_REVIEWED = "not reviewed"
FLAGS = {
    "flagged": "SELECT pair_id FROM readings WHERE side = 'chosen' AND flagged",
    "over, not used to flag": "SELECT pair_id FROM readings WHERE side = 'chosen' AND NOT flagged "
    "AND reading > threshold",
    "rejected side flagged": "SELECT pair_id FROM readings WHERE side = 'rejected' AND flagged",
    "not read": "SELECT pair_id FROM readings WHERE side = 'chosen' AND reading IS NULL",
    "not flagged": "SELECT pair_id FROM readings WHERE side = 'chosen' "
    "GROUP BY pair_id HAVING NOT coalesce(bool_or(flagged), false)",
}
# A row that failed validation is in no other table; where it has an id it is found like a pair.
KNOWN = """(
    SELECT pair_id, round, position, attempt, prompt, chosen, rejected, constitution FROM pairs
    UNION ALL BY NAME
    SELECT DISTINCT pair_id, round, position, attempt FROM quarantine
    WHERE pair_id <> '' AND pair_id NOT IN (SELECT pair_id FROM pairs)
)"""
# A third of the time that `contains(lower(…), …)` over all three joined takes.
ANYWHERE = " OR ".join(
    f"list_bool_or(list_transform({column}, lambda turn: regexp_matches(turn.content, ?)))"
    for column in ("prompt", "chosen", "rejected")
)


class Wanted(NamedTuple):
    """What a pair must be; "" and None ask for nothing. `words` stand anywhere in prompt, chosen or rejected, in either
    case; with `trait` the flag is that trait's."""

    round: int | None = None
    decision: str = ""
    verdict: str = ""
    flag: str = ""
    trait: str = ""
    constitution: str = ""
    words: str = ""
    id: str = ""


def matching(campaign: str, wanted: Wanted) -> pa.Array:
    """The ids of the pairs wanted, by round, position and attempt; remembered for as long as the snapshot is shown."""
    return _remembered(campaign, str(about(campaign)["version"]), wanted)


def find(asked: Store, wanted: Wanted) -> pa.Array:
    """The same, asked of a store."""
    conditions, params = _conditions(wanted)
    sql = f"SELECT pair_id FROM {KNOWN} AS known"
    if wanted.decision:
        sql += " JOIN decisions USING (pair_id)"
    if wanted.verdict:
        sql += " LEFT JOIN verdicts USING (pair_id)"
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    found = asked.query(f"{sql}{where} ORDER BY round, position, attempt, pair_id", *params)
    return found["pair_id"].combine_chunks()


def place(ids: pa.Array, pair_id: str) -> int:
    """Where the pair stands among them; -1 where it does not."""
    return int(pc.index(ids, pa.scalar(pair_id, ids.type)).as_py())


def choices(campaign: str) -> dict[str, list[Any]]:
    """What can be asked for: rounds, traits in the detector's order, and constitutions in force, the newest last."""
    asked = store(campaign)
    traits = "SELECT trait FROM readings WHERE pair_id = (SELECT min(pair_id) FROM readings) AND side = 'chosen'"
    used = "SELECT constitution, min(round) AS since FROM pairs GROUP BY constitution ORDER BY since, constitution"
    named = f"SELECT constitution, name, version FROM ({used}) LEFT JOIN constitutions ON hash = constitution "
    rounds = asked.query("SELECT DISTINCT round FROM pairs ORDER BY round")["round"].to_pylist()
    return {
        "rounds": rounds,
        "traits": list(dict.fromkeys(asked.query(traits)["trait"].to_pylist())),
        "constitutions": asked.query(named + "WHERE constitution <> '' ORDER BY since, constitution").to_pylist(),
    }


@st.cache_resource(max_entries=64, show_spinner=False)
def _remembered(campaign: str, version: str, wanted: Wanted) -> pa.Array:
    return find(store(campaign), wanted)


def _conditions(wanted: Wanted) -> tuple[list[str], list[Any]]:
    conditions, params = list[str](), list[Any]()

    def ask(condition: str, *values: Any) -> None:
        conditions.append(condition)
        params.extend(values)

    if wanted.round is not None:
        ask("round = ?", wanted.round)
    if wanted.decision:
        ask("decision = ?", wanted.decision)
    if wanted.verdict == NOT_REVIEWED:
        ask("verdict IS NULL")
    elif wanted.verdict:
        ask("verdict = ?", wanted.verdict)
    if wanted.trait:
        flagged = FLAGS[wanted.flag or "flagged"].replace("FROM readings", "FROM of_trait AS readings")
        ask(f"pair_id IN (WITH of_trait AS (SELECT * FROM readings WHERE trait = ?) {flagged})", wanted.trait)
    elif wanted.flag:
        ask(f"pair_id IN ({FLAGS[wanted.flag]})")
    if wanted.constitution:
        ask("constitution = ?", wanted.constitution)
    if wanted.words:
        pattern = "(?i)" + SPECIAL.sub(r"\\\g<0>", wanted.words)
        ask(f"({ANYWHERE})", *[pattern] * 3)
    if wanted.id:
        ask("starts_with(pair_id, ?)", wanted.id.strip().lower())
    return conditions, params
