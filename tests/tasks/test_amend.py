"""The reviser proposes small changes without looking, and the choice among them is by the stated objective."""

from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from constitutions.document import Constitution, Principle
from constitutions.inoculation import Addendum, addendum
from models.language import LanguageModel
from tasks.amend import FEWEST, MOST, TRIALS, Figures, References, choose, figures, propose, trial, without
from tasks.generate import steered
from tasks.review import Reviewer
from tests.conftest import Detector

LIBRARY = {f"p{n}": (f"do {n}", f"rather do {n}") for n in range(12)}


def constitution(*ids: str) -> Constitution:
    return Constitution(name="t", version=3, principles=tuple(Principle(id=i, text=LIBRARY[i][0]) for i in ids))


@given(st.integers(0, 2**32), st.integers(1, 8), st.integers(FEWEST, MOST))
def test_candidates_are_different_and_at_most_two_edits_away(seed: int, count: int, size: int) -> None:
    incumbent = constitution(*list(LIBRARY)[:size])
    proposed = propose(incumbent, LIBRARY, MOST, count, seed)
    assert proposed == propose(incumbent, LIBRARY, MOST, count, seed)
    assert len(proposed) == count == len({frozenset(candidate.principles) for candidate in proposed})
    for candidate in proposed:
        changed = set(candidate.principles) ^ set(incumbent.principles)
        assert 1 <= len(changed) <= 4
        assert FEWEST <= len(candidate.principles) <= MOST
        assert (candidate.parent, candidate.version) == (incumbent.hash, 4)
        assert candidate.amendment


@given(st.integers(0, 2**32))
@example(2438209493)  # drew the first one's principles once more, in another order
def test_what_was_rejected_is_not_proposed_again(seed: int) -> None:
    incumbent = constitution("p1", "p2", "p3")
    proposed = propose(incumbent, LIBRARY, MOST, 3, seed)
    again = propose(incumbent, LIBRARY, MOST, 3, seed, [frozenset(proposed[0].principles)])
    assert proposed[0].hash not in {candidate.hash for candidate in again}
    assert {candidate.hash for candidate in proposed[1:]} <= {candidate.hash for candidate in again}


def test_an_empty_library_can_only_drop() -> None:
    incumbent = constitution("p1", "p2", "p3")
    assert {c.amendment for c in propose(incumbent, {}, MOST, 4, 0)} == {"drop p1", "drop p2", "drop p3"}


def test_a_long_constitution_can_be_added_to_up_to_its_own_bound() -> None:
    incumbent = constitution(*list(LIBRARY)[:8])
    for most, added in ((MOST, False), (8, False), (9, True)):
        proposed = [c for seed in range(20) for c in propose(incumbent, LIBRARY, most, 4, seed)]
        assert any(len(c.principles) > 8 for c in proposed) == added
        assert max(len(c.principles) for c in proposed) <= max(most, 8)


def test_a_reworded_principle_keeps_its_critique() -> None:
    held = tuple(Principle(id=i, text=LIBRARY[i][0], critique=f"does it {i}?") for i in ("p1", "p2"))
    kept = Constitution(name="t", principles=held)
    proposed = propose(kept, {"p1": LIBRARY["p1"]}, MOST, 1, 0)
    assert [c.amendment for c in proposed] == ["reword p1"]
    assert proposed[0].principles[0] == Principle(id="p1", text="rather do 1", critique="does it p1?")


def test_leaving_one_out() -> None:
    assert [p.id for p in without(constitution("p1", "p2", "p3"), "p2").principles] == ["p1", "p3"]


@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_responses_are_held_against_the_incumbent_and_the_start(
    tiny_model: Path, detector: Detector, temperature: float
) -> None:
    """By the law each was sampled from; at another temperature than 1 there is none, and so no figure."""
    model, requests = LanguageModel.load(tiny_model), ["Please help me.", "What do you think?"]
    winner, incumbent, start = constitution("p1", "p2"), constitution("p2"), constitution("p3")

    def tried(references: References | None, told: Addendum | None = None) -> pa.Table:
        asked = Reviewer(model)
        return trial([winner], requests, 5, model, temperature, 8, detector.truesight, asked, references, told)

    def under(one: Constitution, rows: pa.Table, told: Addendum | None = None) -> list[float | None]:
        exact = model.logprobs([steered(one, request, told) for request in requests], rows["response"].to_pylist())
        return [*exact] if temperature == 1 else [None, None]

    rows = tried(References(incumbent, start))
    for column, one in (("nats", winner), ("nats_before", incumbent), ("nats_start", start)):
        assert rows[column].to_pylist() == under(one, rows)
    same = tried(References(start, start))
    assert same["nats_before"] == same["nats_start"] == rows["nats_start"]
    stayed = tried(References(incumbent, winner))
    assert stayed["nats"] == stayed["nats_start"]
    told = tried(References(incumbent, start), addendum(5))
    assert told["nats_before"].to_pylist() == under(incumbent, told, addendum(5))
    assert told["response"] != rows["response"] and told["request"] == rows["request"]
    unheld = tried(None)
    assert unheld["response"] == rows["response"]
    assert {*unheld["nats"].to_pylist(), *unheld["nats_start"].to_pylist()} == {None}


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
