"""An anytime-valid confidence sequence for the rate of bad pairs that gold would find, had it read them all.

Item i is reviewed with a known chance π_i, fixed before its coin is tossed; X_i = 1{reviewed and bad} / π_i has the
expectation b_i, given everything before it, however monitors steer π_i. So the errors X_i − b_i are a martingale, and
for each stake λ the empirical-Bernstein process exp(λ Σ(X_i − b_i) − ψ(λ) Σ(X_i − p_i)²), ψ(λ) = −ln(1 − λ) − λ, p_i
predicted from what came before, is a non-negative supermartingale from 1 (Howard, Ramdas, McAuliffe & Sekhon, Annals of
Statistics 49(2), 2021, Theorem 4; see Waudby-Smith & Ramdas, JRSS B 86(1), 2024). A mixture over stakes is one as well
and ever reaches 2/α with a chance of at most α/2 (Ville). Upwards X_i is on the scale of its largest value 1/π;
downwards only its floor of 0 counts. An item that was sure to be reviewed has no error and is left out of the sums.

Unlike a bound for one constant mean this one bounds the mean of what was read, which may drift: that is the point of
looking. Pure. Reads and writes: nothing. Must not know: whose verdicts these are, what the gate makes of them.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ALPHA = 0.05
STAKES = 0.95 * 2.0 ** -np.arange(12)
"""Large stakes bound a rate from few reviews, small ones from many."""
BELOW = np.full(12, 1 / 12)
ABOVE = np.array([1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 16, *[0.0] * 7])
"""The mixtures' weights, set beforehand. Upwards a stake counts reviews, and few are made, so the large ones lead."""
PRIOR = 0.5
"""The prediction starts as if half an item of rate 0 had been seen, so that nothing is predicted of the first one."""


class Bounds(NamedTuple):
    """`rate`: the inverse-probability-weighted share of bad items; with chance 1 − α it lies, at every number of items
    at once, between `low` and `high`, where the share of bad items among those read so far does."""

    rate: float
    low: float
    high: float


def sequence(bad: Floats, chance: Floats, least: float, ends: NDArray[np.int_], alpha: float = ALPHA) -> list[Bounds]:
    """The bounds after the first `ends`[j] items, for each j, all valid together and at any of them where one stopped.

    `bad` [n]: 1 where gold confirmed the item bad, 0 where it did not or did not look; `chance` [n]: π, each set before
    its coin; `least`: the smallest π that could have been set, known before the first. Both in the order of the coins.
    Raises ValueError for a chance below `least`, or an end that is not within 1 … n.
    """
    if len(bad) != len(chance) or (chance < least - 1e-12).any() or least <= 0 or (chance > 1).any():
        raise ValueError(f"each item needs a chance of review between {least} and 1")
    if len(ends) and (ends.min() < 1 or ends.max() > len(bad)):
        raise ValueError(f"the bounds are asked for after 1 to {len(bad)} items")
    unsure, weighed = chance < 1, bad / chance
    errors = np.where(unsure, weighed, 0.0)
    seen = np.cumsum(unsure)
    before = np.concatenate([[0.0], np.cumsum(errors)[:-1]]) / (np.concatenate([[0], seen[:-1]]) + PRIOR)
    expected = np.minimum(before, 1.0)
    spread = np.cumsum(np.where(unsure, (errors - expected) ** 2, 0.0))
    total, known = np.cumsum(errors), np.cumsum(np.where(unsure, 0.0, bad))
    found = []
    for end in np.asarray(ends) - 1:
        count, sure = float(seen[end]), float(known[end])
        # Largest errors that the supermartingales allow: of the sum too high by this much, and too low by that much.
        over = _radius(float(spread[end]), BELOW, alpha / 2) if count else 0.0
        under = _radius(float(spread[end]) * least**2, ABOVE, alpha / 2) / least if count else 0.0
        low, high = max(0.0, total[end] - over), min(count, total[end] + under)
        items = float(end + 1)
        told = (float(total[end]), low, max(low, high))
        found.append(Bounds(*((float(one) + sure) / items for one in told)))
    return found


def _radius(spread: float, weights: Floats, alpha: float) -> float:
    """The smallest error of the sum at which the mixture of supermartingales reaches 1/α."""
    stakes, shares = STAKES[weights > 0], np.log(weights[weights > 0])
    taxes = (-np.log1p(-stakes) - stakes) * spread
    low, high = 0.0, float(np.min((taxes - shares - np.log(alpha)) / stakes))
    while high - low > 1e-9 * (1 + high):
        middle = (low + high) / 2
        reached = np.logaddexp.reduce(stakes * middle - taxes + shares) >= -np.log(alpha)
        low, high = (low, middle) if reached else (middle, high)
    return high
