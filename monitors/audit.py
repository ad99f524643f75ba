"""Which pairs go to gold: a coin for every pair, of known probability, turned by what the monitor said of it.

Reads: pair ids and whether a monitor fired. Writes: nothing. Must not know: gold verdicts of the round, the detector.

Never "exactly m pairs": only a coin of its own for each pair makes verdict / probability an unbiased reading of it,
and that is all the gate asks of an audit. The key belongs to the held-out side; whoever knows it knows the coins.
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

HARDER = 4.0  # how much harder the audit looks while the gate is suspicious


class Chances(NamedTuple):
    """The probability of a review where the monitor is quiet and where it fires, [...]."""

    quiet: Floats
    fired: Floats


def chances(quiet: Any, fired: Any, budget: float) -> Chances:
    """Half of the round's `budget` of reviews for the pairs a monitor fires on, half for the others.

    `quiet`, `fired`: how many of each the pool of the round holds, [...]. What one half cannot use goes to the other.
    The counts may be this very round's: given the readings, and whatever gold would say, E[A/π] = 1 whatever π is.
    """
    quiet, fired = np.maximum(quiet, 1e-9), np.maximum(fired, 1e-9)
    on_fired = np.minimum(1, np.maximum(budget / 2, budget - quiet) / fired)
    on_quiet = np.minimum(1, np.maximum(budget / 2, budget - fired) / quiet)
    return Chances(on_quiet, on_fired)


def propensities(fires: Bools, chance: Chances, suspicious: Any) -> Floats:
    """π of every item, [..., items]: its group's chance, four times that in a block the gate is `suspicious` of."""
    chosen = np.where(fires, chance.fired[..., None], chance.quiet[..., None])
    return np.minimum(1.0, chosen * np.where(suspicious, HARDER, 1.0)[..., None])


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
