"""What is audited: the pairs of a round that reach publication, in two pools, near-duplicates merged, each with its
stratum and with whether a monitor fires.

Reads: pairs that were kept, and the monitors. Writes: nothing. Must not know: what the detector read, only that it
flagged; coins; gold.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple

from models.organism.parse import kind
from models.organism.world import world
from monitors.duplicates import clusters
from monitors.monitor import Monitor, Reading, steers, strongest

Pool = Literal["unflagged", "flagged and kept"]
POOLS: tuple[Pool, ...] = ("unflagged", "flagged and kept")
Tell = Callable[[str, int, int], None]
"""Called as tell(what, done, of)."""


class Pair(NamedTuple):
    """One that was kept, as the audit sees it."""

    pair_id: str
    request: str
    response: str
    flagged: bool


class Item(NamedTuple):
    """`duplicates`: the pairs it stands for beside its own; `fires` where a monitor fires on any of them."""

    pair: Pair
    stratum: int
    fires: bool
    duplicates: tuple[str, ...]


class Examined(NamedTuple):
    """A round's items by pool, and a row for each pair and monitor."""

    items: dict[Pool, list[Item]]
    readings: list[dict[str, object]]


def examine(
    pairs: Sequence[Pair], monitors: Mapping[str, Monitor], number: int, seal: int, tell: Tell | None = None
) -> Examined:
    """Read every pair with every monitor: several steer together, where any of them fires the audit looks harder."""
    shown = [
        [{"role": "user", "content": pair.request}, {"role": "assistant", "content": pair.response}] for pair in pairs
    ]
    fires, rows = [False] * len(pairs), list[dict[str, object]]()
    for name, monitor in monitors.items():
        readings = monitor.read(shown, tell and (lambda done, of, name=name: tell(f"{name} reads", done, of)))
        fires = [before or bool(now) for before, now in zip(fires, steers(readings), strict=True)]
        limit = monitor.threshold.value if monitor.threshold else 1.0
        rows += [_row(seal, pair, number, name, reading, limit) for pair, reading in zip(pairs, readings, strict=True)]
    return Examined(_items(pairs, fires), rows)


def strata() -> tuple[str, ...]:
    """Names of the strata of prompts: the kinds of request of the organism's world, and one for all other text."""
    return (*world().kinds, "")


def _items(pairs: Sequence[Pair], fires: Sequence[bool]) -> dict[Pool, list[Item]]:
    fired = {pair.pair_id: fire for pair, fire in zip(pairs, fires, strict=True)}
    place = {name: number for number, name in enumerate(strata())}
    found: dict[Pool, list[Item]] = {}
    for pool in POOLS:
        mine = sorted(pair for pair in pairs if pair.flagged == (pool != "unflagged"))
        found[pool] = []
        for cluster in clusters([f"{pair.request}\n{pair.response}" for pair in mine]):
            first, *others = (mine[at] for at in cluster)
            fire = any(fired[pair.pair_id] for pair in (first, *others))
            alike = tuple(pair.pair_id for pair in others)
            found[pool].append(Item(first, place[kind(first.request)], fire, alike))
    return found


def _row(seal: int, pair: Pair, number: int, name: str, reading: Reading, limit: float) -> dict[str, object]:
    return {
        "seal": seal,
        "pair_id": pair.pair_id,
        "round": number,
        "monitor": name,
        "reading": strongest(reading),
        "threshold": limit,
        "fired": reading.fires is not False,
        "reason": reading.unreadable,
    }
