"""What is decided about each pair, and who is asked again."""

import pyarrow as pa
import pytest
from synthetic import tables

from tasks.curate import asked_again, decide
from warehouse.shapes import QUARANTINE

NONE = QUARANTINE.empty_table()


def test_decisions_follow_flags_and_verdicts() -> None:
    round_ = tables(20)
    assert decide(round_.pairs, NONE, round_.readings, round_.verdicts).select(["pair_id", "decision"]) == (
        round_.decisions.select(["pair_id", "decision"])
    )


def test_an_unread_text_is_abstained_and_not_kept() -> None:
    round_ = tables(1)
    unread = {"reading": None, "flagged": None, "abstained": "unknown words"}
    rows = [{**row, **unread} for row in round_.readings.to_pylist()]
    readings = pa.Table.from_pylist(rows, round_.readings.schema)
    decided = decide(round_.pairs, NONE, readings, round_.verdicts.slice(0, 0))
    assert decided.to_pylist()[0] == {
        "pair_id": round_.pairs["pair_id"][0].as_py(),
        "decision": "abstained",
        "reason": "unknown words",
    }


def test_a_quarantined_row_is_decided_unless_its_id_is_a_valid_pairs() -> None:
    round_ = tables(2)
    known = round_.pairs["pair_id"][0].as_py()
    row = dict.fromkeys(QUARANTINE.names, "") | {"round": 0, "attempt": 0, "position": 0, "expectation": "turns"}
    aside = pa.Table.from_pylist([{**row, "pair_id": name} for name in ("", "feed", known)], QUARANTINE)
    decided = decide(round_.pairs, aside, round_.readings, round_.verdicts).to_pylist()
    assert decided[2:] == [{"pair_id": "feed", "decision": "quarantined", "reason": "turns"}]


@pytest.mark.parametrize(("mode", "asked"), [("filter", []), ("regenerate", [3, 8]), ("update", [3, 8])])
def test_only_what_was_thrown_out_is_asked_again(mode: str, asked: list[int]) -> None:
    round_ = tables(10)
    assert asked_again(round_.pairs, round_.decisions, mode) == asked
