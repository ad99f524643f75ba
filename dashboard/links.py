"""Ways from one page to another: the same campaign, another page, and what it should show there.

Reads: which pages the frame has registered. Writes: nothing. Must not know: what a page shows.
"""

from typing import Any, NamedTuple
from urllib.parse import urlencode

import streamlit as st

from dashboard.data import chosen

REGISTERED = "registered"


class Registered(NamedTuple):
    """A page as the frame has it: Streamlit's own object, whose view it is in, and its address."""

    page: Any
    view: str
    address: str


def link(path: str, label: str, icon: str | None = None, **shown: str) -> None:
    """A link to the page `path`, with what it should show in the query (`pair=…`, `constitution=…`, `node=…`).

    Where there is no such page, the label stands as text.
    """
    there = _there(path)
    if there is None:
        st.markdown(label)
        return
    st.page_link(there.page, label=label, icon=icon, query_params={**_query(path), **shown})


def address(path: str, **shown: str) -> str:
    """The same as an address to send, or for a column of links in a table; relative to the dashboard's own."""
    there = _there(path)
    return f"{there.address if there else path}?{urlencode({**_query(path), **shown})}"


def asked(name: str) -> str | None:
    """What the URL says this page should show."""
    return st.query_params.get(name)


def _there(path: str) -> Registered | None:
    found: Registered | None = st.session_state.get(REGISTERED, {}).get(path)
    return found


def _query(path: str) -> dict[str, str]:
    there = _there(path)
    return {"campaign": chosen(), "view": there.view if there else "author"}
