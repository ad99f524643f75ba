"""One pair on a page: the prompt, both texts side by side with what each reading saw in them, and what became of it.

Reads: what was gathered of the pair. Writes: nothing. Must not know: which page shows it. All of it is foreign text, so
all of it goes through `dashboard.highlight`, and none through Markdown.
"""

import json
from collections.abc import Sequence
from html import escape
from typing import Any

import streamlit as st

from dashboard.highlight import LIMIT, Carried, colours, messages, safe, visible
from dashboard.links import link
from dashboard.one_pair import Pair, Text, as_json
from dashboard.style import CAPTIONS, DECISIONS, QUIET, short, when

NOTHING = "<div>–</div>"
FLAGGED, ALL = "flagged readings", "all readings"
WHOLE = 2_000_000
"""Characters of one side that a page shows at most; a browser scrolls no further than that with pleasure."""


def choose_marks(pair: Pair) -> str:
    """Which readings' words are marked."""
    told = FLAGGED
    if pair.chosen.readings or pair.rejected.readings:
        told = st.selectbox(
            "Words marked for", [FLAGGED, ALL, *_traits_of(pair)], key="marks", label_visibility="collapsed"
        )
    return told


def choose_whole(pair: Pair) -> bool:
    """Whether texts are shown whole; asked only where one is cut."""
    long = any(sum(len(turn["content"]) for turn in turns) > LIMIT for turns in _turns(pair))
    return long and st.toggle("Show long texts whole", key=f"whole {pair.pair_id}")


def show_texts(pair: Pair, marks: str = "", whole: bool = False) -> None:
    """Prompt, chosen and rejected; with `marks` also what the detector saw, else nothing that a model said."""
    traits, limit = _traits_of(pair), WHOLE if whole else LIMIT
    painted = colours(traits)
    top = max([1e-9, *(max(one["reading"] or 0, one["threshold"]) for one in _readings(pair))]) * 1.05
    st.subheader("Prompt")
    st.html(messages(pair.prompt, {}, {}, limit) or NOTHING)
    for column, side, text in zip(
        st.columns(2, gap="medium"), ("Chosen", "Rejected"), (pair.chosen, pair.rejected), strict=True
    ):
        with column:
            st.subheader(side)
            carried = _carried(text, marks) if marks else {}
            st.html(messages(text.turns, carried, painted, limit) or NOTHING)
            if marks:
                st.html(legend(text, traits, painted, top))


def legend(text: Text, traits: Sequence[str], painted: dict[str, str], top: float) -> str:
    """A row for each reading: its colour, its bar (full at `top`) and threshold, and what carried it where flagged."""
    known = {one["trait"]: one for one in text.readings}
    if not known:
        return '<div class="note">There is no reading of this text.</div>'
    if abstained := text.readings[0]["abstained"]:
        return f'<div class="note">Not read: {safe(abstained)}</div>'
    rows = "".join(_reading(known[trait], top, painted[trait]) for trait in traits if trait in known)
    return f'<table class="readings">{rows}</table>'


def show_outcome(pair: Pair) -> None:
    """Decision, verdict, persons' verdicts and where the pair comes from."""
    left, right = st.columns(2, gap="medium")
    with left:
        st.subheader("Decision and verdict")
        st.html(f'<div class="facts">{_decided(pair)}</div>')
        if pair.verdict.get("raw"):
            with st.expander("The reviewer's answer, as it came"):
                st.html(messages([{"role": "reviewer", "content": pair.verdict["raw"]}], {}, {}))
        st.subheader("Persons' verdicts")
        st.html(f'<div class="facts">{persons(pair)}</div>')
    with right:
        st.subheader("Where it comes from")
        st.html(f'<div class="facts">{_origin(pair)}</div>')
        with st.container(horizontal=True):
            if pair.row.get("constitution"):
                link("constitution", "its constitution", constitution=pair.row["constitution"])
            link("lineage", "its lineage", node=f"pair:{pair.pair_id}")
            name = f"{short(pair.pair_id)}.json"
            st.download_button(
                "Download all of it",
                lambda: as_json(pair),
                name,
                "application/json",
                icon=":material/download:",
                on_click="ignore",
            )
        if pair.attempts:
            st.caption("Other attempts at the same place")
            for other in pair.attempts:
                link("pairs", f"attempt {other['attempt']}: {_plain(other['pair_id'])}", pair=other["pair_id"])


