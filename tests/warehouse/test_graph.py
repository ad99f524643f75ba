"""Lineage as a graph: up and down from every kind of node, on a live warehouse and on a snapshot of it."""

# pytest keeps the annotations of fixtures and tests past exit, and DuckDB would report its classes among them as leaks.
from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from synthetic import tables

from warehouse.errors import PlumblineError
from warehouse.graph import KINDS, SOURCES, Edge, Item, ancestors, children, descendants, edges, parents
from warehouse.nodes import describe, find
from warehouse.snapshot import open_snapshot, publish_snapshot
from warehouse.store import Store

FIRST, SECOND, ASIDE = "c1" * 32, "c2" * 32, "c3" * 32
ONE, TWO, THREE = "d1" * 32, "d2" * 32, "d3" * 32
MODEL = "e1" * 32
MODELS = {"generator": "9", "student": "5", "reviser": "7", "reader": "4", "sae": "b", "profile": "a", "reviewer": "e"}


@pytest.fixture(scope="module", params=["live", "snapshot"])
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Two rounds of five pairs under two constitutions; the third version of the dataset is the first again, since the
    second was called back."""
    folder = tmp_path_factory.mktemp("graph")
    with Store.open(folder / "warehouse.duckdb") as live:
        _fill(live)
        if request.param == "live":
            yield live
            return
        names = live.query("SELECT table_name AS name FROM duckdb_tables()")["name"].to_pylist()
        publish_snapshot(folder / "author", {name: live.query(f'SELECT * FROM "{name}"') for name in names}, {})
    with open_snapshot(folder / "author") as copy:
        yield copy


def _fill(store: Store) -> None:
    store.add("campaigns", [{"campaign": "demo", "config": "{}"}])
    rounds = tables(5, constitution=FIRST), tables(5, round=1, constitution=SECOND)
    for made in rounds:
        for name in made._fields:
            store.add(name, getattr(made, name))
    student = rounds[1].pairs.to_pylist()[0] | {"pair_id": "f" * 16, "sampling": f'{{"student":"{"5" * 64}"}}'}
    store.add("pairs", [student | {"campaign": "other", "source_id": "row-1", "prompt_id": "b" * 16}])
    for digest, parent in ((FIRST, None), (SECOND, FIRST), (ASIDE, FIRST)):
        row = {"hash": digest, "name": "start", "version": int(parent is not None), "parent": parent}
        store.add("constitutions", [row | {"amendment": "drop tone" if parent else "", "principles": "[]"}])
        chosen = {"campaign": "demo", "round": 0, "candidate": int(digest[1]) - 1, "operation": "", "chosen": False}
        store.add("amendments", [chosen | {"constitution": digest, "parent": parent}])
    fitted = f'{{"sae": "{"b" * 64}", "reader": "{"4" * 64}"}}'
    for kind, digit in MODELS.items():
        meta = fitted if kind == "profile" else "{}"
        store.add("artifacts", [{"hash": digit * 64, "kind": kind, "name": f"the-{kind}", "meta": meta}])
    first, second = (made.pairs["pair_id"].to_pylist() for made in rounds)
    versions = [(ONE, 0, None, first), (TWO, 1, ONE, first + second), (ONE, 2, TWO, first), (THREE, 3, ONE, first[:1])]
    for version, number, parent, pairs in versions:
        row = {"version": version, "campaign": "demo", "round": number, "path": "dataset", "rows": len(pairs)}
        store.add("datasets", [row | {"parent": parent}])
        store.add("dataset_pairs", [{"version": version, "pair_id": pair} for pair in pairs])
    store.add("quarantined_datasets", [{"version": TWO, "campaign": "demo", "alarm": 2}])
    trained = {"model": MODEL, "name": "hers", "campaign": "demo", "version": TWO, "base": "4" * 64, "pairs": 10}
    trained |= {"based_on": "organism:reader", "settings": "{}", "seed": 0, "folder": "trained/hers"}
    store.add("trained_models", [trained])


def pair(store: Store, number: int) -> str:
    sql = "SELECT pair_id FROM pairs WHERE round = ? AND position = 4 AND campaign = 'demo'"
    return str(store.query(sql, number)["pair_id"][0].as_py())


MADE = {"campaign": 1, "prompt": 5, "generator": 1, "reader": 1, "sae": 1, "profile": 1, "reviewer": 1}
UP = {
    "pair 1": MADE | {"prompt": 1, "reviser": 1, "constitution": 2},
    "pair 0": MADE | {"prompt": 1, "constitution": 1},
    f"constitution {SECOND}": {"reviser": 1, "constitution": 1},
    f"constitution {FIRST}": {},
    f"dataset {TWO}": MADE | {"reviser": 1, "constitution": 2, "pair": 10, "dataset": 1},
    f"dataset {ONE}": MADE | {"constitution": 1, "pair": 5, "dataset": 1},  # not the pairs of what it replaced
    f"model {MODEL}": MADE | {"reviser": 1, "constitution": 2, "pair": 10, "dataset": 2},
    f"profile {'a' * 64}": {"reader": 1, "sae": 1},
    f"sae {'b' * 64}": {},
    "campaign demo": {},
    "dataset nobody": {},
}
DOWN = {
    "pair 1": {"dataset": 1},
    "pair 0": {"dataset": 2},
    f"constitution {FIRST}": {"constitution": 2, "pair": 11, "dataset": 3},
    f"constitution {SECOND}": {"pair": 6, "dataset": 1},
    f"constitution {ASIDE}": {},
    f"dataset {ONE}": {"dataset": 2},
    f"sae {'b' * 64}": {"profile": 1, "pair": 10, "dataset": 3},
    f"reader {'4' * 64}": {"profile": 1, "pair": 10, "dataset": 3},
    f"generator {'9' * 64}": {"pair": 11, "dataset": 3},
    f"student {'5' * 64}": {"pair": 1},
    f"reviewer {'e' * 64}": {"pair": 6, "dataset": 2},
    f"reviser {'7' * 64}": {"constitution": 2, "pair": 6, "dataset": 1},
    f"prompt {4:016x}": {"pair": 2, "dataset": 2},
    "campaign demo": {"pair": 10, "dataset": 3},
    "campaign other": {"pair": 1},
}
DOWN = {start: made | ({"model": 1} if "dataset" in made else {}) for start, made in DOWN.items()}  # all are in TWO


def node(store: Store, named: str) -> Item:
    kind, key = named.split()
    return Item(kind, pair(store, int(key)) if kind == "pair" else key)


@pytest.mark.parametrize("named", UP)
def test_up(store: Store, named: str) -> None:
    assert ancestors(store, *node(store, named)).counts == UP[named]


@pytest.mark.parametrize("named", DOWN)
def test_down(store: Store, named: str) -> None:
    assert descendants(store, *node(store, named)).counts == DOWN[named]


def test_whoever_is_above_has_it_below(store: Store) -> None:
    everything = [Item(**row) for row in store.query(f"{ALL} ORDER BY ALL").to_pylist()]
    below = {item: set(descendants(store, *item).items) for item in everything}
    for item in everything:
        above = set(ancestors(store, *item).items)
        followed = {other for other in above if "dataset" in (other.kind, item.kind)}
        assert above - followed == {other for other in everything if item in below[other]} - followed
        assert item not in above and item not in below[item]


ALL = "SELECT parent_kind AS kind, parent AS key FROM v_lineage UNION SELECT child_kind, child FROM v_lineage"


def test_the_view_has_the_same_edges(store: Store) -> None:
    named = [Item(**row) for row in store.query(ALL).to_pylist()]
    rows = store.query("SELECT * FROM v_lineage").to_pylist()
    told = {Edge(Item(r["parent_kind"], r["parent"]), Item(r["child_kind"], r["child"])) for r in rows}
    assert set(edges(store, named)) == told and len(rows) == len(told)
    assert {kind for kind in KINDS if any(kind in (edge.parent.kind, edge.child.kind) for edge in told)} == set(KINDS)
    assert {source.child_kind for source in SOURCES} == {edge.child.kind for edge in told}


def test_one_step(store: Store) -> None:
    made = node(store, "pair 1")
    direct = {"campaign": 1, "prompt": 1, "generator": 1, "profile": 1, "reviewer": 1, "constitution": 1}
    assert parents(store, *made).counts == direct
    assert children(store, "constitution", FIRST).counts == {"constitution": 2, "pair": 5}
    assert children(store, "dataset", ONE).items == (Item("dataset", TWO), Item("dataset", THREE))
    drawn = edges(store, [made, *parents(store, *made).items])
    assert len(drawn) == 6 and all(edge.child == made for edge in drawn)


def test_a_list_is_cut_and_a_count_is_not(store: Store) -> None:
    up = ancestors(store, "dataset", TWO, limit=2)
    assert up.counts["pair"] == 10
    pairs = [item.key for item in up.items if item.kind == "pair"]
    assert (
        pairs
        == sorted(store.query("SELECT pair_id FROM dataset_pairs WHERE version = ?", TWO)["pair_id"].to_pylist())[:2]
    )


def test_the_nearest_of_a_chain_comes_first(tmp_path: Path) -> None:
    names = [f"{number:064x}" for number in (3, 1, 4, 0, 5)]
    with Store.open(tmp_path / "warehouse.duckdb") as store:
        for number, name in enumerate(names):
            row = {"hash": name, "name": "x", "version": number, "parent": names[number - 1] if number else None}
            store.add("constitutions", [row | {"amendment": "", "principles": "[]"}])
        assert [item.key for item in ancestors(store, "constitution", names[-1], 2).items] == [names[3], names[2]]
        assert [item.key for item in descendants(store, "constitution", names[0]).items] == names[1:]


FOUND = {
    "demo": Item("campaign", "demo"),
    "c2": Item("constitution", SECOND),
    "row-1": Item("pair", "f" * 16),
    "the-sae": Item("sae", "b" * 64),
    "dataset:d1": Item("dataset", ONE),
    "prompt:bb": Item("prompt", "b" * 16),
}
LOST = {
    "d": "'d' means several: .*dataset:d1d1d1d1d1d1",
    "dataset:d": "'dataset:d' means several",
    "demp": "no node demp in .*; nearest: campaign:demo",
    "profile:the-profil": f"no profile the-profil in .*; nearest: profile:{'a' * 12}",
}


@pytest.mark.parametrize("given", FOUND)
def test_what_was_typed_is_found(store: Store, given: str) -> None:
    assert find(store, given) == FOUND[given]


@pytest.mark.parametrize("given", LOST)
def test_what_is_not_there_is_answered_with_the_nearest(store: Store, given: str) -> None:
    with pytest.raises(PlumblineError, match=LOST[given]):
        find(store, given)


def test_a_node_is_told_in_a_line(store: Store) -> None:
    told = {
        Item("pair", pair(store, 1)): "demo, round 1, position 4",
        Item("constitution", SECOND): "start v1: drop tone",
        Item("dataset", ONE): "demo, round 0 and 2, 5 rows",
        Item("dataset", TWO): "demo, round 1, 10 rows  QUARANTINED",
        Item("sae", "b" * 64): "the-sae",
        Item("prompt", "b" * 16): "",
    }
    assert describe(store, told) == told
