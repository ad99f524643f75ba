"""All that the lineage's page says about a node's surroundings, remembered for as long as the snapshot is shown.

Reads: the author's snapshot. Writes: nothing. Must not know: how any of it is drawn.
"""

from typing import Any, NamedTuple

import streamlit as st

from dashboard.neighbourhood import Around, Group, around, members
from dashboard.taint import Row, Taint, recalled, taints
from warehouse.graph import Item, ancestors, descendants
from warehouse.nodes import describe
from warehouse.store import Store

BY_VERSION: dict[Any, Any] = {Store: lambda record: str(record.path)}
"""A snapshot's path names its version, whose content never changes."""


class Surroundings(NamedTuple):
    """`told`: a few words on each node in the picture. `tainted`: nodes an alarm or a person put aside; `bad`: of a
    group of pairs, how many are. `above`, `below`: how many of each kind there are on either side, in all."""

    around: Around
    told: dict[Item, str]
    tainted: set[Item]
    bad: dict[Group, int]
    above: dict[str, int]
    below: dict[str, int]
    taints: list[Taint]
    recalled: dict[str, Row]


@st.cache_data(max_entries=200, show_spinner=False, hash_funcs=BY_VERSION)
def surroundings(record: Store, campaign: str, centre: Item) -> Surroundings:
    found = around(record, centre)
    items = [spot.what for spot in found.spots if isinstance(spot.what, Item)]
    groups = [spot.what for spot in found.spots if isinstance(spot.what, Group) and spot.what.members == "pair"]
    thrown_out, called_back = taints(record, campaign), recalled(record)
    rounds = [number for taint in thrown_out for number in taint.rounds]
    own = f"{campaign}, ", f"{campaign} "
    told = {item: words.removeprefix(own[0]).removeprefix(own[1]) for item, words in describe(record, items).items()}
    return Surroundings(
        around=found,
        told=told,
        tainted=_tainted(record, items, rounds, thrown_out, called_back),
        bad={group: _tainted_in(record, group, rounds) for group in groups} if rounds else {},
        above=ancestors(record, *centre, limit=0).counts,
        below=descendants(record, *centre, limit=0).counts,
        taints=thrown_out,
        recalled=called_back,
    )


def _tainted(
    record: Store, items: list[Item], rounds: list[int], thrown_out: list[Taint], called_back: dict[str, Row]
) -> set[Item]:
    keys = [item.key for item in items if item.kind == "pair"]
    sql = "SELECT pair_id FROM pairs WHERE list_contains(?, pair_id) AND list_contains(?, round)"
    pairs = record.query(sql, keys, rounds)["pair_id"].to_pylist() if keys and rounds else []
    versions = {version for taint in thrown_out for version in taint.versions} | set(called_back)
    under = {one for taint in thrown_out for one in taint.constitutions}
    named = {"pair": set(pairs), "dataset": versions, "constitution": under}
    return {item for item in items if item.key in named.get(item.kind, ())}


def _tainted_in(record: Store, group: Group, rounds: list[int]) -> int:
    sql, params = members(group)
    counted = f"SELECT count(*) AS many FROM pairs WHERE pair_id IN ({sql}) AND list_contains(?, round)"
    return int(record.query(counted, *params, rounds)["many"][0].as_py())