def persons(pair: Pair) -> str:
    """Every verdict a person gave, oldest first, and those that wait for the campaign to take them in."""
    rows = [
        f"<div>{safe(one['who'])}: <b>{safe(one['verdict'])}</b>{_traits(one['traits'])} · {when(one['given'])}"
        f"{_because(one['note'])}</div>"
        for one in pair.persons
    ]
    for message in pair.said:
        said = message.said
        rows.append(
            f"<div>{safe(message.who)}: <b>{safe(said.get('verdict'))}</b>{_traits(json.dumps(said.get('traits', [])))}"
            f" · {when(message.given)}{_because(str(said.get('note', '')))} "
            f'<span style="color:{QUIET}">(waiting to be taken into the record)</span></div>'
        )
    return "".join(rows) or f'<span style="color:{QUIET}">nobody has given one</span>'


def _readings(pair: Pair) -> list[dict[str, Any]]:
    return [*pair.chosen.readings, *pair.rejected.readings]


def _turns(pair: Pair) -> list[list[dict[str, Any]]]:
    return [pair.prompt, pair.chosen.turns, pair.rejected.turns]


def _traits_of(pair: Pair) -> list[str]:
    """In one order for every pair, so that a trait has one colour."""
    return sorted({one["trait"] for one in _readings(pair)})


def _carried(text: Text, marks: str) -> Carried:
    wanted = (one for one in text.readings if marks in (ALL, one["trait"]) or (marks == FLAGGED and one["flagged"]))
    return {one["trait"]: json.loads(one["tokens"]) for one in wanted}


def _reading(one: dict[str, Any], top: float, colour: str) -> str:
    value, limit = one["reading"], one["threshold"]
    if value is None:
        return f'<tr><td>{safe(one["trait"])}</td><td colspan="2">no reading</td></tr>'
    width, tick = (max(0.0, min(1.0, part / top)) * 100 for part in (value, limit))
    over = "<b>FLAG</b>" if one["flagged"] else ("over, not used to flag" if value > limit else "")
    words = ", ".join(safe(word) for word, _ in json.loads(one["tokens"])) if one["flagged"] else ""
    carried = f'<tr class="carried"><td></td><td colspan="2">carried by {words}</td></tr>' if words else ""
    return (
        f'<tr><td><span style="color:{colour}">■</span> {safe(one["trait"])}</td>'
        f'<td class="bar"><div style="width:{width:.1f}%;background:{colour}"></div>'
        f'<i style="left:{tick:.1f}%"></i></td>'
        f'<td class="number">{value:.2f} <span style="color:{QUIET}">of {limit:.2f}</span> {over}</td></tr>{carried}'
    )


def _decided(pair: Pair) -> str:
    decision, verdict = pair.decision, pair.verdict
    word = decision.get("decision", "")
    colour = DECISIONS.get(word, QUIET)
    rows = [_fact("decision", f'<b style="color:{colour}">{safe(CAPTIONS.get(word, word or "none yet"))}</b>')]
    rows += [_fact("reason", safe(decision["reason"]))] if decision.get("reason") else []
    if not verdict:
        return "".join([*rows, _fact("reviewer", "was not asked")])
    rows.append(_fact("verdict", f"<b>{safe(verdict['verdict'])}</b>{_because(verdict['reason'])}"))
    rows.append(_fact("asked about", ", ".join(safe(trait) for trait in json.loads(verdict["traits"]))))
    rows.append(_fact("reviewer", _named(pair, verdict["reviewer"])))
    return "".join(rows)


def _origin(pair: Pair) -> str:
    row = pair.row
    rows = [_fact("id", f"<code>{safe(pair.pair_id)}</code>")]
    rows.append(_fact("place", f"round {row['round']}, position {row['position']}, attempt {row['attempt']}"))
    if row.get("expectation"):
        rows.append(_fact("set aside", f"{safe(row['expectation'])}: {safe(row['detail'])}"))
        rows.append(_fact("the row", safe(row["row"][:2000])))
    if row.get("source"):
        rows.append(_fact("source", f"{safe(row['source'])} {safe(row.get('source_id', ''))}"))
    if row.get("generator"):
        rows.append(_fact("generator", _named(pair, row["generator"])))
        rows.append(_fact("sampling", f"{safe(row['sampling'])}, seeds {row['seed_chosen']}, {row['seed_rejected']}"))
    rows += [_fact("profile", _named(pair, one["profile"])) for one in pair.chosen.readings[:1]]
    return "".join(rows)


def _named(pair: Pair, digest: str) -> str:
    return f"{safe(pair.names.get(digest, ''))} <code>{safe(short(digest))}</code>"


def _fact(key: str, value: str) -> str:
    return f'<div class="fact"><span class="key">{escape(key)}</span><span>{value}</span></div>'


def _because(reason: str) -> str:
    return f": {safe(reason)}" if reason else ""


def _traits(told: str) -> str:
    named = ", ".join(safe(trait) for trait in json.loads(told))
    return f" ({named})" if named else ""


def _plain(word: str) -> str:
    """A word in a label, which Streamlit reads as Markdown."""
    return "".join(char if char.isalnum() else " " for char in visible(word))
