"""A person's word on a constitution: approve or reject what waits, or go back to an earlier version.

Reads: who has opened the auditor's view, and the inbox. Writes: messages in the inbox, which the campaign takes in when
it comes to them. Must not know: what held-out figures say, or how versions are shown.
"""

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from dashboard.plain import cut, plain
from dashboard.style import escaped, short, when
from warehouse.errors import PlumblineError
from warehouse.inbox import waiting
from warehouse.people import may_steer, say_approval, say_revert

WHO = "who"
"""Where the session keeps the name of whoever said something last."""


def answer(campaign: Path, constitution: str) -> None:
    """Approve or reject the proposal `constitution` (its hash), under a name and with a note."""
    with st.form(f"answer-{constitution}", border=False):
        who, note = _person()
        yes, no, _ = st.columns([1, 1, 3])
        approve = yes.form_submit_button("Approve", icon=":material/check:", type="primary", width="stretch")
        reject = no.form_submit_button("Reject", icon=":material/close:", width="stretch")
    if approve or reject:
        _send(campaign, who, lambda: say_approval(campaign, who, constitution, approve, note))


def go_back(campaign: Path, constitution: str, label: str) -> None:
    """A button that asks for a name and a note, and sends the campaign back to that version (its hash)."""
    with st.popover("Go back to this version", icon=":material/undo:"), st.form(f"back-{constitution}", border=False):
        st.text(f"From its next round on the campaign goes on from {label}. What later versions wrote stays written.")
        who, note = _person()
        said = st.form_submit_button("Go back", icon=":material/undo:", type="primary")
    if said:
        _send(campaign, who, lambda: say_revert(campaign, who, constitution, note))


def messages(campaign: Path, names: dict[str, str]) -> None:
    """What people have said and the campaign has not taken in yet; `names`: what a version is called, by hash."""
    lines = []
    for kind in ("approval", "revert"):
        for one in waiting(campaign, kind):
            version = names.get(str(one.said.get("constitution")), short(str(one.said.get("constitution"))))
            verb = "goes back to" if kind == "revert" else "approves" if one.said.get("approve") else "rejects"
            note = f": {cut(str(one.said['note']), 500)}" if one.said.get("note") else ""
            lines.append(f"{escaped(cut(one.who, 80))} {verb} {escaped(version)}{escaped(note)} ({when(one.given)})")
    if lines:
        items = "".join(f"<li>{line}</li>" for line in lines)
        st.html(
            '<div class="plumbline-wait"><b>Said, and not taken in yet</b>; the campaign reads it when it comes to its '
            f"next round, or where it waits now.<ul>{items}</ul></div>"
        )


def _person() -> tuple[str, str]:
    left, right = st.columns([1, 2])
    who = left.text_input("Your name", value=st.session_state.get(WHO, ""), max_chars=80).strip()
    return who, right.text_input("Note, kept in the record", max_chars=2000).strip()


def _send(campaign: Path, who: str, said: Callable[[], object]) -> None:
    """Say it, unless whoever it is may not steer: then nothing is written."""
    try:
        may_steer(campaign, who)
        said()
    except PlumblineError as error:
        st.error(plain(str(error)), icon=":material/block:")
        return
    st.session_state[WHO] = who
    st.rerun()
