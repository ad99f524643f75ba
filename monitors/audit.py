"""Which pairs go to gold: a coin for every pair, of known probability, turned by what the monitor said of it.

Reads: pair ids and whether a monitor fired. Writes: nothing. Must not know: gold verdicts of the round, the detector.

Never "exactly m pairs": only a coin of its own for each pair makes verdict / probability an unbiased reading of it,
and that is all the gate asks of an audit. The key belongs to the held-out side; whoever knows it knows the coins.
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def chances(quiet: Any, fired: Any, budget: Any) -> Floats:
    """π0 where the monitor is quiet and π1 where it fires, [..., 2]: half of a round's `budget` of reviews for each.

    `quiet`, `fired`: how many of each the pool holds in a round before the first update, [...]. What one half cannot
    use goes to the other. In a later round the monitor may fire more often, and then more is reviewed.
    """
    quiet, fired = np.maximum(quiet, 1e-9), np.maximum(fired, 1e-9)
    on_quiet = np.minimum(1, np.maximum(budget / 2, budget - fired) / quiet)
    on_fired = np.minimum(1, np.maximum(budget / 2, budget - quiet) / fired)
    return np.stack([on_quiet, on_fired], axis=-1)


def propensities(fires: Bools, chance: Floats, harder: Any) -> Floats:
    """π of every item, [..., n]: its group's `chance` [..., 2] times how much `harder` the gate wants to look [...]."""
    chosen = np.where(fires, chance[..., 1, None], chance[..., 0, None])
    return np.asarray(np.minimum(1.0, chosen * np.asarray(harder)[..., None]))


def coins(key: bytes, ids: Sequence[str]) -> Floats:
    """A number in [0, 1) for each pair, the same whenever it is asked for; the pair is reviewed when it is below π.

    `key` is 1 to 64 bytes. Raises ValueError for repeated ids: near-duplicates are one item, or validity is lost.
    """
    if len(set(ids)) < len(ids):
        raise ValueError("a pair stands twice in one pool; duplicates are one item and are audited once")
    return np.array([_uniform(key, b"coin", one) for one in ids], dtype=np.float64)


def blocks(key: bytes, ids: Sequence[str], count: int) -> list[list[int]]:
    """The positions of `ids` in `count` random blocks of nearly equal size; the same for the same key and ids."""
    order = sorted(range(len(ids)), key=lambda position: (_uniform(key, b"block", ids[position]), ids[position]))
    return [order[start::count] for start in range(count)]


def _uniform(key: bytes, purpose: bytes, pair: str) -> float:
    digest = blake2b(pair.encode(), key=key, person=purpose, digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 11) / 2**53
