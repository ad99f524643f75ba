"""The estimate of when it began: near the truth where the change is plain, and never before the first round."""

import numpy as np
import pytest

from monitors.baseline import Baseline
from monitors.change import estimated_change, moved_traits
from monitors.gate import Block, State, design, open_round, read_block, started

BETS = ("any", "vain", "false")


def history(rates: list[float], seed: int) -> tuple[list[State], list[State], object]:
    """Rounds of 160 reviewed pairs, of which so many show the first trait."""
    rng = np.random.default_rng(seed)
    start = Baseline("unflagged", 800, (10, 5, 5), (800,), 128.0, 32.0)
    set_up = design([start], [160.0], 0.2)
    state, opened, ended = started(set_up), [], []
    for rate in rates:
        state = open_round(state, 0.2)
        opened.append(state)
        for _ in range(int(set_up.blocks[0])):
            found = rng.random(40) < rate
            bad = np.stack([found, found, np.zeros(40, bool)])
            state = read_block(set_up, state, 0, Block(np.ones(40, bool), np.zeros(40, int), np.ones(40), bad))
        ended.append(state)
    return opened, ended, set_up


def test_it_lies_near_the_change() -> None:
    rates = [0.01] * 5 + [0.15] * 3
    found = [estimated_change(*history(rates, seed)[:2]) for seed in range(40)]
    assert np.mean(np.abs(np.array(found) - 6) <= 1) >= 0.9


def test_the_trait_that_moved_is_named() -> None:
    opened, ended, set_up = history([0.01, 0.3, 0.3], 0)
    assert moved_traits(set_up, ended[-1], BETS) == ("vain",)  # type: ignore[arg-type]


def test_without_a_round_nothing_can_have_changed() -> None:
    with pytest.raises(ValueError, match="no round"):
        estimated_change([], [])
