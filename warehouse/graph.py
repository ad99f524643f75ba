"""Lineage as a graph over the warehouse's own rows: what a thing was made of, and what was made of it.

Kind by kind, each step one query over the table that knows it: nothing is stored twice. A dataset is made of the pairs
it holds; the version it follows may have held others.
Reads: the warehouse, or a snapshot of it. Writes: nothing. Must not know: what else a record says, or how a page draws
it.
"""

from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from warehouse.store import Store

KINDS = (
    *("campaign", "prompt", "generator", "student", "reviser", "reader", "sae", "profile", "reviewer"),
    *("constitution", "pair", "dataset", "model"),
)
"""Every kind of node, parents before their children. A key is a name, an id or a hash."""

CHAINED = ("constitution", "dataset")
"""Kinds whose nodes descend from one another, too."""


class Item(NamedTuple):
    """A node: its kind and key."""

    kind: str
    key: str


class Edge(NamedTuple):
    parent: Item
    child: Item


class Reached(NamedTuple):
    """What lies on one side of a node: `counts` is complete, by kind, in the order of KINDS; `items` holds at most so
    many of each kind as were asked for, of a chain the nearest first, of all else the first by key."""

    counts: dict[str, int]
    items: tuple[Item, ...]


class Source(NamedTuple):
    """A table (or a SELECT) each of whose rows names a child and, column by column, its parents; null for none.

    `few`: it repeats few parents over very many rows, so that asking for each is faster than reading them all.
    """

    table: str
    child_kind: str
    child: str
    parents: dict[str, str]
    few: bool = False


PROFILES = "(SELECT hash, meta->>'$.sae' AS sae, meta->>'$.reader' AS reader FROM artifacts WHERE kind = 'profile')"
PROPOSED = "(SELECT constitution, hash AS reviser FROM amendments, artifacts WHERE kind = 'reviser' AND candidate > 0)"
WRITTEN = {
    **{"campaign": "campaign", "prompt": "prompt_id", "constitution": "nullif(constitution, '')"},
    **{"generator": "nullif(generator, '')"},
    "student": "CASE WHEN contains(sampling, '\"student\"') THEN sampling->>'$.student' END",
}
SOURCES = (
    Source(PROFILES, "profile", "hash", {"sae": "nullif(sae, '')", "reader": "nullif(reader, '')"}),
    Source("constitutions", "constitution", "hash", {"constitution": "parent"}),
    Source(PROPOSED, "constitution", "constitution", {"reviser": "reviser"}),
    Source("pairs", "pair", "pair_id", WRITTEN),
    Source("readings", "pair", "pair_id", {"profile": "profile"}, few=True),
    Source("verdicts", "pair", "pair_id", {"reviewer": "reviewer"}, few=True),
    Source("dataset_pairs", "dataset", "version", {"pair": "pair_id"}),
    Source("datasets", "dataset", "version", {"dataset": "parent", "campaign": "campaign"}),
    Source("trained_models", "model", "model", {"dataset": "version"}),
)


def ancestors(store: Store, kind: str, key: str, limit: int = 100) -> Reached:
    """All that the node was made of, at most `limit` of each kind listed. A node nobody knows has none."""
    return _listed(store, Item(kind, key), _reach(store, Item(kind, key), up=True), limit, CHAINED)


def descendants(store: Store, kind: str, key: str, limit: int = 100) -> Reached:
    """All that was made of the node, or with it, at most `limit` of each kind listed."""
    return _listed(store, Item(kind, key), _reach(store, Item(kind, key), up=False), limit, CHAINED)


def parents(store: Store, kind: str, key: str, limit: int = 100) -> Reached:
    """What the node was made of directly: one step."""
    return _listed(store, Item(kind, key), _merged(_step(store, kind, _keys([key]), up=True, chained=True)), limit)


def children(store: Store, kind: str, key: str, limit: int = 100) -> Reached:
    """What was made of the node directly: one step."""
    return _listed(store, Item(kind, key), _merged(_step(store, kind, _keys([key]), up=False, chained=True)), limit)


def edges(store: Store, items: Iterable[Item]) -> tuple[Edge, ...]:
    """Every edge between two of `items`, so that they can be drawn; in order."""
    named: dict[str, list[str]] = {}
    for item in items:
        named.setdefault(item.kind, []).append(item.key)
    found = set[Edge]()
    for source in SOURCES:
        for kind, column in source.parents.items():
            if kind in named and source.child_kind in named:
                sql = (
                    f"SELECT DISTINCT {column} AS parent, {source.child} AS child FROM {source.table} "
                    f"WHERE {column} IN (SELECT key FROM above) AND {source.child} IN (SELECT key FROM below)"
                )
                tables = {"above": _table(_keys(named[kind])), "below": _table(_keys(named[source.child_kind]))}
                for row in store.query(sql, **tables).to_pylist():
                    found.add(Edge(Item(kind, row["parent"]), Item(source.child_kind, row["child"])))
    return tuple(sorted(edge for edge in found if edge.parent != edge.child))


Pieces = Iterator[tuple[str, pa.Array]]


