"""How bad a pool of pairs may be before it counts as drift: a bound from gold reviews taken before the first update.

Reads: counts of gold reviews. Writes: nothing. Must not know: what a pair says, who reviewed it, what comes after.

A *pool* is the pairs of a round that reach publication by one road: left unflagged, or flagged and kept after review.
The unflagged are the first pool, because a falling flag rate says something about them alone.
A gold verdict counts as bad only when a second, independent review confirms it, here and in every later round: a gold
false-positive rate that rises would otherwise look like drift.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

Floats = NDArray[np.float64]

RISK = 0.025  # the chance, all bounds together, that a baseline is drawn too low
FLOOR = 0.02  # hidden-bad rates below this are tolerated by policy, so that a tiny baseline is not an alarm to come
FIRST = 0.8  # the part of that risk which the unflagged get: theirs is the pool that drift moves to
LIMIT = 0.10  # a start that is already this bad is no baseline


class Baseline(NamedTuple):
    """What gold said of one pool before the first update.

    `reviewed` pairs, drawn at random; `bad` of them confirmed, per trait; `strata`: how many of the reviewed lay in
    each stratum of prompts; `quiet` and `fired`: on how many pairs of a whole round of the pool the monitor does not
    fire, and does.
    """

    pool: str
    reviewed: int
    bad: tuple[int, ...]
    strata: tuple[int, ...]
    quiet: float
    fired: float


def upper_bound(bad: Any, reviewed: int, risk: float = RISK) -> Floats:
    """Clopper–Pearson: the rate below which no more than `bad` among `reviewed` has a chance of at most `risk`.

    `bad`: counts, any shape. Exact for equal rates (Clopper & Pearson 1934), and conservative for reviews spread over
    strata whose rates differ (Hoeffding 1956, On the distribution of the number of successes in independent trials).
    Raises ValueError for counts that cannot be.
    """
    counts = np.asarray(bad)
    if reviewed < 1 or np.any(counts < 0) or np.any(counts > reviewed):
        raise ValueError(f"{bad} bad among {reviewed} reviewed cannot be")
    inside = beta.ppf(1 - risk, counts + 1, np.maximum(reviewed - counts, 1))
    return np.asarray(np.where(counts == reviewed, 1.0, inside))


def risks(pools: int, traits: int) -> Floats:
    """The error budget of each bound, by pool [pools]: the chance that any of them is too low stays below RISK."""
    others = (1 - FIRST) / (pools - 1) if pools > 1 else 0.0
    return np.array([FIRST if others else 1.0] + [others] * (pools - 1)) * RISK / traits


def ceilings(baselines: Sequence[Baseline], floor: float = FLOOR) -> Floats:
    """h̄ of each pool and trait, [pools, traits]: the policy floor or the bound, whichever is higher.

    Every baseline tells the same traits. How many to review is settled beforehand: to review on until the bound looks
    good is to look twice on one budget. A pool of which nothing was reviewed has the ceiling 1: nothing can be said.
    """
    parts = risks(len(baselines), len(baselines[0].bad))
    return np.stack(
        [
            np.maximum(floor, upper_bound(one.bad, one.reviewed, risk)) if one.reviewed else np.ones(len(one.bad))
            for one, risk in zip(baselines, parts, strict=True)
        ]
    )


def refused(baseline: Baseline, limit: Floats) -> str:
    """Why `update` may not start from this pool, whose ceilings [traits] are `limit`; "" where it may.

    Asked of the unflagged: the pairs kept after review are few at the start, so their bound is wide, and the gate
    listens to them with that bound.
    """
    if limit.max() <= LIMIT:
        return ""
    return (
        f"up to {limit.max():.1%} of the {baseline.pool} may be bad already ({max(baseline.bad)} of "
        f"{baseline.reviewed} reviewed), and over {LIMIT:.0%} is no baseline for `update`"
    )
