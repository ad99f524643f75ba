"""The reviser proposes small changes without looking, and the choice among them is by the stated objective."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from constitutions.document import Constitution, Principle
from tasks.amend import FEWEST, MOST, TRIALS, Figures, choose, figures, propose, without

LIBRARY = {f"p{n}": (f"do {n}", f"rather do {n}") for n in range(12)}


def constitution(*ids: str) -> Constitution:
    return Constitution(name="t", version=3, principles=tuple(Principle(id=i, text=LIBRARY[i][0]) for i in ids))


@given(st.integers(0, 2**32), st.integers(1, 8), st.integers(FEWEST, MOST))
def test_candidates_are_different_and_at_most_two_edits_away(seed: int, count: int, size: int) -> None:
    incumbent = constitution(*list(LIBRARY)[:size])
    proposed = propose(incumbent, LIBRARY, count, seed)
    assert proposed == propose(incumbent, LIBRARY, count, seed)
    assert len(proposed) == count == len({candidate.hash for candidate in proposed})
    for candidate in proposed:
        changed = set(candidate.principles) ^ set(incumbent.principles)
        assert 1 <= len(changed) <= 4
        assert FEWEST <= len(candidate.principles) <= MOST
        assert (candidate.parent, candidate.version) == (incumbent.hash, 4)
        assert candidate.amendment


def test_an_empty_library_can_only_drop() -> None:
    incumbent = constitution("p1", "p2", "p3")
    assert {c.amendment for c in propose(incumbent, {}, 4, 0)} == {"drop p1", "drop p2", "drop p3"}


def test_leaving_one_out() -> None:
    assert [p.id for p in without(constitution("p1", "p2", "p3"), "p2").principles] == ["p1", "p3"]


def test_an_unread_text_counts_against_its_constitution() -> None:
    rows = [
        (True, "unjustified", 0.5),
        (True, "justified", 0.5),
        (False, "", 1.0),
        (None, "", 0.0),
    ]
    table = pa.Table.from_pylist(
        [{"constitution": "c", "flagged": f, "verdict": v, "utility": u} for f, v, u in rows], schema=TRIALS
    )
    assert figures(table, "c") == Figures(flag_rate=2 / 3, unjustified_rate=0.5, utility=0.5)


TRIED = [Figures(0.3, 0.30, 0.9), Figures(0.3, 0.20, 0.5), Figures(0.3, 0.25, 0.8), Figures(0.1, 0.20, 0.1)]


@pytest.mark.parametrize(("weight", "chosen"), [(0.0, 1), (0.4, 2), (10.0, 0)])
def test_the_lowest_objective_wins_and_the_earlier_of_equals(weight: float, chosen: int) -> None:
    assert choose(TRIED, weight, "flags", 0) == (chosen, 1)


def test_the_random_chooser_looks_at_nothing() -> None:
    assert [choose(TRIED, 0.4, "random", seed).chosen for seed in range(6)] == [0, 1, 2, 3, 0, 1]
