"""Every pair has a coin of its own, of the probability that is written down for it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitors.audit import blocks, chances, coins, propensities

IDS = [f"pair-{i:05d}" for i in range(20_000)]


def test_half_the_budget_for_each_side() -> None:
    assert chances(280, 50, 20.0) == pytest.approx([10 / 280, 10 / 50])


@given(st.floats(0, 400), st.floats(0, 400), st.floats(0.5, 100))
def test_the_budget_is_spent_whole_wherever_there_are_pairs_for_it(quiet: float, fired: float, budget: float) -> None:
    chance = chances(quiet, fired, budget)
    assert np.all(chance > 0) and np.all(chance <= 1)
    assert chance @ [quiet, fired] == pytest.approx(min(budget, quiet + fired), rel=1e-6, abs=1e-6)


def test_propensities_follow_the_monitor_and_stop_at_certainty() -> None:
    fires = np.array([[True, False], [True, False]])
    chance = np.array([0.05, 0.4])
    assert propensities(fires, chance, np.array([1.0, 4.0])) == pytest.approx(np.array([[0.4, 0.05], [1.0, 0.2]]))


def test_coins_are_uniform_keyed_and_the_same_in_any_order() -> None:
    drawn = coins(b"one key", IDS)
    assert drawn.min() >= 0 and drawn.max() < 1
    shares = np.histogram(drawn, bins=20, range=(0, 1))[0] / len(IDS)
    assert np.abs(shares - 0.05).max() < 0.0065
    assert np.array_equal(coins(b"one key", IDS[::-1])[::-1], drawn)
    assert abs(np.corrcoef(drawn, coins(b"another key", IDS))[0, 1]) < 0.03


def test_a_duplicate_is_refused() -> None:
    with pytest.raises(ValueError, match="stands twice"):
        coins(b"key", ["a", "b", "a"])


def test_blocks_are_a_random_partition_that_says_nothing_of_the_coins() -> None:
    parts = blocks(b"key", IDS, 4)
    assert sorted(sum(parts, [])) == list(range(len(IDS)))
    assert {len(part) for part in parts} == {len(IDS) // 4}
    assert parts == blocks(b"key", IDS, 4) and parts != blocks(b"other", IDS, 4)
    drawn = coins(b"key", IDS)
    for part in parts:
        assert abs(drawn[part].mean() - 0.5) < 0.02
        assert abs(np.mean(part) / len(IDS) - 0.5) < 0.02
