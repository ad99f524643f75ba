"""Persons' verdicts in the record: what they settle, how far judges agree, which pairs still wait, what is refused."""

from pathlib import Path

import pytest
from synthetic import tables

from constitutions.document import Constitution, Principle
from flows.hearing import hear_late, hear_reverts, hear_verdicts
from tasks.curate import settle
from warehouse.chain import check, extend, head
from warehouse.errors import PlumblineError
from warehouse.inbox import put, waiting
from warehouse.people import say_approval, say_verdict, waiting_proposals
from warehouse.reviews import agreement, to_review
from warehouse.snapshot import publish_snapshot
from warehouse.store import Store

MADE = tables(40, round=1)
HELD = [row["pair_id"] for row in MADE.decisions.to_pylist() if row["decision"] == "held"]
KEPT = MADE.pairs["pair_id"][0].as_py()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "demo"


@pytest.fixture
def store(folder: Path) -> Store:
    store = Store.open(folder / "generator" / "warehouse.duckdb")
    for name in MADE._fields:
        store.add(name, getattr(MADE, name))
    return store


def decided(store: Store, pair: str) -> dict[str, str | None]:
    (row,) = store.query(
        "SELECT decision, settled, person_verdict FROM v_decisions WHERE pair_id = ?", pair
    ).to_pylist()
    return dict(row)


def test_the_latest_verdict_settles_a_held_pair_and_no_other(store: Store, folder: Path) -> None:
    for verdict, settled in (("justified", "kept"), ("unsure", "held"), ("unjustified", "dropped")):
        say_verdict(folder, "Ada", HELD[0], verdict)
        assert hear_verdicts(store, folder, 2) == 1
        assert decided(store, HELD[0]) == {"decision": "held", "settled": settled, "person_verdict": verdict}
    say_verdict(folder, "Ada", KEPT, "unjustified", ["vain"], "shows off")
    hear_verdicts(store, folder, 2)
    assert decided(store, KEPT) == {"decision": "kept", "settled": "kept", "person_verdict": "unjustified"}
    rows = store.query(
        "SELECT number, traits, note FROM person_verdicts ORDER BY pair_id = ?, number", KEPT
    ).to_pylist()
    assert [row["number"] for row in rows] == [1, 2, 3, 1]
    assert (rows[-1]["traits"], rows[-1]["note"]) == ('["vain"]', "shows off")


def test_a_message_that_is_heard_twice_counts_once(store: Store, folder: Path) -> None:
    """Killed between the record and the inbox: the message is still there."""
    file = say_verdict(folder, "Ada", HELD[0], "justified")
    said = file.read_bytes()
    assert hear_verdicts(store, folder, 2) == 1 and not waiting(folder, "verdict")
    file.write_bytes(said)
    assert hear_verdicts(store, folder, 2) == 0 and not waiting(folder, "verdict")


@pytest.mark.parametrize(
    "said",
    [
        {"pair_id": "nobody", "verdict": "justified"},
        {"pair_id": HELD[0], "verdict": "fine"},
        {"pair_id": HELD[0], "verdict": "unjustified", "traits": "vain"},
        {},
    ],
)
def test_a_message_that_is_no_verdict_is_refused_and_recorded(said: dict[str, str], store: Store, folder: Path) -> None:
    put(folder, "verdict", "Ada", said)
    assert hear_verdicts(store, folder, 2) == 0 and not waiting(folder, "verdict")
    assert store.query("SELECT kind, who, round FROM refusals").to_pylist() == [
        {"kind": "verdict", "who": "Ada", "round": 2}
    ]


def test_who_reviews_what(store: Store, folder: Path) -> None:
    assert [one.pair_id for one in to_review(store, folder)] == HELD
    say_verdict(folder, "Ada", HELD[0], "justified")
    assert [one.pair_id for one in to_review(store, folder, "Ada")] == HELD[1:]  # it is in the inbox
    hear_verdicts(store, folder, 2)
    assert [one.pair_id for one in to_review(store, folder, "Ada")] == HELD[1:]
    assert [one.pair_id for one in to_review(store, folder)] == HELD[1:]
    assert [one.pair_id for one in to_review(store, folder, "Bob")] == [*HELD[1:], HELD[0]]
    assert len({one.shown for one in to_review(store, folder, "Bob")}) == len(HELD)


