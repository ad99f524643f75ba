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
HALVINGS = 50
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
    at = np.asarray(ends, np.int_) - 1
    items, count, sure = at + 1.0, seen[at].astype(np.float64), known[at]
    # The largest errors that the supermartingales allow: of a sum too high by so much, and of one too low.
    over = np.where(count > 0, _radii(spread[at], BELOW, alpha / 2), 0.0)
    under = np.where(count > 0, _radii(spread[at] * least**2, ABOVE, alpha / 2) / least, 0.0)
    low = np.maximum(0.0, total[at] - over)
    high = np.maximum(low, np.minimum(count, total[at] + under))
    told = np.stack([total[at], low, high], axis=1) + sure[:, None]
    return [Bounds(*row) for row in (told / items[:, None]).tolist()]


def _radii(spreads: Floats, weights: Floats, alpha: float) -> Floats:
    """For each spread [m] the smallest error of the sum at which the mixture of supermartingales reaches 1/α, [m]."""
    stakes, shares = STAKES[weights > 0], np.log(weights[weights > 0])
    taxes = (-np.log1p(-stakes) - stakes) * spreads[:, None]
    low, high = np.zeros(len(spreads)), np.min((taxes - shares - np.log(alpha)) / stakes, axis=1)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        reached = np.logaddexp.reduce(stakes * middle[:, None] - taxes + shares, axis=1) >= -np.log(alpha)
        low, high = np.where(reached, low, middle), np.where(reached, middle, high)
    return np.asarray(high)
