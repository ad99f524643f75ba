"""The auditor's view: the hidden rate and how far off it can be, the evidence, what gold called bad, and what it took.

Reads: the auditor's snapshot, and the author's for flags and texts. Writes: nothing. Must not know: the held-out store.
"""

import json
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from dashboard import heldout
from dashboard.data import about, chosen, frame
from dashboard.links import link
from dashboard.rounds import rounds, series, truths, with_truth
from dashboard.style import (
    BAD,
    BLUE,
    CHOICE,
    FLAGGED,
    INK,
    colours,
    count,
    empty,
    money,
    percent,
    picture,
    plain,
    rounds_axis,
    short,
    text,
)

UNFLAGGED = "unflagged"
PAGE = 6
"""Examples shown at once."""


def show() -> None:
    campaign = chosen()
    st.title(f"Audit of {campaign}")
    told = heldout.about(campaign)
    audits = _table(campaign, told, "SELECT * FROM audits ORDER BY seal, round, pool DESC") if told else pd.DataFrame()
    if audits.empty:
        empty(
            "Nothing has been audited here. A campaign is audited unless its file says otherwise:",
            "audit: {gold: organism}",
        )
        return
    over = bool(about(campaign).get("over"))
    unflagged = audits[audits["pool"] == UNFLAGGED]
    gates = _table(campaign, told, "SELECT * FROM gate ORDER BY seal")
    _figures(audits, unflagged, gates)
    rows = rounds(campaign)
    label = "Show flags and, where it is known, the truth beside what gold found"
    beside = st.toggle(label, value=over, key=f"beside {over}") if over or truths(rows) else False
    left, right = st.columns(2, gap="large")
    with left:
        _hidden(unflagged, rows, beside, told)
    with right:
        _evidence(unflagged, gates)
    _examples(campaign, told)
    _counts(campaign, told, audits)


def _table(campaign: str, told: dict[str, Any], sql: str) -> pd.DataFrame:
    return heldout.frame(campaign, str(told["version"]), sql)


def _figures(audits: pd.DataFrame, unflagged: pd.DataFrame, gates: pd.DataFrame) -> None:
    last = unflagged.iloc[-1]
    threshold = gates["threshold"].iloc[-1] if len(gates) else None
    cells = st.columns(5)
    cells[0].metric("audited up to round", count(last["round"]))
    cells[1].metric(
        "hidden rate", percent(last["hidden_rate"]), help="bad pairs among the unflagged, as gold sees them"
    )
    cells[2].metric("evidence", _evident(last["evidence"]), help=f"the gate rings at {_evident(threshold)}")
    cells[3].metric("gold reviews", count(audits["reviews"].sum()))
    cells[4].metric("harm ceiling", percent(last["harm_ceiling"]), help="the most the hidden rate can be by the ledger")


def _hidden(unflagged: pd.DataFrame, rows: pd.DataFrame, beside: bool, told: dict[str, Any]) -> None:
    st.subheader("Hidden rate: bad pairs among the unflagged")
    share = percent(told.get("confidence"), 0)
    named = {"hidden_rate": "gold, this round", "so_far": "gold, all rounds since the baseline"}
    paint = {named["hidden_rate"]: BAD, named["so_far"]: BLUE}
    lines = series(unflagged, {name: label for name, label in named.items() if name in unflagged})
    top = float(lines["value"].max())
    if beside:
        extra = {"flag_rate": "flagged"} | ({"hidden": "truly bad, unflagged"} if truths(rows) else {})
        paint |= {"flagged": FLAGGED, "truly bad, unflagged": INK}
        known = rows[rows["round"].isin(unflagged["round"])]
        lines = pd.concat([lines, series(with_truth(known), extra)])
        top = float(lines["value"].max())
    layers: list[Any] = []
    if "so_far_high" in unflagged and unflagged["so_far_high"].notna().any():
        bounded = unflagged.dropna(subset=["so_far_high"])
        top = max(top, float(bounded["so_far_high"].iloc[-1]))
        band = alt.Chart(bounded).mark_area(color=BLUE, opacity=0.13, clip=True)
        tips = [alt.Tooltip(f"{name}:Q", format=".1%") for name in ("so_far_low", "so_far", "so_far_high")]
        layers.append(
            band.encode(x=rounds_axis(), y=alt.Y("so_far_low:Q"), y2="so_far_high:Q", tooltip=["round:O", *tips])
        )
    scale = alt.Scale(domain=[0, min(1.0, 1.25 * max(top, 0.04))])
    y = alt.Y("value:Q", title="share of pairs", axis=alt.Axis(format=".0%"), scale=scale)
    shown = ["round:O", "series:N", alt.Tooltip("value:Q", format=".1%")]
    used = {name: paint[name] for name in paint if name in set(lines["series"])}
    base = alt.Chart(lines).mark_line(point=True, clip=True)
    layers.append(base.encode(x=rounds_axis(), y=y, color=colours(used), tooltip=shown))
    spoken = ", ".join(f"round {row.round} {percent(row.hidden_rate)}" for row in unflagged.itertuples())
    picture(alt.layer(*layers), f"Hidden rate by round: {spoken}", 330)
    st.caption(
        f"The band bounds the blue line with {share} confidence, at all rounds together and however often one looks. "
        "The baseline was reviewed in full. Each round's own bounds, wider, are in the table below."
    )


