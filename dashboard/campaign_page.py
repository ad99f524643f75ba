"""The campaign round by round, as its author may see it.

Reads: the author's snapshot. Writes: nothing. Must not know: the held-out side.
"""

import streamlit as st

from dashboard.data import about, chosen, frame


def show() -> None:
    campaign = chosen()
    st.title(campaign)
    told = about(campaign)
    if told.get("round") is None:
        st.info("The first round is at work; this page fills when it is done.")
        return
    rounds = frame(campaign, "SELECT round, mode, summary ->> '$.flag_rate' AS flagged FROM rounds ORDER BY round")
    st.dataframe(rounds, hide_index=True)
