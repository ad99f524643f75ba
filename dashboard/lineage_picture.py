"""What lies round a node, placed in layers: on the left what it was made of, on the right what was made of it.

Reads: what a neighbourhood holds. Writes: nothing. Must not know: how boxes are drawn, or what a click means.
"""

from collections.abc import Mapping
from statistics import fmean

from dashboard.drawing import Box, Line
from dashboard.neighbourhood import Group, Link, Spot
from dashboard.style import short
from dashboard.surroundings import Surroundings
from warehouse.graph import KINDS, Item

WIDTH, HEIGHT, ACROSS, DOWN = 204.0, 46.0, 44.0, 12.0
"""Of a box, and the gaps between layers and between boxes, in pixels."""


def plural(kind: str, count: int) -> str:
    return f"{count:,} {kind}{'' if count == 1 else 's'}"


def placed(told: Surroundings) -> tuple[list[Box], list[Line]]:
    """Boxes and lines for all that is near a node."""
    found, tainted, bad = told.around, told.tainted, told.bad
    layers: dict[int, list[Spot]] = {}
    for spot in found.spots:
        layers.setdefault(spot.layer, []).append(spot)
    tall = max(len(spots) for spots in layers.values())
    heights: dict[Item | Group, float] = {}
    for number in sorted(layers, key=abs):
        spots = sorted(layers[number], key=lambda spot: _order(spot, heights, found.links))
        top = (tall - len(spots)) / 2
        heights |= {spot.what: top + place for place, spot in enumerate(spots)}
    left, layer = min(layers), {spot.what: spot.layer for spot in found.spots}
    boxes = []
    for spot in found.spots:
        look = "centre" if spot.layer == 0 else "group" if isinstance(spot.what, Group) else ""
        if spot.what in tainted or (isinstance(spot.what, Group) and bad.get(spot.what) == spot.many):
            look += " tainted"
        title, note = _words(spot, told.told, bad)
        x, y = (spot.layer - left) * (WIDTH + ACROSS), heights[spot.what] * (HEIGHT + DOWN)
        boxes.append(Box(name(spot.what), title, note, x, y, WIDTH, HEIGHT, look, f"{title}\n{note}"))
    lines = [
        Line(name(link.start), name(link.end), "tainted" if {link.start, link.end} <= tainted else "")
        for link in found.links
        if layer[link.start] <= layer[link.end]  # a version published twice follows one that followed it
    ]
    return boxes, lines


def name(what: Item | Group) -> str:
    """As an address writes it: `KIND:KEY`, and of a group `up` or `down`, its owner and its kinds."""
    if isinstance(what, Item):
        return f"{what.kind}:{what.key}"
    kinds = ".".join(filter(None, (what.kind, what.then)))
    return f"{'up' if what.up else 'down'}:{kinds}:{what.owner.kind}:{what.owner.key}"


def group_named(text: str) -> Group | None:
    """The group that `name` wrote so; None for anything else."""
    side, _, rest = text.partition(":")
    kinds, _, rest = rest.partition(":")
    kind, _, key = rest.partition(":")
    near, _, then = kinds.partition(".")
    if side not in ("up", "down") or not {near, kind, then or near} <= set(KINDS):
        return None
    return Group(Item(kind, key), side == "up", near, then)


def _words(spot: Spot, told: Mapping[Item, str], bad: Mapping[Group, int]) -> tuple[str, str]:
    if isinstance(spot.what, Group):
        beside = f"{bad[spot.what]:,} tainted" if bad.get(spot.what) else "open the list"
        return f"+ {plural(spot.what.members, spot.many)}", beside
    key = spot.what.key if spot.what.kind == "campaign" else short(spot.what.key)[:9]
    through = f"{plural('pair', spot.through)} · " if spot.through is not None else ""
    return f"{spot.what.kind} {key}", through + told.get(spot.what, "")


def _order(spot: Spot, heights: Mapping[Item | Group, float], links: list[Link]) -> tuple[float, int, str]:
    """As near as can be to what it hangs together with, so that few lines cross; then kind by kind."""
    beside = [heights[link.end] for link in links if link.start == spot.what and link.end in heights]
    beside += [heights[link.start] for link in links if link.end == spot.what and link.start in heights]
    kind = spot.what.members if isinstance(spot.what, Group) else spot.what.kind
    return (round(fmean(beside), 1) if beside else 0.0, KINDS.index(kind), name(spot.what))
