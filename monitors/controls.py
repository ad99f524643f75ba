"""Watchers that must fail: textbook change detectors on the monitor's readings, which no gold settles.

Reads: how often a monitor fired, round by round. Writes: nothing. Must not know: gold. They stand in the simulator so
that it proves something: an alarm on unlabelled readings cannot tell drift from a new mix of prompts.

Each takes `fired` [campaigns, rounds], how often the monitor fired, among how many pairs `read` a round, and `before`,
the rate before the first update: known exactly, which no real watcher has. It says which campaigns would have rung
[campaigns].
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int_]
Bools = NDArray[np.bool_]

CRITICAL = 1.96
SLACK, LIMIT = 0.25, 5.0  # in standard errors: tuned to a shift of half of one
CALM = 30  # rounds before the first update that Page–Hinkley's running mean remembers


def z_scores(fired: Ints, read: int, before: float) -> Floats:
    """How many standard errors each round's rate lies above the rate before, [campaigns, rounds]."""
    return np.asarray((fired / read - before) / np.sqrt(before * (1 - before) / read))


def z_test(fired: Ints, read: int, before: float) -> Bools:
    """An uncorrected one-sided test of each round, at 2.5 %."""
    return np.asarray((z_scores(fired, read, before) > CRITICAL).any(1))


def cusum(fired: Ints, read: int, before: float) -> Bools:
    """The one-sided cumulative sum of Page (1954, Continuous inspection schemes)."""
    total, rung = np.zeros(len(fired)), np.zeros(len(fired), np.bool_)
    for score in z_scores(fired, read, before).T:
        total = np.maximum(0, total + score - SLACK)
        rung |= total > LIMIT
    return rung


def page_hinkley(fired: Ints, read: int, before: float) -> Bools:
    """Page–Hinkley: how far the sum of departures from the running mean has risen above its own lowest point."""
    scores = z_scores(fired, read, before)
    mean = np.cumsum(scores, axis=1) / (CALM + np.arange(1, scores.shape[1] + 1))
    total = np.cumsum(scores - mean - SLACK, axis=1)
    lowest = np.minimum.accumulate(np.minimum(total, 0), axis=1)
    return np.asarray((total - lowest > LIMIT).any(1))
