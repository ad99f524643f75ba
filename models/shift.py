"""How far a trait moves, with an interval: the mean of paired differences, resampled by what belongs together.

Reads and writes: nothing. Must not know: what was read, by whom, or before or after what.

The interval is the percentile bootstrap over clusters (Davison & Hinkley, Bootstrap Methods, 1997, ch. 3): whole
clusters are drawn, so that texts of one prompt count as one draw.
"""

from collections.abc import Hashable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

RESAMPLES, LEVEL = 2000, 0.95


class Shift(BaseModel):
    """`value` is a mean of `count` differences in units of what was read; `low` to `high` its 95 % interval; `spread`
    the standard deviation of the readings it comes from, None where it was not asked for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: float
    low: float
    high: float
    count: int
    spread: float | None = None

    @property
    def sign(self) -> int:
        """+1 or −1 where the interval leaves 0 out, else 0: no sign can be told."""
        return int(self.low > 0) - int(self.high < 0)

    def __str__(self) -> str:
        return f"{self.value:+.3f} ±{(self.high - self.low) / 2:.3f}"


def shift(
    after: Sequence[float | None], before: Sequence[float | None], clusters: Sequence[Hashable], seed: int = 0
) -> Shift | None:
    """Mean of `after` − `before`, over the pairs of which both are known; None where there are none.

    `clusters`: what belongs together, one for each pair.
    """
    known = [row for row in zip(after, before, clusters, strict=True) if row[0] is not None and row[1] is not None]
    if not known:
        return None
    after_n, before_n = (np.array([row[side] for row in known], dtype=float) for side in (0, 1))
    places = {cluster: place for place, cluster in enumerate(dict.fromkeys(row[2] for row in known))}
    of_n = np.array([places[row[2]] for row in known])
    sums_c, counts_c = np.bincount(of_n, after_n - before_n), np.bincount(of_n)
    means_b = [sums_c[some].sum() / counts_c[some].sum() for some in redraws(len(places), seed)]
    low, high = np.quantile(means_b, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    value, spread = float((after_n - before_n).mean()), float(np.concatenate([after_n, before_n]).std())
    return Shift(value=value, low=float(low), high=float(high), count=len(known), spread=spread)


def mean(values: Sequence[float | None], seed: int = 0) -> Shift | None:
    """The mean of those that are known, each a cluster of its own; None where there are none."""
    return shift(values, [0.0] * len(values), range(len(values)), seed)


def redraws(clusters: int, seed: int) -> Iterator[NDArray[np.integer[Any]]]:
    """RESAMPLES times the numbers of as many clusters as there are, drawn with replacement."""
    rng = np.random.default_rng(seed)
    return (rng.integers(0, clusters, clusters) for _ in range(RESAMPLES))
