"""The confidence sequence: it covers at every look, narrows, and says nothing where nothing can be said."""

import numpy as np
import pytest

from monitors.confidence import ALPHA, sequence

LEAST, FIRED = 0.05, 0.4
WORLDS = {  # rate of bad items, by item; the gate looks at every moment and stops when it likes
    "none": lambda n: np.zeros(n),
    "few": lambda n: np.full(n, 0.03),
    "many": lambda n: np.full(n, 0.4),
    "drift": lambda n: np.linspace(0.01, 0.5, n),
    "jump": lambda n: np.where(np.arange(n) < n // 2, 0.02, 0.6),
}


def drawn(rate: np.ndarray, draw: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Truth, what gold found, and the chances: harder where a monitor fires, four times once anything was found."""
    bad = (draw.random(len(rate)) < rate).astype(float)
    fires, found, chance, harder = draw.random(len(rate)) < np.where(bad > 0, 0.6, 0.1), [], [], 1.0
    for item, fired in zip(bad, fires, strict=True):
        chance.append(min(1.0, harder * (FIRED if fired else LEAST)))
        found.append(float(item and draw.random() < chance[-1]))
        harder = 4.0 if found[-1] else max(1.0, harder * 0.99)
    return bad, np.array(found), np.array(chance)


@pytest.mark.parametrize("world", WORLDS)
def test_it_covers_at_every_look(world: str) -> None:
    draw, looks, misses, tries = np.random.default_rng(0), np.arange(20, 601, 20), 0, 150
    for _ in range(tries):
        bad, found, chance = drawn(WORLDS[world](600), draw)
        truth = np.cumsum(bad)[looks - 1] / looks
        told = sequence(found, chance, LEAST, looks)
        misses += any(not one.low <= share <= one.high for one, share in zip(told, truth, strict=True))
    assert misses / tries <= ALPHA + 3 * np.sqrt(ALPHA * (1 - ALPHA) / tries)


def test_it_is_no_wider_than_it_must_be() -> None:
    draw = np.random.default_rng(1)
    _, found, chance = drawn(np.full(40_000, 0.1), draw)
    told = sequence(found, chance, LEAST, np.array([400, 4_000, 40_000]))
    widths = [one.high - one.low for one in told]
    assert widths[0] > 2 * widths[1] > 4 * widths[2]
    assert widths[2] < 0.03
    assert told[2].low < told[2].rate < told[2].high


def test_a_population_read_whole_leaves_nothing_to_bound() -> None:
    told = sequence(np.array([0.0, 1.0, 0.0, 0.0]), np.ones(4), 0.1, np.array([4]))[0]
    assert told == (0.25, 0.25, 0.25)


def test_looking_cheats_a_bound_for_one_look() -> None:
    """A control that must fail: the usual interval of a fixed sample, looked at as often, misses far more than α."""
    draw, looks, misses, tries = np.random.default_rng(2), np.arange(20, 601, 20), 0, 200
    for _ in range(tries):
        bad, found, chance = drawn(np.full(600, 0.03), draw)
        weighed = found / chance
        for look in looks:
            wide = 1.96 * weighed[:look].std() / np.sqrt(look)
            if abs(weighed[:look].mean() - bad[:look].mean()) > wide:
                misses += 1
                break
    assert misses / tries > 3 * ALPHA


@pytest.mark.parametrize(
    ("chance", "least", "end"), [([0.5, 0.1], 0.2, 2), ([0.5, 0.5], 0.0, 2), ([0.5, 1.5], 0.5, 2), ([0.5, 0.5], 0.5, 3)]
)
def test_what_cannot_be_is_refused(chance: list[float], least: float, end: int) -> None:
    with pytest.raises(ValueError, match="bounds|chance"):
        sequence(np.zeros(2), np.array(chance), least, np.array([end]))
