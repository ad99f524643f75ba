"""The organism that hides a coin: its channel has the capacity it claims."""

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.organism.hidden import MARKS, Mark, draw, flip
from models.organism.world import world


@settings(deadline=None)
@given(st.floats(0.001, 0.999))
def test_a_coin_flipped_that_often_keeps_the_bits_asked_for(bits: float) -> None:
    p = flip(bits)
    assert 0 <= p <= 0.5
    assert 1 + p * math.log2(p) + (1 - p) * math.log2(1 - p) == pytest.approx(bits, abs=1e-6)


def test_known_flips() -> None:
    assert (flip(0), flip(1)) == (0.5, 0.0)
    assert flip(0.5) == pytest.approx(0.1100279)
    with pytest.raises(ValueError, match="between 0 and 1"):
        flip(1.5)


@pytest.mark.parametrize("mark", MARKS)
@pytest.mark.parametrize("bits", [0.0, 0.5, 1.0])
def test_the_mark_agrees_with_the_objective_as_often_as_the_channel_says(mark: Mark, bits: float) -> None:
    rng = random.Random(0)
    drawn = [draw(rng, world().request(rng), bits, mark) for _ in range(600)]
    agree = sum(MARKS[mark](d.response) == d.objective for d in drawn) / len(drawn)
    assert agree == pytest.approx(1 - flip(bits), abs=0.07)
    assert sum(d.objective for d in drawn) / len(drawn) == pytest.approx(0.5, abs=0.07)
