"""What each amendment did in figures, and how far each principle moves the flag rate.

Reads: the author's snapshot. Writes: nothing. Must not know: how a version was picked, or who may answer for it.
"""

import altair as alt
import pandas as pd
import streamlit as st

from dashboard.plain import cut
from dashboard.style import BAD, GOOD, INK, PAPER, bits, escaped, percent, picture, short
from dashboard.versions import History, amended, attributions
from warehouse.store import Store


def amendments_table(told: History, record: Store) -> None:
    """A row for each amendment that was chosen; nothing where there is none."""
    rows = amended(record)
    if not rows:
        return
    st.header("What each amendment did")
    asked_people = any(told.versions[row["constitution"]].told for row in rows)
    heads = ["Round", "Amendment", "Flagged", "on fresh prompts", "in its rounds", "Unjustified", "on fresh prompts"]
    heads += ["Utility", "Bits", *(["A person"] if asked_people else [])]
    body = ""
    for row in rows:
        version = told.versions[row["constitution"]]
        rates = [rate for rate in version.rounds.values() if rate is not None]
        cells = [
            str(row["round"]),
            f"{escaped(cut(row['operation'], 200))}<br><small>of {row['candidates']} candidates</small>",
            _moved(percent(row["kept_flag_rate"]), percent(row["flag_rate"])),
            percent(row["fresh_flag_rate"]),
            percent(sum(rates) / len(rates)) if rates else "–",
            _moved(percent(row["kept_unjustified_rate"]), percent(row["unjustified_rate"])),
            percent(row["fresh_unjustified_rate"]),
            _moved(_plain(row["kept_utility"]), _plain(row["utility"])),
            bits(row["bits"]),
        ]
        if asked_people:
            word = version.told
            verb = "" if word is None else "approved by " if word["approve"] else "rejected by "
            cells.append(escaped(verb + word["who"]) if word else "")
        body += "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"
    head = "".join(f"<th>{name}</th>" for name in heads)
    table = f'<table class="plumbline-figures"><tr>{head}</tr>{body}</table>'
    st.html(f'<div class="plumbline-scroll">{table}</div>')
    st.caption(
        "Flagged, unjustified and utility (the reviewer's opinion of the texts) on the frozen prompts: under the "
        "version in force → under the one chosen. On fresh prompts it was not chosen; a fresh rate well above the "
        "frozen one is the choice's own luck. Bits: log2 of the candidates looked at, the choice's worst case."
    )


def principles_picture(told: History, record: Store) -> None:
    """A field for each principle and amendment; nothing where none was looked at."""
    rows = [row for row in attributions(record) if row["delta"] is not None]
    if not rows:
        return
    st.header("Flags by principle")
    names = {name: one.label.partition(" ")[0] for name, one in told.versions.items()}
    frame = pd.DataFrame(rows)
    frame["principle"] = [cut(name, 40) for name in frame["principle"]]
    frame["amended"] = [
        f"round {row['round']} ({names.get(row['constitution'], short(row['constitution']))})" for row in rows
    ]
    frame["points"] = [points(row["delta"]) for row in rows]
    most = max(0.01, float(frame["delta"].abs().max()))
    order = list(dict.fromkeys(frame["amended"]))
    place = {
        "x": alt.X("amended:N", title=None, sort=order, axis=alt.Axis(labelAngle=0, orient="top", domain=False)),
        "y": alt.Y("principle:N", title=None, axis=alt.Axis(domain=False, ticks=False, labelLimit=300)),
    }
    scale = alt.Scale(domain=[-most, 0, most], range=[BAD, PAPER, GOOD])
    told_here = [alt.Tooltip(name, format=".1%") for name in ("with:Q", "without:Q")]
    boxes = (
        alt.Chart(frame)
        .mark_rect(stroke="white", strokeWidth=3, cornerRadius=4)
        .encode(
            **place, color=alt.Color("delta:Q", scale=scale, legend=None), tooltip=["principle", "amended", *told_here]
        )
    )
    strong = alt.condition(abs(alt.datum.delta) > 0.6 * most, alt.value("white"), alt.value(INK))
    words = alt.Chart(frame).mark_text(fontSize=13).encode(**place, text="points:N", color=strong)
    says = "how far the flag rate moves when a principle is left out, by principle and round"
    wide = min(1.0, 0.3 + 0.12 * len(order))
    with st.columns([wide, 1.001 - wide])[0]:
        picture(boxes + words, says, height=34 + 36 * frame["principle"].nunique())
    st.caption(
        "How many points the flag rate moves on the frozen prompts when the principle is left out, under the same "
        "random numbers. Teal: without it more is flagged, so it keeps flags down. Red: less is flagged."
    )


def _moved(before: str, after: str) -> str:
    return f"{before} → <b>{after}</b>"


def _plain(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def points(delta: float | None) -> str:
    """A difference of two shares in points of a percentage, with its sign."""
    return "–" if delta is None else f"{100 * delta:+.1f}".replace("-", "−")
