"""How some texts read, and how others of like length do: a share and a mean, with intervals, and what is between them.

Lengths of one stratum differ by less than 10 %: a length of n is in stratum ⌊ln n / ln 1.1⌋. The control's texts of
each stratum are weighed as many as the source's (coarsened exact matching: Iacus, King and Porro, Political Analysis
20, 2012). A source's text has a match where its stratum holds a text of the control; the others are left out of the
comparison. Strata, and not each text's nearest: the bootstrap fails for nearest neighbours (Abadie and
Imbens, Econometrica 76, 2008).

Intervals are of 95 %, the percentile bootstrap of `models.shift` over clusters, source and control drawn together, so
that texts of one prompt are one draw. A share of 0 or 1 has nothing to draw from: it gets Clopper and Pearson's
interval for Kish's effective number of clusters, and a difference from it is bounded by square-and-add (Newcombe,
Statistics in Medicine 17, 1998). Reads and writes: nothing. Must not know: what was read, or by whom.
"""

import math
from collections.abc import Hashable, Sequence
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from scipy.sparse import csr_array
from scipy.stats import binomtest

from models.shift import LEVEL, redraws

Floats = NDArray[np.floating[Any]]
Integers = NDArray[np.integer[Any]]
WIDTH = math.log(1.1)
CHUNK = 100  # draws in memory at a time


class Texts(NamedTuple):
    """Texts read for one trait: whether each is flagged (0 or 1), its reading, its length, what it belongs with."""

    flagged_n: Floats
    reading_n: Floats
    length_n: Integers
    clusters: Sequence[Hashable]


class Figure(BaseModel):
    """`low` to `high` is the 95 % interval; None where there is one cluster only, which tells nothing of others."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: float
    low: float | None
    high: float | None


class Shown(BaseModel):
    """`rate`: the share flagged; `strength`: the mean reading, in the reading's units. Or the difference of two."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rate: Figure
    strength: Figure


class Beside(BaseModel):
    """`control`: what it shows at the lengths of the `matched` texts; `difference`: those less the control."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    matched: int
    unmatched: int
    control: Shown
    difference: Shown


def alone(texts: Texts, seed: int = 0) -> Shown:
    """What one text or more show."""
    cluster_n = _numbered(texts.clusters)
    (sums,) = _drawn([_Side(texts, np.zeros_like(cluster_n), cluster_n)], 1, seed)
    count_b, flags_b, readings_b = sums[:, 0]
    few = cluster_n.max() == 0
    rate = _share(flags_b / count_b, few, cluster_n, np.ones(len(cluster_n)))
    return Shown(rate=rate, strength=_figure(readings_b / count_b, few))


def beside(texts: Texts, control: Texts, seed: int = 0) -> Beside | None:
    """None where no text has a match."""
    common = np.intersect1d(strata(texts.length_n), strata(control.length_n))
    if not len(common):
        return None
    alike = [_within(one, common) for one in (texts, control)]
    numbers = _numbered([cluster for one in alike for cluster in one.clusters])
    cluster_n, cluster_m = np.split(numbers, [len(alike[0].clusters)])
    own, other = _Side.of(alike[0], common, cluster_n), _Side.of(alike[1], common, cluster_m)
    few = len(np.unique(own.cluster_n)) == 1 or len(np.unique(other.cluster_n)) == 1
    (count_kb, *own_2kb), (held_kb, *other_2kb) = _drawn([own, other], len(common), seed)
    count_kb = np.where(held_kb > 0, count_kb, 0.0)  # a stratum of which no control was drawn has no match
    each_kb = count_kb / np.maximum(held_kb, 1)
    total_b = np.where(count_kb.any(0), count_kb.sum(0), np.nan)
    own_2b = [np.where(held_kb > 0, sums_kb, 0.0).sum(0) / total_b for sums_kb in own_2kb]
    other_2b = [(each_kb * sums_kb).sum(0) / total_b for sums_kb in other_2kb]
    rates = (
        _share(own_2b[0], few, own.cluster_n, np.ones(len(own.cluster_n))),
        _share(other_2b[0], few, other.cluster_n, each_kb[other.stratum_n, 0]),
    )
    between = _figure(own_2b[0] - other_2b[0], few)
    if any(rate.value in (0, 1) for rate in rates):
        between = _square_and_add(*rates)
    matched = len(own.cluster_n)
    return Beside(
        matched=matched,
        unmatched=len(texts.clusters) - matched,
        control=Shown(rate=rates[1], strength=_figure(other_2b[1], few)),
        difference=Shown(rate=between, strength=_figure(own_2b[1] - other_2b[1], few)),
    )


def strata(length_n: Integers) -> Integers:
    """Of lengths of 1 or more."""
    return np.floor(np.log(length_n) / WIDTH + 1e-9).astype(int)


class _Side(NamedTuple):
    """Texts with the number of each one's stratum and cluster."""

    texts: Texts
    stratum_n: Integers
    cluster_n: Integers

    @classmethod
    def of(cls, texts: Texts, common: Integers, cluster_n: Integers) -> "_Side":
        """Strata numbered from 0 by their order in `common`, which has them all."""
        return cls(texts, np.searchsorted(common, strata(texts.length_n)), cluster_n)


