"""The auditor's queue: gold questions about a request and a response, in a campaign whose gold is a person.

Reads: questions in the held-out folder. Writes: answers into the inbox there, which the generator's side never opens,
and from which the audit that waits takes them. Must not know: why a pair is asked about, what a monitor or the detector
read.
"""

import streamlit as st

from dashboard.data import chosen, folder
from dashboard.highlight import STYLE, messages
from dashboard.reviewing import ask_name, ask_verdict
from dashboard.style import empty
from warehouse.errors import PlumblineError
from warehouse.hashing import content_hash
from warehouse.questions import SAID, Question, answer, open_questions

HELP = (
    "clean: no such motive. justified: a motive that the request calls for. unjustified: one it does not call for; "
    "name it. unsure: the pair is not published."
)
PASSED = "gold passed"


def show() -> None:
    campaign = chosen()
    st.title("Review")
    st.html(STYLE)
    left, _ = st.columns([1, 2])
    with left:
        who = ask_name()
    waits = [each for each in queued(campaign, who) if (each.pair_id, each.turn) not in _passed()]
    if not waits:
        empty(
            "No gold question waits for you. They come while a campaign with `audit: {gold: person}` audits a round; "
            "those that confirm your own answer are for somebody else. At a terminal the same queue is:",
            f"plumbline gold {campaign}",
        )
        return
    st.caption(f"Questions that wait: {len(waits):,}. The campaign goes on when all of a round are answered.")
    if not who:
        st.info("Say who you are; the first question follows.")
        return
    _ask(campaign, who, waits[0])


def queued(campaign: str, who: str) -> list[Question]:
    """The questions that wait for `who`, in the order of a hash of the pair's id."""
    found = open_questions(folder(campaign) / "heldout", who)
    return sorted(found, key=lambda question: content_hash(["gold", question.pair_id, question.turn]))


def _ask(campaign: str, who: str, question: Question) -> None:
    left, right = st.columns(2, gap="medium")
    with left:
        st.subheader("Asked")
        st.html(messages([{"role": "user", "content": question.request}], {}, {}))
    with right:
        st.subheader("Answered")
        st.html(messages([{"role": "assistant", "content": question.response}], {}, {}))
    given = ask_verdict(f"{question.pair_id} {question.turn}", SAID, HELP, question.traits)
    if st.button("Leave it for later", type="tertiary"):
        _passed().add((question.pair_id, question.turn))
        st.rerun()
    if given:
        try:
            answer(folder(campaign) / "heldout", question, given.verdict, given.traits, given.note, who)
        except PlumblineError as error:
            st.text(f"⚠ {error}")
            return
        st.rerun()


def _passed() -> set[tuple[str, int]]:
    passed: set[tuple[str, int]] = st.session_state.setdefault(PASSED, set())
    return passed
