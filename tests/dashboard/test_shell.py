"""The frame: what the URL says, what stays shut, what is shown of a campaign that has nothing yet."""

import ast
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from shown_campaign import show_campaign
from streamlit.testing.v1 import AppTest

import dashboard
from dashboard.pages import PAGES
from flows.author_snapshot import show_author
from flows.dashboard import LOOKS, QUIET
from warehouse.blinding import unblinded
from warehouse.store import Store

OWN = Path(dashboard.__file__).parent
OpenPage = Callable[..., AppTest]
LEFT_OPEN = """
import streamlit as st
from dashboard import data, shell
st.session_state["campaign"] = "shown"
if data.PINNED not in st.session_state:
    data.pin("shown")
shell._stand("shown")
st.dataframe(data.frame("shown", "SELECT round FROM rounds"))
"""
"""What is left of a page while nobody touches it: it stays with the snapshot it began with."""
AUTHORS = [page.path for page in PAGES if page.view == "author"]
AUDITORS = [page.path for page in PAGES if page.view == "auditor"]


@pytest.mark.parametrize("path", [page.path for page in PAGES])
@pytest.mark.parametrize("campaign", ["shown", "probed", "told"])
def test_every_page_shows_every_campaign(open_page: OpenPage, path: str, campaign: str) -> None:
    page = open_page(path, campaign=campaign)
    assert not page.exception
    assert page.title
    view = "author" if path in AUTHORS else "auditor"
    assert page.query_params["campaign"] == campaign
    assert page.query_params["view"] == view


@pytest.mark.parametrize("path", [page.path for page in PAGES])
def test_where_nothing_has_run_it_says_what_to_type(open_page: OpenPage, tmp_path: Path, path: str) -> None:
    page = open_page(path, home=tmp_path)
    assert not page.exception
    assert page.code[0].value == "plumbline run"


@pytest.mark.parametrize("path", AUTHORS)
def test_before_the_first_round_is_done_a_page_says_so(open_page: OpenPage, tmp_path: Path, path: str) -> None:
    with Store.open(tmp_path / "new" / "generator" / "warehouse.duckdb") as store:
        show_author(store, tmp_path / "new", over=False)
    page = open_page(path, home=tmp_path)
    assert not page.exception
    assert page.info or page.caption


def test_a_campaign_that_is_not_there_is_not_asked_for(open_page: OpenPage) -> None:
    page = open_page("campaign", campaign="../../etc")
    assert not page.exception
    assert page.query_params["campaign"] in ("shown", "running", "probed", "told")


def test_choosing_another_campaign_moves_the_page(open_page: OpenPage) -> None:
    page = open_page("campaign", campaign="shown")
    page.sidebar.selectbox[0].set_value("running").run()
    assert page.query_params["campaign"] == "running"
    assert page.title[0].value == "running"


@pytest.mark.parametrize("path", AUTHORS)
def test_the_authors_view_needs_nothing_of_the_auditors(
    open_page: OpenPage, shown: Path, tmp_path: Path, path: str
) -> None:
    """Without the auditor's and the held-out folder it shows the same."""
    shutil.copytree(shown / "shown", tmp_path / "shown")
    shutil.rmtree(tmp_path / "shown" / "auditor")
    here, there = open_page(path, campaign="shown"), open_page(path, home=tmp_path, campaign="shown")
    assert [one.value for one in here.markdown] == [one.value for one in there.markdown]
    assert [one.value.to_dict() for one in here.dataframe] == [one.value.to_dict() for one in there.dataframe]


def test_no_page_of_the_author_imports_the_held_out_side() -> None:
    """What the auditor's pages may open is reached by their modules alone, and by the frame's form."""
    may = {
        "heldout.py",
        "shell.py",
        *(f"{Path(page.show.__code__.co_filename).name}" for page in PAGES if page.path in AUDITORS),
    }
    for file in OWN.glob("*.py"):
        names = {
            f"{node.module}.{alias.name}"
            for node in ast.walk(ast.parse(file.read_text()))
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }
        assert file.name in may or not any("heldout" in name for name in names), file.name


@pytest.mark.parametrize("path", AUDITORS)
def test_looking_at_a_running_campaign_is_on_record_before_anything_shows(
    open_page: OpenPage, shown: Path, tmp_path: Path, path: str
) -> None:
    shutil.copytree(shown / "running", tmp_path / "running")
    page = open_page(path, home=tmp_path)
    assert "may no longer approve or revert" in page.warning[0].value
    assert not page.dataframe
    for who, reason in (("", "curious"), ("Ada", " ")):
        page.text_input[0].set_value(who)
        page.text_input[1].set_value(reason)
        page.button[0].click().run()
        assert page.error
        assert not page.dataframe
        assert not unblinded(tmp_path / "running")
    page.text_input[0].set_value("Ada")
    page.text_input[1].set_value("the figures look odd")
    page.button[0].click().run()
    assert unblinded(tmp_path / "running") == {"Ada"}
    assert not page.exception
    assert page.title[0].value.startswith({"audit": "Audit", "gold": "Review"}[path])


def test_once_it_is_over_everybody_may_look_and_nothing_is_recorded(open_page: OpenPage, shown: Path) -> None:
    assert open_page("audit", campaign="shown").dataframe
    assert not unblinded(shown / "shown")


def test_a_newer_round_is_offered_and_not_mixed_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUMBLINE_HOME", str(tmp_path))
    show_campaign(tmp_path, rounds=2, over=False, alarm=False)
    page = AppTest.from_string(LEFT_OPEN, default_timeout=60).run()
    assert not page.info
    shutil.rmtree(tmp_path / "shown" / "generator")
    show_campaign(tmp_path, rounds=3, over=False, alarm=False)
    page.run()
    assert not page.exception
    assert page.info
    assert len(page.dataframe[0].value) == 2


def test_nothing_is_fetched_from_elsewhere() -> None:
    assert QUIET["browser.gatherUsageStats"] == "false"
    assert "theme.font" in LOOKS
    for file in OWN.rglob("*"):
        if file.suffix in (".py", ".svg", ".css"):
            urls = [word for word in file.read_text().split('"') if word.startswith("http")]
            assert all(
                url.startswith(("http://www.w3.org/2000/svg", "https://www.neuronpedia.org/")) for url in urls
            ), urls