def _reach(store: Store, start: Item, up: bool) -> dict[str, pa.Array]:
    """Every key on one side of `start`, by kind, without its own."""
    reached: dict[str, list[pa.Array]] = {start.kind: [_keys([start.key])]}
    for kind in reversed(KINDS) if up else KINDS:
        if kind not in reached:
            continue
        keys = _merged((kind, piece) for piece in reached[kind])[kind]
        keys = all_of = keys.sort() if kind in CHAINED else keys
        if kind in CHAINED and (kind != "dataset" or up or kind == start.kind):
            all_of = _chain(store, kind, keys, up)
        reached[kind] = [all_of]
        own = up and kind == "dataset"  # what the versions before it held is not in it for that
        for other, piece in _step(store, kind, keys if own else all_of, up, chained=False):
            reached.setdefault(other, []).append(piece)
    return _merged((kind, piece) for kind in KINDS for piece in reached.get(kind, []))


def _step(store: Store, kind: str, keys: pa.Array, up: bool, chained: bool) -> Pieces:
    """One step from all `keys` of a kind; along its own chain only where told."""
    for source in SOURCES:
        columns = {other: sql for other, sql in source.parents.items() if chained or other != source.child_kind}
        if up and source.child_kind == kind and columns:
            yield from _above(store, source, columns, keys)
        elif not up and kind in columns:
            sql = f"SELECT DISTINCT {source.child} AS key FROM {source.table} "
            sql += f"WHERE {columns[kind]} IN (SELECT key FROM frontier)"
            yield source.child_kind, _column(store.query(sql, frontier=_table(keys)))


def _above(store: Store, source: Source, columns: dict[str, str], keys: pa.Array) -> Pieces:
    where = f"WHERE {source.child} IN (SELECT key FROM frontier)"
    if not source.few or len(keys) == 1:
        one = f"WHERE {source.child} = ?" if len(keys) == 1 else where  # an equality finds its row by the index
        lists = ", ".join(f'list(DISTINCT {sql}) AS "{other}"' for other, sql in columns.items())
        params = keys.to_pylist() if len(keys) == 1 else []
        found = store.query(f"SELECT {lists} FROM {source.table} {one}", *params, frontier=_table(keys))
        for other in columns:
            yield other, found[other].combine_chunks().flatten().drop_null()
        return
    for other, sql in columns.items():
        known = _column(store.query(f"SELECT DISTINCT {sql} AS key FROM {source.table}")).to_pylist()
        any_of = f"SELECT {sql} AS key FROM {source.table} {where} AND {sql} = ? LIMIT 1"
        yield other, _keys([key for key in known if store.query(any_of, key, frontier=_table(keys)).num_rows])


def _chain(store: Store, kind: str, keys: pa.Array, up: bool) -> pa.Array:
    """`keys` and all they descend from, or all that descend from them, the nearest first."""
    source = next(source for source in SOURCES if source.child_kind == kind and kind in source.parents)
    sql = f"SELECT DISTINCT {source.parents[kind]} AS parent, {source.child} AS child FROM {source.table}"
    pairs = store.query(f"{sql} WHERE parent IS NOT NULL ORDER BY ALL")
    ends = [pairs["child"].to_pylist(), pairs["parent"].to_pylist()]
    beyond: dict[str, list[str]] = {}
    for here, there in zip(*(ends if up else reversed(ends)), strict=True):
        beyond.setdefault(here, []).append(there)
    found = dict.fromkeys(keys.to_pylist())
    frontier = list(found)
    while frontier:
        ahead = dict.fromkeys(there for here in frontier for there in beyond.get(here, ()) if there not in found)
        found |= ahead
        frontier = list(ahead)
    return _keys(list(found))


def _listed(
    store: Store, start: Item, reached: dict[str, pa.Array], limit: int, in_order: Collection[str] = ()
) -> Reached:
    counts, items = dict[str, int](), list[Item]()
    for kind in KINDS:
        keys = reached.get(kind, _keys([]))
        if kind == start.kind:
            keys = keys.filter(pc.not_equal(keys, start.key))
        if not len(keys):
            continue
        counts[kind] = len(keys)
        if kind in in_order:
            first = keys.slice(0, limit)
        else:
            first = _column(store.query("SELECT key FROM frontier ORDER BY key LIMIT ?", limit, frontier=_table(keys)))
        items += [Item(kind, key) for key in first.to_pylist()]
    return Reached(counts, tuple(items))


def _merged(pieces: Iterable[tuple[str, pa.Array]]) -> dict[str, pa.Array]:
    """The pieces of each kind as one, in their order, every key once."""
    found: dict[str, list[pa.Array]] = {}
    for kind, piece in pieces:
        found.setdefault(kind, []).append(piece)
    return {
        kind: several[0] if len(several) == 1 else pc.unique(pa.concat_arrays(several))
        for kind, several in found.items()
    }


def _keys(keys: list[str]) -> pa.Array:
    return pa.array(keys, pa.string())


def _table(keys: pa.Array) -> pa.Table:
    return pa.table({"key": keys})


def _column(table: pa.Table) -> pa.Array:
    return table["key"].combine_chunks().drop_null()