def test_agreement_by_hand(store: Store, folder: Path) -> None:
    """Ada and Bob agree on 3 of 4: p_o = 3/4, p_e = (3 · 2 + 1 · 2) / 16 = 1/2, so kappa = 1/2."""
    ada, bob = ("justified",) * 3 + ("unjustified",), ("justified",) * 2 + ("unjustified",) * 2
    for pair, one, other in zip(HELD, ada, bob, strict=False):
        say_verdict(folder, "Ada", pair, "unsure")  # an earlier word of hers, which no longer counts
        say_verdict(folder, "Ada", pair, one)
        say_verdict(folder, "Bob", pair, other)
    say_verdict(folder, "Cleo", HELD[0], "justified")
    hear_verdicts(store, folder, 2)
    found = {(one.one, one.other): one for one in agreement(store, "demo")}
    assert list(found)[:3] == [("the reviewer model", who) for who in ("Ada", "Bob", "Cleo")]
    both = found["Ada", "Bob"]
    assert (both.pairs, both.agreed, both.share, both.kappa) == (4, 3, 0.75, pytest.approx(0.5))
    assert found["the reviewer model", "Ada"].agreed == 0
    assert found["Ada", "Cleo"].kappa is None and found["Ada", "Cleo"].share == 1  # one and the same of every pair


def test_only_held_pairs_are_settled() -> None:
    settled = settle(MADE.decisions, {HELD[0]: "kept", KEPT: "dropped"})
    changed = [
        row for row, before in zip(settled.to_pylist(), MADE.decisions.to_pylist(), strict=True) if row != before
    ]
    assert [(row["pair_id"], row["decision"]) for row in changed] == [(HELD[0], "kept")]


def test_an_answer_is_for_a_proposal_that_waits(store: Store, folder: Path) -> None:
    row = {"campaign": "demo", "round": 2, "constitution": "a" * 64}
    store.add("proposals", [{**row, "parent": "b" * 64, "amendment": "add kind"}])
    assert [one.amendment for one in waiting_proposals(store, "demo")] == ["add kind"]
    tables = ("proposals", "approvals")
    publish_snapshot(folder / "author", {name: store.query(f"SELECT * FROM {name}") for name in tables}, {})
    with pytest.raises(PlumblineError, match="no amendment cccccccccccc waits"):
        say_approval(folder, "Ada", "c" * 64, True)
    say_approval(folder, "Ada", "a" * 64, True)
    hear_late(store, folder, 2)
    assert len(waiting(folder, "approval")) == 1  # in time
    store.add("approvals", [{**row, "number": 1, "approve": False, "who": "Bob", "given": 1}])
    assert waiting_proposals(store, "demo") == []
    hear_late(store, folder, 2)
    assert waiting(folder, "approval") == [] and store.query("SELECT who FROM refusals")["who"].to_pylist() == ["Ada"]


def test_what_came_after_the_end_gets_links_of_its_own(store: Store, folder: Path) -> None:
    extend(store, "demo", 1, "examined")
    last = extend(store, "demo", 1, "finished")
    assert extend(store, "demo", 1, "reviewed") == last  # nothing is new
    for pair in HELD[:2]:
        say_verdict(folder, "Ada", pair, "justified")
        hear_verdicts(store, folder, 1)
        last, before = extend(store, "demo", 1, "reviewed"), last
        assert last != before and head(store, "demo") == last
    checked = check(store, "demo")
    assert checked.differences == () and checked.loose == 0
    assert [link.step for link in checked.links] == ["examined", "finished", "reviewed", "reviewed"]
    say_verdict(folder, "Ada", HELD[3], "unsure")
    hear_verdicts(store, folder, 1)
    assert check(store, "demo").loose == 1


def test_a_revert_needs_an_earlier_version(store: Store, folder: Path) -> None:
    first, second = (Constitution(name="c", principles=(Principle(id=name, text=name),)) for name in ("one", "two"))
    for digest in (first.hash, second.hash, "d" * 64):
        put(folder, "revert", "Ada", {"constitution": digest})
    hear_reverts(store, folder, 2, [first, second])
    rows = store.query("SELECT round, constitution FROM reverts").to_pylist()
    assert rows == [{"round": 2, "constitution": first.hash}]
    assert store.query("SELECT count(*) AS n FROM refusals")["n"].to_pylist() == [2]
