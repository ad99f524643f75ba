"""The page Lineage: what lies round a node, groups that open as lists, what an alarm tainted, and hostile addresses."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from shown_campaign import PROFILE, SAE, show_campaign
from streamlit.testing.v1 import AppTest

from dashboard.lineage_picture import group_named, name, placed
from dashboard.neighbourhood import Group, around, members
from dashboard.plain import cut, plain
from dashboard.surroundings import surroundings
from dashboard.taint import Taint, taints
from flows.author_snapshot import show_author
from warehouse.graph import Item
from warehouse.hashing import content_hash
from warehouse.snapshot import open_snapshot
from warehouse.store import Store

FIRST, SECOND = "d" * 64, "2" * 64
V0, V1, V2 = (content_hash(["shown", version]) for version in range(3))
PAIR = f"{5:016x}"
GENERATOR = Item("generator", "a" * 64)
WRITTEN = Group(GENERATOR, False, "pair")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three rounds; a version after the first and the second; the alarm in the third threw the last two rounds out."""
    home = tmp_path_factory.mktemp("lineage")
    campaign = show_campaign(home, 60, 3)
    with Store.open(campaign / "generator" / "warehouse.duckdb") as store:
        for version, last in ((FIRST, 0), (SECOND, 1)):
            sql = "SELECT ? AS version, pair_id FROM pairs JOIN decisions USING (pair_id) "
            store.add("dataset_pairs", store.query(sql + "WHERE decision = 'kept' AND round <= ?", version, last))
        same = {"campaign": "shown", "path": "x", "rows": 1}
        later = ((SECOND, 1, FIRST), (FIRST, 2, SECOND))
        store.add("datasets", [{**same, "version": one, "round": at, "parent": parent} for one, at, parent in later])
        store.add("quarantined_datasets", [{"version": SECOND, "campaign": "shown", "alarm": 2}])
        show_author(store, campaign, True, 2, 3)
    return home


@pytest.fixture(autouse=True)
def at_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUMBLINE_HOME", str(home))


@pytest.fixture
def record(home: Path) -> Iterator[Store]:
    with open_snapshot(home / "shown" / "author") as found:
        yield found


def opened(**query: str) -> AppTest:
    at = AppTest.from_string("from dashboard.shell import main\nmain('lineage')", default_timeout=60)
    for key, value in query.items():
        at.query_params[key] = value
    return checked(at.run())


def checked(at: AppTest) -> AppTest:
    assert not at.exception, [one.stack_trace for one in at.exception]
    return at


def test_round_a_pair(record: Store) -> None:
    found = around(record, Item("pair", PAIR))
    layers = {spot.what: spot.layer for spot in found.spots}
    assert layers[Item("pair", PAIR)] == 0 and layers[Item("profile", PROFILE)] == layers[GENERATOR] == -1
    assert all(layers[link.start] < layers[link.end] for link in found.links)


def test_many_of_a_kind_are_a_group(record: Store) -> None:
    found = around(record, GENERATOR)
    (spot,) = [spot for spot in found.spots if spot.what == WRITTEN]
    sql, params = members(WRITTEN)
    assert (spot.many, spot.layer, record.query(sql, *params).num_rows) == (60, 1, 60)
    beyond = {spot.what.key: spot.through for spot in found.spots if spot.layer == 2}
    assert beyond == {version: _held(record, version) for version in (FIRST, SECOND)}


def test_a_group_beyond_a_group(record: Store) -> None:
    prompts = Group(Item("dataset", SECOND), True, "pair", "prompt")
    (spot,) = [spot for spot in around(record, prompts.owner).spots if spot.what == prompts]
    sql, params = members(prompts)
    assert spot.many == record.query(sql, *params).num_rows == _held(record, SECOND)


@pytest.mark.parametrize("what", [GENERATOR, WRITTEN, Group(GENERATOR, True, "pair", "prompt")])
def test_an_address_names_a_group_and_nothing_else(what: Item | Group) -> None:
    assert group_named(name(what)) == (what if isinstance(what, Group) else None)


def test_what_an_alarm_threw_out(record: Store) -> None:
    assert taints(record, "shown") == [Taint(2, (1, 2), (SECOND,), tuple(sorted((V1, V2))), 40)]
    found = surroundings(record, "shown", Item("constitution", V1))
    assert {Item("constitution", V1), Item("constitution", V2)} <= found.tainted
    assert Item("constitution", V0) not in found.tainted
    assert found.bad[Group(Item("constitution", V1), False, "pair")] == 20
    boxes, _ = placed(found)
    assert "tainted" in next(box.look for box in boxes if box.id == f"constitution:{V1}")


@pytest.mark.parametrize(
    ("node", "heading"),
    [
        (f"pair:{PAIR}", "Pair"),
        (f"prompt:{PAIR}", "Prompt"),
        (f"dataset:{SECOND}", "Dataset"),
        (V1, "Constitution"),
        (f"profile:{PROFILE}", "Profile"),
        (SAE, "Sae"),
        ("campaign:shown", "Campaign"),
        ("", "Dataset"),
    ],
)
def test_every_kind_has_a_panel(node: str, heading: str) -> None:
    at = opened(node=node) if node else opened()
    assert at.subheader[0].value == heading and not at.warning


def test_a_group_opens_as_a_list() -> None:
    at = opened(node=f"constitution:{V0}", list=name(Group(Item("constitution", V0), False, "pair")))
    assert at.subheader[1].value == "20 pairs" and len(at.dataframe[0].value) == 20
    one = at.dataframe[0].value["pair"].iloc[3]
    next(field for field in at.text_input if "begins" in field.label).input(one)
    assert list(checked(at.run()).dataframe[0].value["pair"]) == [one]


def test_the_list_of_what_was_thrown_out_leads_on() -> None:
    at = opened(node=f"pair:{PAIR}")
    assert any("threw out rounds 1, 2: 40 pairs" in one.value for one in at.text)
    next(one for one in at.button if SECOND[:12] in one.label).click()
    assert checked(at.run()).subheader[0].value == "Dataset"


@pytest.mark.parametrize(
    "node", ["<script>alert(1)</script>", "pair:nobody", "[x](javascript:alert(1))", "\u202e", "'; DROP", "w" * 9999]
)
def test_an_address_nobody_has_breaks_nothing(node: str) -> None:
    (warned,) = opened(node=node, list=f"down:pair:pair:{node}").warning
    assert warned.value.startswith("no") and "](" not in warned.value and "\u202e" not in warned.value
    assert len(warned.value) < 1000


def test_foreign_words_are_cut_and_do_nothing() -> None:
    assert cut("a\x00\u202e b\n\tc" + "d" * 100, 8) == "a b cdd…"
    assert plain("**b** [x](y)") == r"\*\*b\*\* \[x\]\(y\)"


def _held(record: Store, version: str) -> int:
    return record.query("SELECT * FROM dataset_pairs WHERE version = ?", version).num_rows
