"""The pairs: found by what was decided about them or by their words, and read one by one, ← → to the next.

Reads: the author's snapshot. Writes: nothing. Must not know: the held-out side, how a text is marked.
"""

import pyarrow as pa
import streamlit as st

from dashboard.data import begun, chosen, store
from dashboard.highlight import STYLE, visible
from dashboard.links import asked
from dashboard.one_pair import pair
from dashboard.pair_view import choose_marks, choose_whole, show_outcome, show_texts
from dashboard.search import FLAGS, NOT_REVIEWED, Wanted, choices, matching, place
from dashboard.style import CAPTIONS, empty, short

SHOWN = 25
LEFT, RIGHT = "Left", "Right"
FILTER = ("round", "decision", "verdict", "flag", "trait", "constitution", "words", "id")
ANY = "any"


def show() -> None:
    campaign = chosen()
    st.title("Pairs")
    st.html(STYLE)
    if not begun(campaign):
        empty("The first round is at work; its pairs are here when it is done.")
        return
    opened = asked("pair")
    wanted = _remembered() if opened else _filter(campaign)
    ids = matching(campaign, wanted)
    if opened:
        _one(campaign, opened, ids)
    else:
        _list(campaign, ids, wanted)


def _filter(campaign: str) -> Wanted:
    known = choices(campaign)
    named = {row["constitution"]: f"{row['name'] or 'unknown'} v{row['version']}" for row in known["constitutions"]}
    first = st.columns([1, 1.2, 1.2, 1.6, 1.6, 1.8])
    told = {
        "round": first[0].selectbox("Round", [None, *known["rounds"]], format_func=_any, key="pairs round"),
        "decision": first[1].selectbox("Decision", ["", *CAPTIONS], format_func=_caption, key="pairs decision"),
        "verdict": first[2].selectbox(
            "Verdict", ["", "justified", "unjustified", "unsure", NOT_REVIEWED], format_func=_any, key="pairs verdict"
        ),
        "flag": first[3].selectbox("Flag", ["", *FLAGS], format_func=_any, key="pairs flag"),
        "trait": first[4].selectbox("Trait", ["", *known["traits"]], format_func=_any, key="pairs trait"),
        "constitution": first[5].selectbox(
            "Constitution", ["", *named], format_func=lambda digest: _version(named, digest), key="pairs constitution"
        ),
    }
    second = st.columns([4, 1.4])
    words = "Words in prompt, chosen or rejected"
    told["words"] = second[0].text_input(words, key="pairs words", placeholder="as they stand in the text")
    told["id"] = second[1].text_input("Id begins with", key="pairs id", max_chars=64)
    wanted = Wanted(**told)
    st.session_state["pairs wanted"] = wanted
    return wanted


def _remembered() -> Wanted:
    """What was asked for before a pair was opened; a pair opened by its address is one among all."""
    # Streamlit forgets a widget that is not shown; said anew, it stays.
    for name in FILTER:
        if (key := f"pairs {name}") in st.session_state:
            st.session_state[key] = st.session_state[key]
    return st.session_state.get("pairs wanted", Wanted())


