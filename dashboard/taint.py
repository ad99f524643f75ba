"""What an alarm tainted: the rounds it threw out, the versions published with them, and which pairs those are.

Reads: the gate's answers, what was published and what was recalled. Writes: nothing. Must not know: why the gate rang.
"""

from typing import Any, NamedTuple

from warehouse.store import Store

Row = dict[str, Any]


class Taint(NamedTuple):
    """`rounds`: those from the change to the alarm. `versions`: published with pairs of them, by hash, and so
    quarantined. `pairs`: how many the rounds wrote."""

    alarm: int
    rounds: tuple[int, ...]
    versions: tuple[str, ...]
    constitutions: tuple[str, ...]
    pairs: int


def taints(store: Store, campaign: str) -> list[Taint]:
    """One for each alarm. The rounds it threw out are those before it that have no pair in what was published then."""
    found, gone = list[Taint](), set[int]()
    for alarm in _column(store, "SELECT round FROM gate_answers WHERE answer = 'alarm' AND campaign = ?", campaign):
        clean = """
            SELECT DISTINCT pairs.round FROM pairs JOIN dataset_pairs USING (pair_id) JOIN datasets USING (version)
            WHERE datasets.campaign = ? AND datasets.round = ?
        """
        left = set(_column(store, clean, campaign, alarm))
        written = _column(store, "SELECT DISTINCT round FROM pairs WHERE campaign = ? AND round <= ?", campaign, alarm)
        rounds = tuple(number for number in sorted(written) if number not in left | gone)
        gone |= set(rounds)
        versions = "SELECT version FROM quarantined_datasets WHERE campaign = ? AND alarm = ? ORDER BY version"
        these = "campaign = ? AND list_contains(?, round)"
        under = f"SELECT DISTINCT constitution FROM pairs WHERE {these} AND constitution <> '' ORDER BY constitution"
        found.append(
            Taint(
                alarm,
                rounds,
                tuple(_column(store, versions, campaign, alarm)),
                tuple(_column(store, under, campaign, list(rounds))),
                _column(store, f"SELECT count(*) FROM pairs WHERE {these}", campaign, list(rounds))[0],
            )
        )
    return found


def recalled(store: Store) -> dict[str, Row]:
    """Versions that a person called back, by hash, each with who did it and why."""
    rows = store.query("SELECT * FROM recalls ORDER BY number").to_pylist()
    return {row["version"]: row for row in rows}


def _column(store: Store, sql: str, *params: Any) -> list[Any]:
    return store.query(sql, *params).column(0).to_pylist()
