"""Pairs, Review and the gold queue: what they show of a real snapshot, what a person says there, and that nothing a
text holds breaks them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hostile import Snapshot, publish
from streamlit.testing.v1 import AppTest
from synthetic import TRAITS, tables

from dashboard.search import FLAGS, NOT_REVIEWED, Wanted, find
from monitors.gold import Case, PersonGold
from warehouse.hashing import content_hash
from warehouse.inbox import put, waiting
from warehouse.questions import answer, answered, open_questions
from warehouse.snapshot import open_snapshot, publish_snapshot
from warehouse.store import Store

Open = Callable[..., AppTest]
COUNT = 60


@pytest.fixture
def open_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Open:
    """A function that opens a page as its address would; PLUMBLINE_HOME is `tmp_path` unless told."""

    def opened(page: str, home: Path = tmp_path, **query: str) -> AppTest:
        monkeypatch.setenv("PLUMBLINE_HOME", str(home))
        at = AppTest.from_string(f"from dashboard.shell import main\nmain({page!r})", default_timeout=60)
        for name, value in query.items():
            at.query_params[name] = value
        return checked(at.run())

    return opened


def checked(at: AppTest) -> AppTest:
    assert not at.exception, [one.value for one in at.exception]
    return at


def published(home: Path, **others: list[dict[str, Any]]) -> list[str]:
    """Sixty pairs, of each five two unflagged, and one each justified, unjustified and unsure; their ids in order."""
    made = tables(COUNT)
    with Store.open(home / "empty.duckdb") as store:
        names = store.query("SELECT table_name FROM duckdb_tables()")["table_name"].to_pylist()
        empty = {name: store.query(f'SELECT * FROM "{name}"') for name in names}
    more = {name: pa.Table.from_pylist(rows, schema=empty[name].schema) for name, rows in others.items()}
    about = {"campaign": "demo", "round": 0, "planned": 1, "over": True}
    publish_snapshot(home / "demo" / "author", empty | made._asdict() | more, about)
    return list(made.pairs["pair_id"].to_pylist())


def html(at: AppTest) -> str:
    return "\n".join(block.value if hasattr(block, "value") else block.proto.body for block in at.get("html"))


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        (Wanted(), 60),
        (Wanted(round=1), 0),
        (Wanted(decision="held"), 12),
        (Wanted(verdict="justified"), 12),
        (Wanted(verdict=NOT_REVIEWED), 24),
        (Wanted(flag="flagged"), 36),
        (Wanted(flag="not flagged"), 24),
        (Wanted(flag="rejected side flagged"), 0),
        (Wanted(flag="over, not used to flag"), 0),
        (Wanted(flag="not read"), 0),
        (Wanted(trait=TRAITS[2]), 12),
        (Wanted(trait=TRAITS[2], flag="not flagged"), 48),
        (Wanted(constitution="c" * 64, decision="kept"), 36),
        (Wanted(words="LOOKED into matter 1"), 11),
        (Wanted(words="matter 7!"), 1),
        (Wanted(words=".*"), 0),
        (Wanted(words="x\\E[(\x00_ $"), 0),
        (Wanted(id="zz"), 0),
    ],
)
def test_pairs_are_found(tmp_path: Path, wanted: Wanted, count: int) -> None:
    ids = published(tmp_path)
    with open_snapshot(tmp_path / "demo" / "author") as store:
        found = find(store, wanted).to_pylist()
        assert len(found) == count and found == [each for each in ids if each in set(found)]
        assert find(store, Wanted(id=f" {ids[3][:6].upper()}")).to_pylist() == [ids[3]]
    assert wanted.flag in ("", *FLAGS)


def test_a_row_that_was_set_aside_is_found_too(tmp_path: Path, open_page: Open) -> None:
    row = {"campaign": "demo", "round": 0, "attempt": 0, "source": "", "expectation": "texts differ", "detail": "same"}
    aside = [{"pair_id": "feed", "position": 61, "row": "{}", **row}, {"pair_id": "", "position": 62, "row": "", **row}]
    ids = published(tmp_path, quarantine=aside)
    with open_snapshot(tmp_path / "demo" / "author") as store:
        assert find(store, Wanted()).to_pylist() == [*ids, "feed"]
    assert "texts differ" in html(open_page("pairs", pair="feed"))


def test_the_list_is_filtered_and_a_pair_is_opened_from_it(tmp_path: Path, open_page: Open) -> None:
    ids = published(tmp_path)
    at = open_page("pairs")
    assert at.caption[0].value == "60 pairs" and len(at.dataframe[0].value) == 25
    checked(at.selectbox(key="pairs decision").select("held").run())
    assert at.caption[0].value == "12 pairs" and set(at.dataframe[0].value["decision"]) == {"held"}
    at.query_params["pair"] = ids[9]
    checked(at.run())
    shown = html(at)
    assert "2 of 12" in [one.value for one in at.caption]
    for part in ("I looked into", '<mark style="', "brilliant matter 9!", "because of the request", "unsure", "2.50"):
        assert part in shown
    next_one = next(button for button in at.button if button.label == "Next")
    checked(next_one.click().run())
    assert at.query_params["pair"] in (ids[14], [ids[14]]) and "3 of 12" in [one.value for one in at.caption]
    checked(next(button for button in at.button if button.label == "All of them").click().run())
    assert at.caption[0].value == "12 pairs"  # the filter is as it was


def test_a_pair_that_is_not_there(tmp_path: Path, open_page: Open) -> None:
    published(tmp_path)
    at = open_page("pairs", pair="<script>")
    assert "No pair has this id" in at.info[0].value and "plumbline trace" in at.code[0].value


@pytest.mark.parametrize("page", ["pairs", "review"])
def test_before_the_first_round_is_done_a_page_says_so(page: str, tmp_path: Path, open_page: Open) -> None:
    about = {"campaign": "demo", "round": None, "planned": 2, "over": False}
    publish_snapshot(tmp_path / "demo" / "author", {"pairs": tables(1).pairs.slice(0, 0)}, about)
    assert "first round" in open_page(page).info[0].value


def test_a_person_judges_blind_and_then_sees_what_the_models_said(tmp_path: Path, open_page: Open) -> None:
    ids = published(tmp_path)
    at = open_page("review")
    assert "Say who you are" in at.info[0].value and "matter" not in html(at)
    checked(at.text_input[0].set_value("Ada").run())
    shown = html(at)
    hash_order = sorted((each for place, each in enumerate(ids) if place % 5 == 4), key=_hashed)
    at_first = ids.index(hash_order[0])
    assert f"brilliant matter {at_first}!" in shown and "12 wait for you" in at.caption[0].value
    for told in ("because of the request", "<mark", "FLAG", "2.50", "unsure", "reviewer", "e" * 12):
        assert told not in shown
    at.radio[0].set_value("unjustified")
    at.multiselect[0].select(TRAITS[4])
    at.text_input[1].set_value("it *wants* <b>more</b>")
    checked(at.button[0].click().run())
    (message,) = waiting(tmp_path / "demo", "verdict")
    row = next(one for one in tables(COUNT).pairs.to_pylist() if one["pair_id"] == hash_order[0])
    assert message.who == "Ada" and message.said == {
        "pair_id": hash_order[0],
        "verdict": "unjustified",
        "traits": [TRAITS[4]],
        "note": "it *wants* <b>more</b>",
        "shown": content_hash([row["prompt"], row["chosen"], row["rejected"]]),
    }
    shown = html(at)
    for told in ("because of the request", "<mark", "FLAG", "Ada", "waiting to be taken into the record", "&lt;b&gt;"):
        assert told in shown
    checked(next(button for button in at.button if button.label == "Next pair").click().run())
    assert f"brilliant matter {ids.index(hash_order[1])}!" in html(at) and "11 wait for you" in at.caption[0].value


def test_a_verdict_without_a_word_is_not_sent(tmp_path: Path, open_page: Open) -> None:
    published(tmp_path)
    at = checked(open_page("review").text_input[0].set_value("Ada").run())
    checked(at.button[0].click().run())
    assert at.warning[0].value == "Choose a verdict first." and not waiting(tmp_path / "demo", "verdict")


def test_the_queue_leaves_out_what_one_has_judged_and_puts_last_what_others_have(
    tmp_path: Path, open_page: Open
) -> None:
    held = sorted((each for place, each in enumerate(published(tmp_path)) if place % 5 == 4), key=_hashed)
    said = {"campaign": "demo", "number": 1, "round": 0, "given": 1, "verdict": "unsure", "traits": "[]"}
    said |= {"note": "", "shown": ""}
    verdicts = [{**said, "pair_id": held[0], "who": "Bob"}, {**said, "pair_id": held[1], "who": "Ada"}]
    published(tmp_path, person_verdicts=verdicts)
    put(tmp_path / "demo", "verdict", "Ada", {"pair_id": held[2], "verdict": "unsure"})
    at = checked(open_page("review").text_input[0].set_value("Ada").run())
    assert "10 wait for you · 1 of your verdicts wait" in at.caption[0].value
    from dashboard.review_page import UNSURE, queued

    assert queued("demo", "Ada", UNSURE) == [*held[3:], held[0]]


def test_how_far_judges_agree(tmp_path: Path, open_page: Open) -> None:
    ids = published(tmp_path)
    reviewed = [each for place, each in enumerate(ids) if place % 5 in (2, 3)][:20]  # justified, unjustified in turn
    said = [
        {
            "campaign": "demo",
            "pair_id": each,
            "number": 1,
            "round": 0,
            "who": "Ada",
            "given": 1,
            "note": "",
            "shown": "",
        }
        | {"traits": "[]", "verdict": "justified" if place % 4 == 0 else "unjustified"}
        for place, each in enumerate(reviewed)
    ]
    published(tmp_path, person_verdicts=said)
    row = open_page("review").dataframe[0].value.to_dict("records")[0]
    # both say "unjustified" of 10 and "justified" of 5; chance agrees on a half: κ = (.75 - .5) / .5
    assert (row["and"], row["pairs"], row["agree on"], row["Cohen's κ"]) == ("Ada", 20, "75.0%", "0.50")


def test_gold_questions_are_answered_on_the_auditors_page(tmp_path: Path, open_page: Open) -> None:
    published(tmp_path)
    heldout = tmp_path / "demo" / "heldout"
    assert "plumbline gold demo" in open_page("gold").code[0].value
    gold = PersonGold(heldout, TRAITS, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    cases = [Case("p0", "asked <b>", "answered"), Case("p1", "asked", "answered")]
    for turn in (1, 2):
        with pytest.raises(KeyboardInterrupt):
            gold.review(cases[:turn], turn)
    answer(heldout, next(q for q in open_questions(heldout) if q[:2] == ("p0", 1)), "clean", [], "", "Ada")
    at = checked(open_page("gold").text_input[0].set_value("Ada").run())
    (question,) = open_questions(heldout, "Ada")  # what confirms her own answer is not for her
    assert question[:2] == ("p1", 2) and "Questions that wait: 1" in at.caption[0].value
    at.radio[0].set_value("unjustified")
    checked(at.button[0].click().run())
    assert answered(heldout, "p1", 2) is None and "cannot be" in "".join(one.value for one in at.text)
    at.multiselect[0].select(TRAITS[0])
    checked(at.button[0].click().run())
    assert "No gold question waits" in at.info[0].value
    told = answered(heldout, "p1", 2)
    assert told is not None and (told.verdict, told.traits, told.who) == ("unjustified", (TRAITS[0],), "Ada")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    return publish(tmp_path_factory.mktemp("hostile"))


def test_ten_thousand_hostile_strings_break_no_page(hostile: Snapshot, open_page: Open) -> None:
    at = open_page("pairs", hostile.home)
    assert at.caption[0].value == f"{len(hostile.pairs)} pairs"
    for pair in hostile.pairs:
        at.query_params["pair"] = pair
        shown = html(checked(at.run()))
        assert "<script" not in shown and "<img" not in shown and "\ud800" not in shown
        shown.encode()
        for label in [one.label for one in [*at.button, *at.selectbox]]:
            assert "<" not in label and "$" not in label
    assert "1,000,000 characters are shown" in shown or "of 1,000,000 characters" in shown
    at = open_page("review", hostile.home)
    checked(at.text_input[0].set_value("<script>alert(1)</script>").run())
    assert json.dumps(html(at)).count("<script") == 0


def _hashed(pair_id: str) -> str:
    import hashlib

    return hashlib.md5(f"review {pair_id}".encode()).hexdigest()