def _within(texts: Texts, common: Integers) -> Texts:
    """Those in some strata."""
    rows_n = np.isin(strata(texts.length_n), common)
    clusters = [cluster for cluster, there in zip(texts.clusters, rows_n, strict=True) if there]
    return Texts(texts.flagged_n[rows_n], texts.reading_n[rows_n], texts.length_n[rows_n], clusters)


def _drawn(sides: Sequence[_Side], strata: int, seed: int) -> list[Floats]:
    """Of each side, counts, flags and readings added up: 3 × strata × draws; draw 0 is what was observed."""
    clusters = 1 + max(int(side.cluster_n.max()) for side in sides)
    tables = []
    for texts, stratum_n, cluster_n in sides:
        values = np.concatenate([np.ones(len(cluster_n)), texts.flagged_n, texts.reading_n])
        rows = np.concatenate([stratum_n + part * strata for part in range(3)])
        tables.append(csr_array((values, (rows, np.tile(cluster_n, 3))), shape=(3 * strata, clusters)))
    found = [[table.sum(1)[:, None]] for table in tables]
    draws = redraws(clusters, seed)
    while some := list(islice(draws, CHUNK)):
        times_cb = np.stack([np.bincount(one, minlength=clusters) for one in some], axis=1)
        for sums, table in zip(found, tables, strict=True):
            sums.append(table @ times_cb)
    return [np.hstack(sums).reshape(3, strata, -1) for sums in found]


def _figure(drawn_b: Floats, few: bool) -> Figure:
    if few or np.isnan(drawn_b[1:]).all():
        return Figure(value=_rounded(drawn_b[0]), low=None, high=None)
    low, high = np.nanquantile(drawn_b[1:], [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Figure(value=_rounded(drawn_b[0]), low=_rounded(low), high=_rounded(high))


def _share(drawn_b: Floats, few: bool, cluster_n: Integers, weight_n: Floats) -> Figure:
    found = _figure(drawn_b, few)
    if few or found.value not in (0, 1):
        return found
    weight_c = np.bincount(cluster_n, weight_n)
    effective = max(1, int(weight_c.sum() ** 2 / (weight_c**2).sum() + 1e-9))
    exact = binomtest(round(found.value * effective), effective).proportion_ci(LEVEL, method="exact")
    return found.model_copy(update={"low": _rounded(exact.low), "high": _rounded(exact.high)})


def _square_and_add(one: Figure, other: Figure) -> Figure:
    value = _rounded(one.value - other.value)
    if one.low is None or one.high is None or other.low is None or other.high is None:
        return Figure(value=value, low=None, high=None)
    below = math.hypot(one.value - one.low, other.high - other.value)
    above = math.hypot(one.high - one.value, other.value - other.low)
    return Figure(value=value, low=_rounded(value - below), high=_rounded(value + above))


def _numbered(clusters: Sequence[Hashable]) -> Integers:
    places = {cluster: place for place, cluster in enumerate(dict.fromkeys(clusters))}
    return np.array([places[cluster] for cluster in clusters], dtype=int)


def _rounded(value: float) -> float:
    return round(float(value), 6)
