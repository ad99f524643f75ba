"""When a monitor fires: above a threshold that innocent texts of a new source pass with a stated chance at most.

Texts of one source (an author, a template) resemble each other, so a thousand texts from six sources promise what six
can, and no more: a threshold set as if they were a thousand fires too often on the seventh source. Hierarchical
conformal prediction (Lee, Barber & Willett 2306.06342) counts each source once and the unseen one as infinite.
Pure; must not know what was read or how.
"""

import math
from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from warehouse.errors import PlumblineError

Floats = NDArray[np.float64]


class Threshold(BaseModel):
    """A monitor fires above `value`. `fpr` is what is promised of sources like the `sources` it was calibrated on, and
    `measured_fpr` what each of them shows when the others set the threshold (None: they were too few for that)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: float
    fpr: float
    measured_fpr: float | None
    negatives: int
    sources: int


def conformal(readings: Floats, sources: NDArray[np.int_], fpr: float) -> float:
    """The smallest of `readings` [n] that a text of a new, exchangeable source is above with a chance of at most `fpr`.

    `sources` [n] number the sources from 0; the readings are of innocent texts that nothing was fitted to. Raises
    PlumblineError when the sources are too few for any threshold to promise that.
    """
    count = np.bincount(sources)
    if fpr * (len(count) + 1) < 1:
        raise PlumblineError(
            f"{len(count)} sources of innocent texts cannot promise a false-positive rate of {fpr}; give texts of at "
            f"least {math.ceil(1 / fpr) - 1} sources, or allow {1 / (len(count) + 1):.3f}"
        )
    order = np.argsort(readings, kind="stable")
    below = np.cumsum(1 / count[sources[order]]) / (len(count) + 1)
    return float(readings[order][np.searchsorted(below, 1 - fpr - 1e-9)])


def calibrate(readings: Floats, sources: Sequence[Hashable], fpr: float) -> Threshold:
    """The threshold for the strongest `readings` [n] of innocent texts, each of which was held out from the fit
    together with all others of its source. Raises as `conformal` does."""
    index = {source: number for number, source in enumerate(dict.fromkeys(sources))}
    source_n = np.array([index[source] for source in sources])
    value = conformal(readings, source_n, fpr)
    measured = None
    if fpr * len(index) >= 1:
        shares = []
        for out in range(len(index)):
            kept = source_n != out
            others = np.unique(source_n[kept], return_inverse=True)[1]
            shares.append(np.mean(readings[~kept] > conformal(readings[kept], others, fpr)))
        measured = float(np.mean(shares))
    return Threshold(value=value, fpr=fpr, measured_fpr=measured, negatives=len(readings), sources=len(index))
