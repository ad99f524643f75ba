"""Where the dashboard's figures come from: one version of a campaign's snapshot for a whole page, asked in SQL.

The frame pins the newest version before a page runs, so that no page shows half of one round and half of the next.
Reads: `<home>/<campaign>/author/`. Writes: nothing. Must not know: the live database, the held-out side.
"""

from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from warehouse.snapshot import POINTER, about_snapshot, open_snapshot
from warehouse.store import Store, home

PINNED = "pinned"


def campaigns() -> list[str]:
    """Those that have a snapshot, the one written last first."""
    pointers = home().glob(f"*/author/{POINTER}")
    return [file.parent.parent.name for file in sorted(pointers, key=lambda file: -file.stat().st_mtime)]


def chosen() -> str:
    """The campaign this page shows."""
    return str(st.session_state["campaign"])


def folder(campaign: str) -> Path:
    return home() / campaign


def newest(campaign: str) -> dict[str, Any]:
    """What the snapshot written last says of itself, whichever this page shows."""
    return about_snapshot(folder(campaign) / "author")


def pin(campaign: str) -> None:
    """From now on, and until the page runs again, everything is read from the snapshot that is newest now."""
    st.session_state[PINNED] = {campaign: newest(campaign)}


def about(campaign: str) -> dict[str, Any]:
    """`campaign`, `round`, `planned`, `over` and the snapshot's `version`."""
    return dict(st.session_state.get(PINNED, {}).get(campaign) or newest(campaign))


def store(campaign: str) -> Store:
    """The snapshot this page shows; opened once for each version, whoever looks."""
    version = str(about(campaign)["version"])
    if not (folder(campaign) / "author" / version).is_dir():
        st.rerun()  # only two versions are kept, and this page was left open for longer
    return _opened(campaign, version)


def frame(campaign: str, sql: str, *params: Any) -> pd.DataFrame:
    """The rows of one SELECT; remembered for as long as the snapshot is shown.."""
    store(campaign)
    return _asked(campaign, str(about(campaign)["version"]), sql, params)


def begun(campaign: str) -> bool:
    """Whether the first round has left something to show: it is finished, or waits for a person."""
    told = about(campaign)
    return told.get("round") is not None or (bool(told) and not frame(campaign, "SELECT 1 FROM pairs LIMIT 1").empty)


def has(campaign: str, table: str) -> bool:
    """Whether the snapshot has that table: one written by an older version may not."""
    return (folder(campaign) / "author" / str(about(campaign)["version"]) / f"{table}.parquet").is_file()


@st.cache_resource(max_entries=8, show_spinner=False)
def _opened(campaign: str, version: str) -> Store:
    return open_snapshot(folder(campaign) / "author", version=version)


@st.cache_data(max_entries=200, show_spinner=False)
def _asked(campaign: str, version: str, sql: str, params: tuple[Any, ...]) -> pd.DataFrame:
    return _opened(campaign, version).query(sql, *params).to_pandas()