def _evidence(unflagged: pd.DataFrame, gates: pd.DataFrame) -> None:
    st.subheader("Evidence against “no worse than the start”")
    told = unflagged.dropna(subset=["evidence"])
    if told.empty:
        st.caption("The gate begins after the baseline; nothing has been bet yet.")
        return
    scale = alt.Scale(type="log", nice=False, domain=_room([*told["evidence"], *gates["threshold"]]))
    y = alt.Y("evidence:Q", title="evidence (log scale)", scale=scale, axis=alt.Axis(format="~g", tickCount=5))
    tips = ["seal:O", "round:O", alt.Tooltip("evidence:Q", format=".3g")]
    lines = (
        alt.Chart(told)
        .mark_line(point={"color": CHOICE}, color=CHOICE)
        .encode(x=rounds_axis(), y=y, detail="seal:N", tooltip=tips)
    )
    limit = alt.Chart(gates.tail(1).assign(says="the gate rings"))
    rule = limit.mark_rule(color=BAD, strokeDash=[5, 4], strokeWidth=1.6).encode(y="threshold:Q")
    name = limit.mark_text(color=BAD, align="left", x=6, dy=-8, fontSize=12).encode(y="threshold:Q", text="says:N")
    rung = alt.Chart(told[told["alarm"] == True]).mark_point(color=BAD, size=170, filled=True)  # noqa: E712
    spoken = ", ".join(f"round {row.round} {_evident(row.evidence)}" for row in told.itertuples())
    picture(alt.layer(lines, rule, name, rung.encode(x=rounds_axis(), y="evidence:Q")), f"Evidence: {spoken}", 330)
    st.caption(
        "If nothing got worse, the evidence ever reaches the line with a chance of at most one over it, however "
        "often it is looked at."
    )


def _examples(campaign: str, told: dict[str, Any]) -> None:
    found = _table(campaign, told, "SELECT * FROM examples ORDER BY round DESC, pair_id")
    st.subheader(f"What gold called bad, twice ({len(found):,})")
    if found.empty:
        st.caption("Nothing so far.")
        return
    pages = -(-len(found) // PAGE)
    at = st.number_input(f"Page, of {pages}", 1, pages, 1, width=160) if pages > 1 else 1
    some = found.iloc[(at - 1) * PAGE : at * PAGE]
    marks = ", ".join("?" * len(some))
    asked = (
        "SELECT pair_id, prompt[-1].content AS prompt, chosen[-1].content AS response "
        f"FROM pairs WHERE pair_id IN ({marks})"
    )
    texts = frame(campaign, asked, *some["pair_id"]).set_index("pair_id")
    for row in some.to_dict("records"):
        pair = row["pair_id"]
        said, shown = st.columns([1, 4], gap="medium")
        with said:
            st.markdown(f"**round {row['round']}** · {row['pool']}")
            st.caption(plain(", ".join(json.loads(row["traits"]))))
            link("pairs", f"pair {short(pair)}", pair=pair)
        with shown:
            if pair in texts.index:
                text(str(texts.loc[pair, "prompt"]), "prompt", 2_000)
                text(str(texts.loc[pair, "response"]), "response", 2_000)
            else:
                st.caption("Its text is not in the author's snapshot.")


def _counts(campaign: str, told: dict[str, Any], audits: pd.DataFrame) -> None:
    st.subheader("Counts")
    shares = ("hidden_rate", "low", "high", "so_far", "so_far_low", "so_far_high", "harm_ceiling")
    percents = {name.replace("_", " "): st.column_config.NumberColumn(format="percent") for name in shares}
    st.dataframe(
        audits.rename(columns=lambda name: str(name).replace("_", " ")), hide_index=True, column_config=percents
    )
    st.caption(
        "Reviews count both looks at a pair. Low and high bound the hidden rate of one round taken alone; so far low "
        "and high that of all rounds since the baseline. An empty figure is unavailable, which is not zero."
    )
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("Monitors, measured before they watched")
        quality = _table(campaign, told, "SELECT * FROM monitors ORDER BY seal, monitor")
        if quality.empty:
            st.caption("Not measured: no labelled text was at hand.")
        else:
            st.dataframe(
                quality, hide_index=True, column_config=_digits(("auroc", "tpr", "fpr", "phi", "phi_bad", "caught"))
            )
            st.caption("phi: do its errors fall where the detector's do; caught: share of what the detector missed.")
    with right:
        st.subheader("Cost of the audit")
        spent = _table(campaign, told, "SELECT * FROM spent ORDER BY money DESC")
        if spent.empty:
            st.caption("Gold and monitors run on this machine; no endpoint was paid.")
        else:
            st.dataframe(spent.assign(money=[money(one) for one in spent["money"]]), hide_index=True)


def _digits(names: tuple[str, ...]) -> dict[str, Any]:
    return {name: st.column_config.NumberColumn(format="%.2f") for name in names}


def _evident(value: float | None) -> str:
    return "–" if value is None or pd.isna(value) else f"{value:.3g}"


def _room(values: list[float]) -> list[float]:
    """A log axis from below the least to above the greatest."""
    return [min(values) / 2, max(values) * 2]
