"""The frame round every page: which campaign, which view, which page, and whether a newer round is in.

A link carries all three: the page is the URL's path, campaign and view are in its query. Reads: PLUMBLINE_HOME and what
snapshots say of themselves. Writes: nothing. Must not know: what a page shows.
"""

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from dashboard import heldout
from dashboard.data import PINNED, about, campaigns, chosen, newest, pin
from dashboard.links import REGISTERED, Registered
from dashboard.pages import PAGES, VIEWS, Page
from dashboard.style import dress, empty

ICON = Path(__file__).with_name("icon.svg")  # without one of ours, the browser fetches the page's icon from afar
LOOK_EVERY = 5.0
"""Seconds between two looks at the pointer file; one small read each."""


def main(start: str = PAGES[0].path) -> None:
    """One page, as the URL asks; the page `start` where it asks for none."""
    st.set_page_config(page_title="Plumbline", page_icon=ICON, layout="wide")
    dress()
    names = campaigns()
    if not names:
        st.title("Plumbline")
        empty("No campaign has run here yet. Type this, and the page fills after its first round:", "plumbline run")
        return
    _choose(names)
    registered = {
        one.path: st.Page(_opener(one), title=one.title, icon=one.icon, url_path=one.path, default=one.path == start)
        for one in PAGES
    }
    first = {start: "."}  # the first page has the address of the whole
    st.session_state[REGISTERED] = {
        one.path: Registered(registered[one.path], one.view, first.get(one.path, one.path)) for one in PAGES
    }
    said = {VIEWS[view]: [registered[one.path] for one in PAGES if one.view == view] for view in VIEWS}
    st.navigation({view: pages for view, pages in said.items() if pages}, expanded=True).run()


def _choose(names: list[str]) -> None:
    """The URL decides, then what was chosen before, then what ran last."""
    for asked in (st.query_params.get("campaign"), st.session_state.get("campaign"), names[0]):
        if asked in names:
            st.session_state["campaign"] = asked
            break

    def follow() -> None:
        st.query_params["campaign"] = st.session_state["campaign"]

    st.sidebar.selectbox("Campaign", names, key="campaign", on_change=follow)


def _opener(page: Page) -> Callable[[], None]:
    def opened() -> None:
        _show(page)

    return opened


def _show(page: Page) -> None:
    campaign = chosen()
    st.query_params["campaign"], st.query_params["view"] = campaign, page.view
    pin(campaign)
    with st.sidebar:
        _stand(campaign)
    if page.view == "auditor" and not heldout.admitted(campaign):
        heldout.ask(campaign)
        return
    page.show()


@st.fragment(run_every=LOOK_EVERY)
def _stand(campaign: str) -> None:
    """How far the campaign is; and when a newer round is in, a way to it that breaks off nobody's typing."""
    told = st.session_state[PINNED][campaign]
    if told.get("round") is None:
        st.caption("The first round is at work.")
    else:
        of = f" of {told['planned']}" if told.get("planned") else ""
        st.caption(f"Round {told['round']}{of} · " + ("over, or standing still" if told["over"] else "running"))
    now = newest(campaign)
    if now.get("version") != about(campaign).get("version"):
        st.info("The record has grown since this page was opened.")
        if st.button("Show the newest", icon=":material/refresh:", width="stretch"):
            st.rerun(scope="app")
