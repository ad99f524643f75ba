"""A lower confidence bound for a mean by betting, exact at every sample size.

Against each candidate m a gambler bets that the mean is larger: wealth Π (1 + c ((x − a) / (m − a) − 1)) with a share
c of it at stake, mixed over several c. If each value's expectation given those before it is at most m, the wealth is a
non-negative supermartingale, so it reaches 1 / α with a chance of at most α (Ville). The bound is the largest m that
it refutes. (Waudby-Smith & Ramdas 2010.09686, with fixed shares in place of predicted ones.) Pure; must not know what
is bounded.
"""

import math

import numpy as np

SHARES = 0.99 * 2.0 ** -np.arange(8)  # small shares find small means in much noise, large ones large means in little


def lower_bound(values: np.ndarray, floor: np.ndarray, confidence: float) -> float:
    """Any number that no value's expectation, given the values before it, exceeds is at least this with chance
    ``confidence``.

    ``values`` [n], in the order they were seen; none may lie below its ``floor`` [n], which must be set before the
    value is seen. The largest floor is returned where the values say nothing.
    """
    if len(values) == 0 or (values < floor - 1e-9).any():
        raise ValueError("the values must be at least one, and none below its floor")
    low, high, needed = float(floor.max()) + 1e-9, float(values.max()), -math.log1p(-confidence)
    if high <= low or _log_wealth(low, values, floor) < needed:
        return float(floor.max())
    while high - low > 1e-6:
        middle = (low + high) / 2
        low, high = (middle, high) if _log_wealth(middle, values, floor) >= needed else (low, middle)
    return low


def _log_wealth(mean: float, values: np.ndarray, floor: np.ndarray) -> float:
    gain = (values - floor) / (mean - floor) - 1
    logs = np.log1p(np.maximum(np.outer(SHARES, gain), -0.999999999)).sum(axis=1)
    return float(np.logaddexp.reduce(logs) - math.log(len(SHARES)))
