"""Where the dashboard's figures come from: the newest author's snapshot of a campaign, asked in SQL.

Reads: `<home>/<campaign>/author/`. Writes: nothing. Must not know: the live database, the held-out side.
"""

from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from warehouse.snapshot import POINTER, about_snapshot, open_snapshot
from warehouse.store import Store, home


def campaigns() -> list[str]:
    """Those that have a snapshot, the one written last first."""
    pointers = home().glob(f"*/author/{POINTER}")
    return [file.parent.parent.name for file in sorted(pointers, key=lambda file: -file.stat().st_mtime)]


def folder(campaign: str) -> Path:
    return home() / campaign


def about(campaign: str) -> dict[str, Any]:
    """`campaign`, `round`, `planned`, `over` and the snapshot's `version`."""
    return about_snapshot(folder(campaign) / "author")


def store(campaign: str) -> Store:
    """The newest snapshot; opened once for each version."""
    return _opened(campaign, str(about(campaign)["version"]))


@st.cache_resource(max_entries=8, show_spinner=False)
def _opened(campaign: str, version: str) -> Store:
    return open_snapshot(folder(campaign) / "author")


def frame(campaign: str, sql: str, *params: Any) -> pd.DataFrame:
    return store(campaign).query(sql, *params).to_pandas()
