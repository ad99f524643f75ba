"""What the queues for people share: who reviews, the form of a verdict, and how often judges agree.

Reads: verdicts in the author's snapshot. Writes: nothing. Must not know: which queue it serves.
"""

from collections.abc import Sequence
from typing import NamedTuple

import streamlit as st

from dashboard.data import has, store


class Given(NamedTuple):
    """What a person says of a text; `traits` are the motives they see in it."""

    verdict: str
    traits: list[str]
    note: str


class Agreement(NamedTuple):
    """Two judges of the same pairs. `kappa` is Cohen's, None where chance alone already agrees always."""

    one: str
    other: str
    pairs: int
    share: float
    kappa: float | None


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


def agreements(campaign: str) -> list[Agreement]:
    """Every two judges that share a pair, most pairs first; a person counts with their latest verdict on it."""
    if not has(campaign, "person_verdicts"):
        return []
    rows = store(campaign).query("SELECT one, other, one_said, other_said, pairs FROM v_agreement").to_pylist()
    by_two: dict[tuple[str, str], dict[tuple[str, str], int]] = {}
    for row in rows:
        by_two.setdefault((row["one"], row["other"]), {})[row["one_said"], row["other_said"]] = row["pairs"]
    found = [Agreement(*two, sum(counts.values()), *_agreed(counts)) for two, counts in by_two.items()]
    return sorted(found, key=lambda each: (-each.pairs, each.one, each.other))


def _agreed(counts: dict[tuple[str, str], int]) -> tuple[float, float | None]:
    """The share agreed on, and Cohen's κ = (share − chance) / (1 − chance) (Cohen 1960)."""
    pairs = sum(counts.values())
    share = sum(number for (one, other), number in counts.items() if one == other) / pairs
    words = {word for two in counts for word in two}
    chance = sum(
        sum(number for (one, _), number in counts.items() if one == word)
        * sum(number for (_, other), number in counts.items() if other == word)
        for word in words
    ) / (pairs * pairs)
    return share, None if chance == 1 else (share - chance) / (1 - chance)
