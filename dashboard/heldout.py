"""The auditor's snapshot, and who may see it: looking at a campaign that is not over is recorded before anything shows.

Reads: `<home>/<campaign>/auditor/`. Writes: `<campaign>/auditor/unblinded/`, through `warehouse.blinding`. Must not be
imported by a page of the author's view. Must not know: what a page shows.
"""

from typing import Any

import duckdb
import pandas as pd
import streamlit as st

from dashboard.data import about as author_about
from dashboard.data import folder
from warehouse.blinding import unblind
from warehouse.errors import PlumblineError
from warehouse.snapshot import about_snapshot, open_snapshot
from warehouse.store import Store

LOOKED = "looked"
COST = (
    "This campaign is not over. Its held-out figures would tell you which changes help it past the audit, so whoever "
    "sees them **may no longer approve or revert amendments in this campaign**, nor resume it in mode "
    "`update`. Your name, the time, the round and your reason go into the held-out record and stay there."
)


def admitted(campaign: str) -> bool:
    """Whether this visitor may see the held-out figures: the campaign is over, or they have said who they are."""
    return bool(author_about(campaign).get("over")) or campaign in st.session_state.get(LOOKED, {})


def ask(campaign: str) -> None:
    """The form before the auditor's view of a campaign that is not over; nothing shows before a name is on record."""
    st.title("The auditor's view is closed while the campaign runs")
    st.warning(COST, icon=":material/visibility:")
    with st.form("unblind"):
        who = st.text_input("Your name")
        reason = st.text_input("Why you look")
        if st.form_submit_button("Record my name and show the figures", type="primary"):
            number = author_about(campaign).get("round")
            try:
                if not reason.strip():
                    raise PlumblineError("say why you look; the record keeps the reason")
                unblind(folder(campaign), who, -1 if number is None else number, "the auditor's view", reason.strip())
            except PlumblineError as error:
                st.error(str(error).replace("with --who", "above"))
                return
            st.session_state[LOOKED] = {**st.session_state.get(LOOKED, {}), campaign: who.strip()}
            st.rerun()
    st.caption("Or wait: once the campaign is over, everybody may look, and nothing is recorded.")


def about(campaign: str) -> dict[str, Any]:
    """`campaign`, `round` and the snapshot's `version`; empty where nothing was audited."""
    return about_snapshot(folder(campaign) / "auditor")


def frame(campaign: str, version: str, sql: str) -> pd.DataFrame:
    """The rows of one SELECT over the auditor's snapshot; none where it has no such table.

    Raises PlumblineError for whoever may not see it.
    """
    if not admitted(campaign):
        raise PlumblineError(f"{campaign} is not over; open the auditor's view through its form")
    try:
        return _opened(campaign, version).query(sql).to_pandas()
    except duckdb.CatalogException:
        return pd.DataFrame()


@st.cache_resource(max_entries=8, show_spinner=False)
def _opened(campaign: str, version: str) -> Store:
    return open_snapshot(folder(campaign) / "auditor", version=version)
