"""What selection pressure buys and costs: the form d(α − βd) fitted to what was measured at divergence d.

Gao, Schulman & Hilton 2022 (arXiv 2210.10760, sec. 3.1) found that best-of-n selection against a proxy moves the true
reward by d(α − βd), where d = √KL in nats between the policy selected and the one it began as: a gain that each further
step undoes more. A change for the worse throughout has α < 0. Reads and writes: nothing. Must not know: what was
selected, or by whom.
"""

import math
from collections.abc import Hashable, Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict

RESAMPLES, LEVEL = 2000, 0.95
LEAST = 4
"""Fewer points than this fit no curve of two parameters that could be doubted."""


class Interval(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:+.3f} ({self.low:+.3f} to {self.high:+.3f})"


class Fit(BaseModel):
    """Least squares, with 95 % intervals from a bootstrap over clusters; `spread` is the standard deviation of what is
    left over, in units of what was measured, and `explained` the share of its sum of squares that the curve takes up
    (against 0, not the mean: at d = 0 the form is 0). `residuals` are one a point, in the order given."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    alpha: Interval
    beta: Interval
    spread: float
    explained: float
    points: int
    residuals: tuple[float, ...]

    def at(self, d: float) -> float:
        return d * (self.alpha.value - self.beta.value * d)


def root_kl(bits: float) -> float:
    """d: the root of a divergence given in bits, in nats. Estimates below 0 count as 0."""
    return math.sqrt(max(bits, 0.0) * math.log(2))


def fit(d: Sequence[float], moved: Sequence[float], clusters: Sequence[Hashable], seed: int = 0) -> Fit | None:
    """The curve through `moved` at `d`; `clusters` says which points belong together (those of one campaign).

    None where there are fewer than LEAST points, or too few different d to tell α from β.
    """
    d_n, moved_n = np.asarray(d, dtype=float), np.asarray(moved, dtype=float)
    places = {cluster: place for place, cluster in enumerate(dict.fromkeys(clusters))}
    of_n = np.array([places[cluster] for cluster in clusters], dtype=int)
    found = _solved(d_n, moved_n) if len(d_n) >= LEAST else None
    if found is None:
        return None
    rng = np.random.default_rng(seed)
    members = [np.flatnonzero(of_n == place) for place in range(len(places))]
    picked = (rng.integers(0, len(members), len(members)) for _ in range(RESAMPLES))
    drawn = (np.concatenate([members[one] for one in some]) for some in picked)
    fits = [one for some in drawn if (one := _solved(d_n[some], moved_n[some])) is not None]
    low_2, high_2 = np.quantile(fits, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    alpha, beta = (
        Interval(value=float(value), low=float(low), high=float(high))
        for value, low, high in zip(found, low_2, high_2, strict=True)
    )
    residuals_n = moved_n - d_n * (found[0] - found[1] * d_n)
    whole = float((moved_n**2).sum())
    return Fit(
        alpha=alpha,
        beta=beta,
        spread=float(residuals_n.std()),
        explained=1 - float((residuals_n**2).sum()) / whole if whole else 0.0,
        points=len(d_n),
        residuals=tuple(residuals_n.tolist()),
    )


def _solved(d_n: np.ndarray, moved_n: np.ndarray) -> np.ndarray | None:
    """α, β; None where the points do not determine both."""
    terms_n2 = np.stack([d_n, -(d_n**2)], axis=1)
    solved, _, rank, _ = np.linalg.lstsq(terms_n2, moved_n, rcond=1e-9)
    return solved if rank == 2 else None
