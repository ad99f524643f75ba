"""What lies round a node of the lineage: some steps up and down, with many of a kind taken together as a group.

Reads: v_lineage. Writes: nothing. Must not know: how a node is named, drawn or clicked.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from warehouse.graph import KINDS, SOURCES, Item
from warehouse.store import Store

MADE = {source.child_kind for source in SOURCES}
"""Kinds that were made of something; the others begin a lineage."""
STEPS = {"pair": (2, 1), "dataset": (2, 1)}
"""How many steps up and down are shown, by the kind in the centre; of any other one up and two down."""
LISTED = 6
"""So many of a kind beside one node stand for themselves; more are a group."""


class Group(NamedTuple):
    """All nodes of a kind one step up or down from `owner`; or, with `then`, those of the kind `then` one step further
    on from any of them."""

    owner: Item
    up: bool
    kind: str
    then: str = ""

    @property
    def members(self) -> str:
        """What kind of node it holds."""
        return self.then or self.kind


class Spot(NamedTuple):
    """A node, or a group of `many`. `layer`: 0 for the centre, below it what that was made of, above what was made of
    it. `through`: of a node beyond a group, how many of that group it was made of or went into."""

    what: Item | Group
    layer: int
    many: int = 1
    through: int | None = None


class Link(NamedTuple):
    """From what was there to what was made of it; `how` in words."""

    start: Item | Group
    end: Item | Group
    how: str


class Around(NamedTuple):
    spots: list[Spot]
    links: list[Link]


def around(store: Store, centre: Item) -> Around:
    """Some steps towards what `centre` was made of, and towards what was made of it: as many as a picture has room for.

    What was made of something else in the picture stands on a later layer than it, as far as the layers go.
    """
    up, down = STEPS.get(centre.kind, (1, 2))
    spots: dict[Item | Group, Spot] = {centre: Spot(centre, 0)}
    links: list[Link] = []
    for steps, upwards in ((up, True), (down, False)):
        frontier: list[Item | Group] = [centre]
        for step in range(1, steps + 1):
            ahead: list[Item | Group] = []
            for here in frontier:
                for spot, how in _next(store, here, upwards, -step if upwards else step):
                    if spot.what not in spots:
                        spots[spot.what] = spot
                        ahead.append(spot.what)
                    ends = (spot.what, here) if upwards else (here, spot.what)
                    links.append(Link(*ends, how))
            frontier = ahead
    for _ in range(up):
        for start, end, _how in links:
            if spots[start].layer < 0 and spots[end].layer < 0:
                further = max(-up, min(spots[start].layer, spots[end].layer - 1))
                spots[start] = spots[start]._replace(layer=further)
    return Around(list(spots.values()), list(dict.fromkeys(links)))


def members(group: Group) -> tuple[str, list[str]]:
    """A SELECT of the keys in a group, one column `key`, and its parameters."""
    near, far = ("child", "parent") if group.up else ("parent", "child")
    inner = f"SELECT {far} AS key FROM v_lineage WHERE {near}_kind = ? AND {near} = ? AND {far}_kind = ?"
    params = [group.owner.kind, group.owner.key, group.kind]
    if not group.then:
        return inner, params
    outer = (
        f"SELECT DISTINCT {far} AS key FROM v_lineage WHERE {near}_kind = ? AND {far}_kind = ? AND {near} IN ({inner})"
    )
    return outer, [group.kind, group.then, *params]


def _next(store: Store, here: Item | Group, up: bool, layer: int) -> Iterator[tuple[Spot, str]]:
    """Each spot one step on from `here`, with how it hangs together with it; kind by kind."""
    near, far = ("child", "parent") if up else ("parent", "child")
    if up and here.kind not in MADE:
        return
    if isinstance(here, Group):
        if here.then:
            return  # two groups deep is as far as a picture tells anything
        sql, params = members(here)
        where, params = f"{near}_kind = ? AND {near} IN ({sql})", [here.kind, *params]
    else:
        where, params = f"{near}_kind = ? AND {near} = ?", [here.kind, here.key]
    rows: list[dict[str, Any]] = store.query(
        f"""
        SELECT kind, count(*) AS many, min({{'key': key, 'edges': edges}}, {LISTED}) AS first, any_value(how) AS how
        FROM (
            SELECT {far}_kind AS kind, {far} AS key, count(*) AS edges, any_value(how) AS how
            FROM v_lineage WHERE {where} GROUP BY ALL
        )
        GROUP BY kind
        """,
        *params,
    ).to_pylist()
    for row in sorted(rows, key=lambda row: KINDS.index(row["kind"])):
        if row["many"] <= LISTED:
            for one in row["first"]:
                through = one["edges"] if isinstance(here, Group) else None
                yield Spot(Item(row["kind"], one["key"]), layer, 1, through), row["how"]
        elif isinstance(here, Group):
            yield Spot(here._replace(then=row["kind"]), layer, row["many"]), row["how"]
        else:
            yield Spot(Group(here, up, row["kind"]), layer, row["many"]), row["how"]
