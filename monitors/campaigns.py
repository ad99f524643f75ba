"""Many simulated campaigns at once, watched by the gate of `monitors.gate` itself, function for function.

Reads: a schedule of worlds, one a round. Writes: nothing. Must not know: which table its figures go into.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitors.audit import propensities
from monitors.baseline import FLOOR, LIMIT, risks, upper_bound
from monitors.gate import ALPHA, Block, Design, State, designed, harder, open_round, read_block, started
from monitors.world import KEPT, UNFLAGGED, Drawn, World, draw, gold, pool
from warehouse.errors import PlumblineError

Floats = NDArray[np.float64]
Ints = NDArray[np.int_]
Bools = NDArray[np.bool_]
Schedule = Callable[[int], World]

POOLS = (UNFLAGGED, KEPT)
CALM = 3  # rounds before the first update


class Watch(NamedTuple):
    """How the gate watches: gold reviews of each pool for the baseline and, in expectation, a round; α; `exact` puts
    the ceilings at the true rates of the first world; `merged` counts near-duplicates as one item."""

    baseline: tuple[int, int] = (1000, 200)
    budgets: tuple[float, float] = (18.0, 2.0)
    alpha: float = ALPHA
    exact: bool = False
    merged: bool = False


class Seen(NamedTuple):
    """What became of the campaigns whose baseline was accepted. `alarm` [campaigns]: the round, or 0. Each [campaigns,
    rounds]: gold `reviews`, bad pairs `accepted` for publication, and how often the monitor `fired`, which a naive
    watcher would test; `refused` is the share that never started."""

    alarm: Ints
    reviews: Ints
    accepted: Ints
    fired: Ints
    refused: float


def watched(schedule: Schedule, rounds: int, campaigns: int, rng: np.random.Generator, watch: Watch) -> Seen:
    """Run `campaigns` campaigns of `rounds` rounds; `schedule(0)` is the world of the baseline.

    A campaign whose baseline is refused never starts; the figures are of those that do. Raises PlumblineError where
    none does.
    """
    design, refused = _design(schedule(0), campaigns, rng, watch)
    count = len(design.flag_rate)
    if not count:
        raise PlumblineError("every simulated baseline is refused as already bad; take a lower rate of bad pairs")
    state = started(design)
    reviews, accepted, fired = (np.zeros((count, rounds), np.int_) for _ in range(3))
    for round in range(rounds):
        world = schedule(round + 1)
        drawn = draw(world, count, rng)
        state = open_round(state, drawn.flagged.mean(1))
        state, reviews[:, round], caught = _audited(design, state, world, drawn, rng, watch)
        accepted[:, round] = (drawn.bad & (~drawn.flagged | drawn.kept) & ~caught).sum(1)
        fired[:, round] = drawn.fires.sum(1)
    return Seen(state.alarm, reviews, accepted, fired, refused)


def _design(world: World, campaigns: int, rng: np.random.Generator, watch: Watch) -> tuple[Design, float]:
    """Draw the baselines, and refuse those that are too bad; how many were refused. Pool sizes come from the world."""
    pools = [pool(world, which) for which in POOLS]
    limits, mixes = [], []
    for one, reviewed, risk in zip(pools, watch.baseline, risks(len(pools), 1), strict=True):
        strata = rng.multinomial(reviewed, one.mix, size=campaigns)
        bound = upper_bound(rng.binomial(strata, one.gold_bad).sum(1), reviewed, risk)
        exact = np.full(campaigns, one.mix @ one.gold_bad)
        limits.append(exact if watch.exact else np.maximum(FLOOR, bound))
        mixes.append(np.tile(one.mix, (campaigns, 1)) if watch.exact else strata / reviewed)
    flag_rate = rng.binomial(CALM * world.pairs, 1 - pools[UNFLAGGED].share, size=campaigns) / (CALM * world.pairs)
    accepted = limits[UNFLAGGED] <= LIMIT
    items = world.pairs // world.copies if watch.merged else world.pairs
    design = designed(
        np.stack(limits, axis=1)[accepted, :, None],
        np.stack(mixes, axis=1)[accepted],
        items * np.array([[one.share * (1 - one.fires), one.share * one.fires] for one in pools]),
        np.array(watch.budgets),
        flag_rate[accepted],
        watch.alpha,
    )
    return design, 1 - float(accepted.mean())


class _Audited(NamedTuple):
    state: State
    reviews: Ints
    caught: Bools


def _audited(
    design: Design, state: State, world: World, drawn: Drawn, rng: np.random.Generator, watch: Watch
) -> _Audited:
    """A round through the gate, block by block: the state after it, its reviews and the pairs gold caught."""
    reviews, caught = np.zeros(len(drawn.bad), np.int_), np.zeros(drawn.bad.shape, np.bool_)
    step = world.copies if watch.merged else 1
    for which, members in ((KEPT, drawn.kept), (UNFLAGGED, ~drawn.flagged)):
        count = int(design.blocks[which])
        for start in range(count):
            at = slice(start * step, None, count * step)
            present = members[:, at]
            propensity = propensities(drawn.fires[:, at], design.chances[which], harder(state, which))
            audited = present & (rng.random(present.shape) < propensity)
            verdicts = gold(world, drawn.bad[:, at][audited], rng)
            bad, spent = np.zeros(present.shape, np.bool_), np.zeros(present.shape, np.int_)
            bad[audited], spent[audited] = verdicts
            state = read_block(design, state, which, Block(present, drawn.stratum[:, at], propensity, bad[:, None, :]))
            caught[:, at] |= bad
            reviews += spent.sum(1)
    return _Audited(state, reviews, caught)
