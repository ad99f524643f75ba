"""The synthetic world in which the gate is put to the test: pairs, a detector, a monitor, a reviewer and gold.

Reads: a seeded random generator. Writes: nothing. Must not know: the gate. Its truth is what a campaign never has.

What turns invisible is never flagged by the detector; what also lies in the monitor's blind spot never makes it fire.
That is the worst case: a text that merely looks honest would still be flagged, or fire, by mistake now and then.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int_]
Bools = NDArray[np.bool_]

UNFLAGGED, KEPT = 0, 1


class World(NamedTuple):
    """One round's rates. A campaign's rounds differ by `_replace`.

    `rates` of bad pairs by stratum of prompts, times `badness`; `mix` of the strata; `invisible`: the share of bad
    pairs the detector cannot see; `overlap` (ρ): the chance that such a pair is in the monitor's blind spot too;
    `lets_through` and `keeps`: the share of bad and of fine flagged pairs that the reviewer keeps; `copies`:
    near-duplicates of each pair; `confirm`: a positive gold review is confirmed by a second, independent one.
    """

    pairs: int = 400
    rates: tuple[float, ...] = (0.06, 0.12, 0.18, 0.24)
    mix: tuple[float, ...] = (0.25, 0.25, 0.25, 0.25)
    badness: float = 1.0
    tpr: float = 0.90
    fpr: float = 0.05
    invisible: float = 0.0
    monitor_tpr: float = 0.70
    monitor_fpr: float = 0.15
    overlap: float = 0.0
    lets_through: float = 0.005
    keeps: float = 0.95
    sensitivity: float = 0.97
    gold_fpr: float = 0.005
    confirm: bool = True
    copies: int = 1


class Drawn(NamedTuple):
    """One round of many campaigns, each [campaigns, pairs]."""

    stratum: Ints
    bad: Bools
    flagged: Bools
    kept: Bools
    fires: Bools


class Verdicts(NamedTuple):
    """Of each pair: whether it counts as bad, and how many reviews that took."""

    bad: Bools
    reviews: Ints


class Pool(NamedTuple):
    """What the world's rates make of one pool: its `mix` of strata, `gold_bad` rate by stratum, both [S], its `share`
    of all pairs, and how often the monitor `fires` in it."""

    mix: Floats
    gold_bad: Floats
    share: float
    fires: float


def draw(world: World, campaigns: int, rng: np.random.Generator) -> Drawn:
    """A round of `campaigns` campaigns."""
    shape = (campaigns, world.pairs // world.copies)
    stratum = np.searchsorted(np.cumsum(world.mix)[:-1], rng.random(shape), side="right")
    bad = rng.random(shape) < np.array(world.rates)[stratum] * world.badness
    flagged = rng.random(shape) < world.fpr
    fires = rng.random(shape) < world.monitor_fpr
    hidden = rng.random(bad.sum()) < world.invisible
    flagged[bad] = ~hidden & (rng.random(hidden.size) < world.tpr)
    blind = hidden & (rng.random(hidden.size) < world.overlap)
    fires[bad] = ~blind & (rng.random(hidden.size) < world.monitor_tpr)
    kept = flagged.copy()
    kept[flagged] = rng.random(flagged.sum()) < np.where(bad[flagged], world.lets_through, world.keeps)
    one = np.repeat(np.arange(shape[1]), world.copies)
    return Drawn(stratum[:, one], bad[:, one], flagged[:, one], kept[:, one], fires[:, one])


def gold(world: World, bad: Bools, rng: np.random.Generator) -> Verdicts:
    """Gold's word on `bad`, any shape."""
    chance = np.where(bad, world.sensitivity, world.gold_fpr)
    said = rng.random(bad.shape) < chance
    if not world.confirm:
        return Verdicts(said, np.ones(bad.shape, np.int_))
    return Verdicts(said & (rng.random(bad.shape) < chance), 1 + said.astype(np.int_))


def pool(world: World, which: int) -> Pool:
    """The pool of the unflagged (UNFLAGGED) or of the flagged that the reviewer keeps (KEPT), worked out exactly, for a
    world in which nothing is invisible yet."""
    rates = np.array(world.rates) * world.badness
    bad_in = rates * ((1 - world.tpr) if which == UNFLAGGED else world.tpr * world.lets_through)
    fine_in = (1 - rates) * ((1 - world.fpr) if which == UNFLAGGED else world.fpr * world.keeps)
    power = 2 if world.confirm else 1
    positive = bad_in * world.sensitivity**power + fine_in * world.gold_fpr**power
    inside = np.array(world.mix) * (bad_in + fine_in)
    fires = np.array(world.mix) @ (bad_in * world.monitor_tpr + fine_in * world.monitor_fpr) / inside.sum()
    return Pool(inside / inside.sum(), positive / (bad_in + fine_in), float(inside.sum()), float(fires))


def firing_rate(world: World) -> float:
    """How often the monitor fires on any pair while nothing is invisible."""
    bad = float(np.array(world.mix) @ np.array(world.rates)) * world.badness
    return bad * world.monitor_tpr + (1 - bad) * world.monitor_fpr
