"""The page Constitution: what became of each version, what changed, and a person's word that reaches the inbox."""

import json
from pathlib import Path

import pytest
from shown_campaign import show_campaign
from streamlit.testing.v1 import AppTest

from constitutions.document import Constitution, Principle
from dashboard.constitution_tree import outline
from dashboard.difference import as_html, changes
from dashboard.versions import amended, attributions, history
from flows.author_snapshot import show_author
from warehouse.blinding import unblind
from warehouse.hashing import content_hash
from warehouse.inbox import waiting
from warehouse.snapshot import open_snapshot
from warehouse.store import Store

HOSTILE = "<script>alert(1)</script> **bold** [x](javascript:alert(1)) \u202egnp.exe"
OLD, NOW, WAITS, REFUSED, LOST = (content_hash(["shown", what]) for what in (0, 1, "waits", "refused", "lost"))


@pytest.fixture
def steered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A running campaign of two rounds with a candidate that lost, one that a person refused, and one that waits."""
    monkeypatch.setenv("PLUMBLINE_HOME", str(tmp_path))
    campaign = show_campaign(tmp_path, 60, 2, over=False, alarm=False)
    principles = [{"id": "be-warm", "text": "be warm, 1 times over"}, {"id": "<b>new</b>", "text": HOSTILE}]
    document = {"name": "shown", "version": 2, "parent": NOW, "principles": json.dumps(principles)}
    words = {WAITS: HOSTILE, REFUSED: "add a refused one", LOST: "add one that lost"}
    tried = [(0, 0, OLD, 0.5), (0, 1, NOW, 0.1), (1, 0, NOW, 0.5), (1, 1, WAITS, 0.2), (1, 2, LOST, 0.6)]
    same = {"campaign": "shown", "parent": OLD, "operation": HOSTILE, "unjustified_rate": 0.25, "utility": 0.75}
    with Store.open(campaign / "generator" / "warehouse.duckdb") as store:
        store.add("constitutions", [{**document, "hash": one, "amendment": text} for one, text in words.items()])
        rows = [
            {**same, "round": at, "candidate": place, "constitution": one, "flag_rate": rate, "chosen": place == 1}
            for at, place, one, rate in tried
        ]
        store.add("amendments", rows)
        told = {"principle": "be-warm", "flag_rate_without": 0.4, "delta": 0.3}
        store.add("attributions", [{"campaign": "shown", "round": 0, "constitution": NOW, **told}])
        bits = {"entry": "amendment", "bits": 1.0, "formula": "log2 K"}
        store.add("ledger", [{"campaign": "shown", "round": 0, **bits}])
        place = {"campaign": "shown", "round": 1}
        proposed = {**place, "parent": NOW, "amendment": HOSTILE}
        store.add("proposals", [{**proposed, "constitution": one} for one in (WAITS, REFUSED)])
        answer = {"constitution": REFUSED, "number": 1, "approve": False, "who": "ana", "given": 1, "note": "no"}
        store.add("approvals", [{**place, **answer}])
        show_author(store, campaign, False, 1, 4)
    return campaign


def opened(**query: str) -> AppTest:
    at = AppTest.from_string("from dashboard.shell import main\nmain('constitution')", default_timeout=60)
    for name, value in query.items():
        at.query_params[name] = value
    return checked(at.run())


def checked(at: AppTest) -> AppTest:
    assert not at.exception, [one.stack_trace for one in at.exception]
    return at


def html(at: AppTest) -> str:
    return "\n".join(block.proto.body for block in at.get("html"))


def press(at: AppTest, label: str, who: str, note: str = "") -> AppTest:
    """Fill in every form there is, and press one of the buttons."""
    for one in at.text_input:
        one.input(who if one.label == "Your name" else note)
    next(one for one in at.button if one.label == label).click()
    return checked(at.run())


def test_what_became_of_each_version(steered: Path) -> None:
    with open_snapshot(steered / "author") as store:
        told = history(store, "shown")
        fates = {name: one.fate for name, one in told.versions.items()}
        assert fates == {OLD: "was in force", NOW: "in force", WAITS: "waiting", REFUSED: "rejected", LOST: "lost"}
        assert told.path == (OLD, NOW) and list(told.versions[OLD].rounds) == [0]
        first, second = amended(store)
        assert (first["kept_flag_rate"], first["flag_rate"], first["candidates"], first["bits"]) == (0.5, 0.1, 2, 1.0)
        assert second["bits"] is None
        assert [(row["with"], row["without"], row["delta"]) for row in attributions(store)] == [(0.1, 0.4, 0.3)]


def test_a_revert_leaves_what_came_after(steered: Path) -> None:
    with Store.open(steered / "generator" / "warehouse.duckdb") as store:
        row = {"campaign": "shown", "number": 1, "round": 2, "constitution": OLD, "who": "ana", "given": 1}
        store.add("reverts", [row])
        show_author(store, steered, False, 1, 4)
    with open_snapshot(steered / "author") as store:
        told = history(store, "shown")
    assert told.path == (OLD,) and told.versions[NOW].fate == "left"
    assert any("ana went back to it from round 2 on" in one.value for one in opened(constitution=OLD).text)


@pytest.mark.parametrize(("lost", "count"), [(False, 4), (True, 5)])
def test_the_tree_keeps_the_way_straight(steered: Path, lost: bool, count: int) -> None:
    with open_snapshot(steered / "author") as store:
        boxes, lines = outline(history(store, "shown"), NOW, lost)
    column = {box.id: box.x for box in boxes}
    assert len(boxes) == len({box.y for box in boxes}) == count and column[OLD] == column[NOW] < column[WAITS]
    assert [line.look for line in lines if (line.start, line.end) == (OLD, NOW)] == ["path"]


def test_changes_are_told_principle_by_principle() -> None:
    def document(**texts: str) -> Constitution:
        return Constitution(name="c", principles=tuple(Principle(id=name, text=text) for name, text in texts.items()))

    found = changes(document(a="be kind", b="stay", c="go"), document(a="be very kind", c="go", d="<b>"))
    kinds = [("a", "reworded"), ("b", "gone"), ("c", "same"), ("d", "new")]
    assert [(one.principle, one.kind) for one in found] == kinds
    shown = ["be <ins>very </ins>kind", "<del>stay</del>", "go", "<ins>&lt;b&gt;</ins>"]
    assert [as_html(one) for one in found] == shown


def test_foreign_words_stay_words(steered: Path) -> None:
    shown = html(opened(constitution=WAITS))
    assert "&lt;script&gt;" in shown and "<script" not in shown and "\u202e" not in shown


@pytest.mark.parametrize(("label", "approve"), [("Approve", True), ("Reject", False)])
def test_a_word_reaches_the_inbox_and_is_shown_as_waiting(steered: Path, label: str, approve: bool) -> None:
    at = press(opened(), label, "ana", "<i>because</i>")
    (message,) = waiting(steered, "approval")
    assert message.who == "ana"
    assert message.said == {"round": 1, "constitution": WAITS, "approve": approve, "note": "<i>because</i>"}
    assert "not taken in yet" in html(at) and "&lt;i&gt;because" in html(at)


def test_going_back_reaches_the_inbox(steered: Path) -> None:
    press(opened(constitution=OLD), "Go back", "ben")
    (message,) = waiting(steered, "revert")
    assert message.said["constitution"] == OLD


@pytest.mark.parametrize(("who", "why"), [("eve", "opened the auditor"), ("", "say who you are")])
def test_whoever_has_seen_held_out_figures_is_refused(steered: Path, who: str, why: str) -> None:
    unblind(steered, "eve", 1, "the auditor's view", "")
    for label in ("Approve", "Go back"):
        at = press(opened(constitution=OLD), label, who)
        assert any(why in one.value for one in at.error)
    assert not waiting(steered, "approval") and not waiting(steered, "revert")


def test_where_nothing_was_amended_it_says_what_to_type(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUMBLINE_HOME", str(tmp_path))
    show_campaign(tmp_path, 20, 1)
    at = opened()
    assert "Nothing has been amended" in at.info[0].value and "plumbline run" in at.code[0].value


def test_a_file_from_elsewhere_has_no_constitution(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUMBLINE_HOME", str(tmp_path))
    folder = tmp_path / "curated"
    with Store.open(folder / "generator" / "warehouse.duckdb") as store:
        summary = json.dumps({"round": 0, "constitution": "", "flag_rate": 0.1})
        store.add("rounds", [{"campaign": "curated", "round": 0, "mode": "filter", "summary": summary}])
        show_author(store, folder, True, 0, 1)
    at = opened(campaign="curated")
    assert "under no constitution" in at.info[0].value and "plumbline run" in at.code[0].value
