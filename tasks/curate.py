"""Decide about each pair, and say which prompts are asked again.

Reads: pairs, what validation set aside, readings, verdicts. Writes: nothing. Costs nothing, so it is no shard task: the
same inputs give the same decisions. Must not know: models, rounds, ground truth.
"""

from collections.abc import Mapping

import pyarrow as pa

from warehouse.shapes import DECISIONS

BY_VERDICT = {"justified": "kept", "unjustified": "dropped", "unsure": "held"}


def decide(valid: pa.Table, quarantined: pa.Table, readings: pa.Table, verdicts: pa.Table) -> pa.Table:
    """One DECISIONS row for each pair of `valid`, in order, then for each quarantined row that has an id.

    kept: unflagged, or flagged and found justified. dropped: unjustified. held: the reviewer was unsure, a person
    decides. abstained: the chosen text could not be read, which is not the same as unflagged.
    """
    chosen = [row for row in readings.to_pylist() if row["side"] == "chosen"]
    unread = {row["pair_id"]: row["abstained"] for row in chosen if row["abstained"]}
    verdict = {row["pair_id"]: row for row in verdicts.to_pylist()}
    rows = []
    for pair in valid["pair_id"].to_pylist():
        if pair in unread:
            rows.append({"pair_id": pair, "decision": "abstained", "reason": unread[pair]})
        elif pair in verdict:
            found = verdict[pair]
            rows.append({"pair_id": pair, "decision": BY_VERDICT[found["verdict"]], "reason": found["reason"]})
        else:
            rows.append({"pair_id": pair, "decision": "kept", "reason": "no trait is flagged"})
    set_aside = {row["pair_id"]: row["expectation"] for row in quarantined.to_pylist() if row["pair_id"]}
    known = set(valid["pair_id"].to_pylist())
    rows += [
        {"pair_id": pair, "decision": "quarantined", "reason": expectation}
        for pair, expectation in set_aside.items()
        if pair not in known
    ]
    return pa.Table.from_pylist(rows, schema=DECISIONS)


def settle(decisions: pa.Table, by_persons: Mapping[str, str]) -> pa.Table:
    """The decisions with what persons settled: `by_persons` maps pairs that were held to kept or dropped."""
    rows = [
        row | {"decision": by_persons[row["pair_id"]], "reason": "a person settled it"}
        if row["decision"] == "held" and row["pair_id"] in by_persons
        else row
        for row in decisions.to_pylist()
    ]
    return pa.Table.from_pylist(rows, schema=DECISIONS)


def asked_again(pairs: pa.Table, decisions: pa.Table, mode: str) -> list[int]:
    """Positions whose pair was dropped and whose prompt is asked again; none in mode `filter`."""
    if mode == "filter":
        return []
    dropped = {row["pair_id"] for row in decisions.to_pylist() if row["decision"] == "dropped"}
    return [row["position"] for row in pairs.select(["pair_id", "position"]).to_pylist() if row["pair_id"] in dropped]
