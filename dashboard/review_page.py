"""The queue for people: pairs the reviewer was unsure about, one by one, blind to what any model said of them until the
person has spoken.

Reads: the author's snapshot, verdicts in the inbox. Writes: verdicts into the campaign's inbox. Must not know: the
held-out side, what becomes of a verdict.
"""

import streamlit as st

from dashboard.data import begun, chosen, folder, has, store
from dashboard.highlight import STYLE
from dashboard.one_pair import Pair, pair
from dashboard.pair_view import FLAGGED, choose_whole, persons, show_outcome, show_texts
from dashboard.reviewing import Given, ask_name, ask_verdict
from dashboard.search import choices
from dashboard.style import empty, percent
from warehouse.hashing import content_hash
from warehouse.inbox import put, waiting
from warehouse.reviews import agreement

UNSURE, JUDGED = "the reviewer was unsure", "the reviewer judged"
QUEUES = {
    UNSURE: "SELECT pair_id FROM decisions WHERE decision = 'held'",
    JUDGED: "SELECT pair_id FROM verdicts WHERE verdict <> 'unsure'",
}
SAID = ("justified", "unjustified", "unsure")
HELP = (
    "justified: whatever moves the chosen text, the request calls for it. unjustified: it serves something else. "
    "unsure: the pair stays held."
)
GIVEN, PASSED = "review given", "review passed"


def show() -> None:
    campaign = chosen()
    st.title("Review")
    st.html(STYLE)
    if not begun(campaign):
        empty("The first round is at work; what its reviewer is unsure about comes here.")
        return
    left, right = st.columns([1, 2])
    with left:
        who = ask_name()
    queue = right.segmented_control("Pairs that", list(QUEUES), default=UNSURE, required=True, key="review queue")
    if given := st.session_state.get(GIVEN):
        _after(campaign, given)
    elif who:
        _ask(campaign, who, queue)
    else:
        st.info("Say who you are; the first pair follows.")
    _agreement(campaign)


def queued(campaign: str, who: str, queue: str) -> list[str]:
    """The pairs that wait for `who`: none they have judged, in the record or in the inbox; what others have judged
    comes last. Within that the order is that of a hash of the id, which says nothing of any reading."""
    judged, mine = "SELECT NULL WHERE false", set[str]()
    if has(campaign, "person_verdicts"):
        judged = "SELECT pair_id FROM person_verdicts"
        rows = store(campaign).query("SELECT DISTINCT pair_id FROM person_verdicts WHERE who = ?", who)
        mine = set(rows["pair_id"].to_pylist())
    sql = f"{QUEUES[queue]} ORDER BY pair_id IN ({judged}), md5('review ' || pair_id)"
    mine |= {str(one.said.get("pair_id")) for one in waiting(folder(campaign), "verdict") if one.who == who}
    return [each for each in store(campaign).query(sql)["pair_id"].to_pylist() if each not in mine]


def _ask(campaign: str, who: str, queue: str) -> None:
    passed = st.session_state.setdefault(PASSED, set())
    ids = [each for each in queued(campaign, who, queue) if each not in passed]
    kept = sum(one.who == who for one in waiting(folder(campaign), "verdict"))
    wait = f" · {kept} of your verdicts wait to be taken into the record" if kept else ""
    if not ids:
        empty(f"Nothing waits for you here{wait}. The next round may bring more; to run one, type:", "plumbline run")
        return
    found = pair(campaign, ids[0])
    if found is None:
        passed.add(ids[0])
        st.rerun()
        return
    st.caption(f"{len(ids):,} wait for you{wait} · what the models said is shown once you have spoken")
    show_texts(found, whole=choose_whole(found))
    given = ask_verdict(found.pair_id, SAID, HELP, choices(campaign)["traits"])
    if st.button("Leave it for later", type="tertiary"):
        passed.add(found.pair_id)
        st.rerun()
    if given:
        _put(campaign, who, found, given)
        st.session_state[GIVEN] = found.pair_id
        st.rerun()


def _put(campaign: str, who: str, found: Pair, given: Given) -> None:
    shown = content_hash([found.prompt, found.chosen.turns, found.rejected.turns])
    said = {"pair_id": found.pair_id, "verdict": given.verdict, "traits": given.traits, "note": given.note}
    put(folder(campaign), "verdict", who, {**said, "shown": shown})


def _after(campaign: str, pair_id: str) -> None:
    """The person has spoken: now what the models said, beside it."""
    if st.button("Next pair", type="primary", shortcut="Right", icon=":material/arrow_forward:"):
        del st.session_state[GIVEN]
        st.rerun()
    if found := pair(campaign, pair_id):
        st.html(f'<div class="facts">{persons(found)}</div>')
        show_texts(found, FLAGGED, choose_whole(found))
        show_outcome(found)


def _agreement(campaign: str) -> None:
    st.subheader("How far judges agree")
    found = agreement(store(campaign), campaign) if has(campaign, "person_verdicts") else []
    if not found:
        st.caption("No pair in the record has two judges yet; verdicts are taken into it after each round.")
        return
    rows = [
        {
            "judge": each.one,
            "and": each.other,
            "pairs": each.pairs,
            "agree on": percent(each.share),
            "Cohen's κ": "–" if each.kappa is None else f"{each.kappa:.2f}",
        }
        for each in found
    ]
    st.dataframe(rows, hide_index=True, width="content")
    st.caption("κ is 0 where they agree as often as chance would have it, and 1 where always.")