def _list(campaign: str, ids: pa.Array, wanted: Wanted) -> None:
    if not len(ids):
        if wanted == Wanted():
            empty("No round of this campaign has made a pair. To make some, type:", "plumbline run")
        else:
            empty("No pair is like that. Take a filter away, or write fewer of the words.")
        return
    pages = -(-len(ids) // SHOWN)
    page = st.session_state.get("pairs page", 1) if pages > 1 else 1
    shown = ids[(min(page, pages) - 1) * SHOWN :][:SHOWN].to_pylist()
    rows = _rows(campaign, shown)

    def pick() -> None:
        selection = st.session_state["pairs table"]["selection"]
        for row in [*selection["rows"], *(row for row, _ in selection["cells"])][:1]:
            st.query_params["pair"] = shown[row]

    count, hint = st.columns([1, 2])
    count.caption("1 pair" if len(ids) == 1 else f"{len(ids):,} pairs")
    hint.caption("Click a row to open it; ← and → then go from pair to pair.")
    st.dataframe(
        rows,
        hide_index=True,
        on_select=pick,
        selection_mode=["single-row", "single-cell"],
        key="pairs table",
        height=36 * (len(shown) + 1) + 2,
        row_height=36,
        column_config={
            "round": st.column_config.NumberColumn(width=60),
            "decision": st.column_config.TextColumn(width=90),
            "verdict": st.column_config.TextColumn(width=95),
            "flagged": st.column_config.TextColumn("flagged for", width=150),
            "prompt": st.column_config.TextColumn(width=300),
            "chosen": st.column_config.TextColumn(width=420),
            "id": st.column_config.TextColumn(width=110),
        },
    )
    if pages > 1:
        st.pagination(pages, key="pairs page")


def _rows(campaign: str, ids: list[str]) -> list[dict[str, object]]:
    """What the table says of each pair, in the order of `ids`."""
    marks = ", ".join("?" * len(ids))
    # Where they lie is read first, from two thin columns: then most of the texts need not be unpacked.
    sql = f"""
        SELECT coalesce(min(round), 0), coalesce(max(round), 0), coalesce(min(position), 0), coalesce(max(position), 0)
        FROM pairs WHERE pair_id IN ({marks})
    """
    bounds = [column[0].as_py() for column in store(campaign).query(sql, *ids)]
    texts = f"""
        SELECT pair_id, round, left(prompt[-1].content, 200) AS prompt, left(chosen[-1].content, 200) AS chosen
        FROM pairs WHERE pair_id IN ({marks}) AND round BETWEEN ? AND ? AND position BETWEEN ? AND ?
        UNION ALL SELECT pair_id, round, expectation, detail FROM quarantine WHERE pair_id IN ({marks})
    """
    flags = f"""
        SELECT pair_id, string_agg(trait, ', ' ORDER BY reading DESC) AS flagged FROM readings
        WHERE side = 'chosen' AND flagged AND pair_id IN ({marks}) GROUP BY pair_id
    """
    sql = f"""
        SELECT * FROM ({texts}) LEFT JOIN ({flags}) USING (pair_id)
        LEFT JOIN (SELECT pair_id, decision FROM decisions WHERE pair_id IN ({marks})) USING (pair_id)
        LEFT JOIN (SELECT pair_id, verdict FROM verdicts WHERE pair_id IN ({marks})) USING (pair_id)
    """
    found = {row["pair_id"]: row for row in store(campaign).query(sql, *ids, *bounds, *ids * 4).to_pylist()}
    return [
        {
            "round": row["round"],
            "decision": CAPTIONS.get(row["decision"], row["decision"]),
            "verdict": row["verdict"] or "",
            "flagged": visible(row["flagged"] or ""),
            "prompt": visible(row["prompt"] or ""),
            "chosen": visible(row["chosen"] or ""),
            "id": short(row["pair_id"]),
        }
        for row in (found[pair_id] for pair_id in ids)
    ]


def _one(campaign: str, pair_id: str, ids: pa.Array) -> None:
    found = pair(campaign, pair_id)
    at = place(ids, pair_id)
    before, after = (ids[at + step].as_py() if at >= 0 and 0 <= at + step < len(ids) else None for step in (-1, 1))
    ways, marking = st.columns([3, 1], vertical_alignment="center")
    with ways.container(horizontal=True, vertical_alignment="center"):
        st.button("All of them", icon=":material/list:", shortcut="Esc", on_click=_open, args=(None,))
        st.button("Previous", shortcut=LEFT, disabled=before is None, on_click=_open, args=(before,))
        st.button("Next", shortcut=RIGHT, disabled=after is None, on_click=_open, args=(after,))
        if at >= 0:
            st.caption(f"{at + 1:,} of {len(ids):,}")
    if found is None:
        empty("No pair has this id. Look for one in the list, or type:", "plumbline trace PAIR")
        return
    with marking:
        marks = choose_marks(found)
    show_texts(found, marks, choose_whole(found))
    show_outcome(found)


def _open(pair_id: str | None) -> None:
    if pair_id is None:
        st.query_params.pop("pair", None)
    else:
        st.query_params["pair"] = pair_id


def _any(value: object) -> str:
    return ANY if value in ("", None) else str(value)


def _caption(decision: str) -> str:
    return CAPTIONS.get(decision, ANY)


def _version(named: dict[str, str], digest: str) -> str:
    return f"{named[digest]} ({short(digest)})" if digest else ANY
