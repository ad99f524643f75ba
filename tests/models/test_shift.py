"""The mean of paired differences, with an interval over clusters."""

import numpy as np
import pytest

from models.shift import Shift, shift


def test_the_mean_is_of_the_pairs_that_are_known_on_both_sides() -> None:
    found = shift([1.0, None, 3.0, 5.0], [0.0, 1.0, None, 2.0], "abcd")
    assert found is not None and found.value == 2.0 and found.count == 2
    assert shift([None], [1.0], "a") is None and shift([], [], []) is None


def test_the_interval_covers_as_often_as_it_says() -> None:
    rng, covered = np.random.default_rng(1), 0
    for seed in range(100):
        after = rng.normal(0.3, 1, 60)
        found = shift(after.tolist(), [0.0] * 60, range(60), seed)
        assert found is not None
        covered += found.low <= 0.3 <= found.high
    assert 88 <= covered <= 99


def test_texts_of_one_prompt_are_one_draw() -> None:
    """Ten copies of each difference say no more than one."""
    values = np.random.default_rng(2).normal(0.2, 1, 30)
    alone = shift(values.tolist(), [0.0] * 30, range(30))
    copied = shift(np.repeat(values, 10).tolist(), [0.0] * 300, np.repeat(np.arange(30), 10).tolist())
    naive = shift(np.repeat(values, 10).tolist(), [0.0] * 300, range(300))
    assert alone and copied and naive
    assert copied.high - copied.low == pytest.approx(alone.high - alone.low, rel=0.02)
    assert naive.high - naive.low < 0.5 * (alone.high - alone.low)


@pytest.mark.parametrize(("low", "high", "sign"), [(0.1, 0.3, 1), (-0.3, -0.1, -1), (-0.1, 0.2, 0), (0.0, 0.2, 0)])
def test_a_sign_is_told_only_where_the_interval_leaves_zero_out(low: float, high: float, sign: int) -> None:
    assert Shift(value=(low + high) / 2, low=low, high=high, count=9).sign == sign
