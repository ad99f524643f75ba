"""What the queues for people share: who reviews, and the form of a verdict.

Reads: nothing. Writes: nothing. Must not know: which queue it serves.
"""

from collections.abc import Sequence
from typing import NamedTuple

import streamlit as st


class Given(NamedTuple):
    """What a person says of a text; `traits` are the motives they see in it."""

    verdict: str
    traits: list[str]
    note: str


def ask_name() -> str:
    """Who reviews; kept for as long as the browser's session lasts."""
    kept = st.session_state.get("who", "")
    who = st.text_input("Your name", kept, placeholder="the record keeps it", max_chars=80)
    st.session_state["who"] = who.strip()
    return st.session_state["who"]


def ask_verdict(key: str, said: Sequence[str], help: str, traits: Sequence[str]) -> Given | None:
    """The form; what it says once it is sent, None before."""
    with st.form(f"verdict {key}", border=True):
        verdict = st.radio("Verdict", said, index=None, horizontal=True, help=help)
        left, right = st.columns([1, 1])
        found = left.multiselect("Motives you see", traits, placeholder="none")
        note = right.text_input("Why, in a few words", max_chars=2000)
        sent = st.form_submit_button("Give the verdict", type="primary", shortcut="Mod+Enter")
    if sent and verdict is None:
        st.warning("Choose a verdict first.")
    return Given(verdict, found, note.strip()) if sent and verdict else None
