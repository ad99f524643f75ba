"""The nodes of the lineage graph as people meet them: found by what was typed, told in a line.

Reads: the warehouse, or a snapshot of it. Writes: nothing. Must not know: how nodes hang together.
"""

from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from warehouse.errors import PlumblineError
from warehouse.graph import KINDS, Item
from warehouse.hashing import short
from warehouse.store import Store

HASHED = frozenset(KINDS) - {"campaign", "prompt", "pair"}
KNOWN = """
    SELECT 'campaign' AS kind, campaign AS key, '' AS alias FROM campaigns
    UNION SELECT 'pair', pair_id, source_id FROM pairs
    UNION SELECT 'pair', pair_id, '' FROM quarantine WHERE pair_id <> ''
    UNION SELECT 'prompt', prompt_id, '' FROM pairs
    UNION SELECT 'constitution', hash, '' FROM constitutions
    UNION SELECT 'constitution', constitution, '' FROM pairs WHERE constitution <> ''
    UNION SELECT 'dataset', version, '' FROM datasets
    UNION SELECT kind, hash, name FROM artifacts
    UNION SELECT 'model', model, name FROM trained_models
"""
TOLD = """
    SELECT 'campaign' AS kind, campaign AS key, '' AS told FROM campaigns
    UNION ALL SELECT 'pair', pair_id, format('{}, round {}, position {}', campaign, round, position) FROM pairs
    UNION ALL SELECT 'constitution', hash,
        format('{} v{}', name, version) || CASE WHEN amendment <> '' THEN ': ' || amendment ELSE '' END
    FROM constitutions
    UNION ALL SELECT 'dataset', version,
        format('{}, round {}, {} rows', campaign, string_agg(round::VARCHAR, ' and ' ORDER BY round), max(rows))
    FROM datasets GROUP BY campaign, version
    UNION ALL SELECT kind, hash, name FROM artifacts
    UNION ALL SELECT DISTINCT 'model', model, format('{}, trained on {} pairs', name, pairs) FROM trained_models
"""
MARKS = {"quarantined_datasets": "QUARANTINED", "recalls": "RECALLED"}


def find(store: Store, given: str, kinds: Iterable[str] = KINDS) -> Item:
    """The node of one of `kinds` that `given` names: its key or the beginning of it, a foreign row's own id, the name
    of a model, any of them after `KIND:` where two kinds would fit.

    Raises PlumblineError when none is meant, naming the nearest, or when several are.
    """
    head, colon, rest = given.partition(":")
    wanted, text = ([head], rest) if colon and head in KINDS else (list(kinds), given)
    among = pa.table({"kind": pa.array(wanted, pa.string())})
    sql = f"SELECT DISTINCT kind, key FROM ({KNOWN}) WHERE kind IN (SELECT kind FROM among) AND "
    for means in ("key = $1", "alias = $1 AND alias <> ''", "starts_with(key, $1) AND $1 <> ''"):
        found = store.query(f"{sql} {means} ORDER BY ALL LIMIT 6", text, among=among).to_pylist()
        if len(found) == 1:
            return Item(**found[0])
        if found:
            more = ", …" if len(found) > 5 else ""
            raise PlumblineError(f"{given!r} means several: {_named(found[:5])}{more}; give more of it, or KIND:KEY")
    nearest = "greatest(jaro_winkler_similarity(key, $1), jaro_winkler_similarity(alias, $1))"
    ranked = (
        f"SELECT kind, key FROM ({KNOWN}) WHERE kind IN (SELECT kind FROM among) ORDER BY {nearest} DESC, kind, key"
    )
    found = store.query(f"{ranked} LIMIT 3", text, among=among).to_pylist()
    what = wanted[0] if len(wanted) == 1 else "node"
    raise PlumblineError(
        f"no {what} {text} in {store.path}; " + (f"nearest: {_named(found)}" if found else "it is empty")
    )


def describe(store: Store, items: Iterable[Item]) -> dict[Item, str]:
    """A few words on each: where a pair stands, how a constitution was amended, a model's name, whether a dataset is
    quarantined or was recalled; "" where the warehouse has none."""
    wanted = list(items)
    named = pa.table({"kind": [item.kind for item in wanted], "key": [item.key for item in wanted]}, _ITEMS)
    told = dict.fromkeys(wanted, "")
    for row in store.query(f"SELECT * FROM ({TOLD}) SEMI JOIN named USING (kind, key)", named=named).to_pylist():
        told[Item(row["kind"], row["key"])] = row["told"]
    for item in wanted:
        marks = [mark for table, mark in MARKS.items() if item.kind == "dataset" and _marked(store, table, item.key)]
        told[item] = "  ".join([told[item], *marks])
    return told


def shown(item: Item) -> str:
    """The key as it is displayed: a hash by its first digits."""
    return short(item.key) if item.kind in HASHED else item.key


_ITEMS = pa.schema([("kind", pa.string()), ("key", pa.string())])


def _marked(store: Store, table: str, version: str) -> bool:
    return bool(store.query(f"SELECT 1 FROM {table} WHERE version = ? LIMIT 1", version).num_rows)


def _named(rows: list[dict[str, Any]]) -> str:
    return ", ".join(f"{row['kind']}:{shown(Item(**row))}" for row in rows)
