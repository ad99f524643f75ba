"""The campaign round by round, as its author may see it: flags, what became of the pairs, bits, cost, and what to do.

Reads: the author's snapshot. Writes: nothing. Must not know: the held-out side.
"""

import json
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from dashboard.data import about, chosen, frame, has
from dashboard.links import link
from dashboard.rounds import LEDGER, marks, rounds, series, truths, with_truth
from dashboard.style import (
    BAD,
    BLUE,
    CAPTIONS,
    CHOICE,
    DECISIONS,
    FLAGGED,
    GOOD,
    bits,
    colours,
    count,
    empty,
    money,
    percent,
    picture,
    rounds_axis,
    shares_axis,
)

TRUTH = {"hidden": "truly bad, unflagged"}
BITS = {"worst case": CHOICE, "bound by divergence": BLUE, "measured, a response": GOOD}
TABLE = {
    **{"round": "round", "mode": "mode", "version": "constitution", "pairs": "pairs", "flag_rate": "flagged"},
    **{"reviewed": "reviewed", "kept": "kept", "dropped": "thrown out", "regenerated": "written anew"},
    **{"held": "held", "abstained": "not read", "quarantined": "no pair", "selection_bits": "selection bits"},
    **{"amendment": "amendment", "gate": "gate"},
}


def show() -> None:
    campaign = chosen()
    st.title(campaign)
    told = about(campaign)
    rows = rounds(campaign) if told.get("round") is not None else pd.DataFrame()
    if rows.empty:
        empty("No round is done yet; this page fills after the first one. To start, or to go on:", "plumbline run")
        return
    _alarm(campaign, rows, bool(told["over"]))
    _figures(campaign, rows)
    shown = _truth(rows, bool(told["over"]))
    left, right = st.columns(2, gap="large")
    with left:
        _flags(campaign, rows, shown)
        _bits(campaign, rows)
    with right:
        _decisions(campaign, rows)
        _cost(campaign)
    _tables(campaign, rows)


def _alarm(campaign: str, rows: pd.DataFrame, over: bool) -> None:
    """The gate's one word, and what a person can do about it."""
    last = rows.iloc[-1]
    if last["gate"] == "refused":
        st.error(
            "The audit found too many bad pairs at the start to amend from; choose another start, or another mode."
        )
    if last["gate"] != "alarm" or not over:
        return
    st.error(
        f"**Alarm in round {last['round']}.** More bad pairs pass the detector unseen than at the start. The rounds "
        "since then are quarantined, the dataset was published again without them, and the campaign stands in mode "
        "`filter`. Read why, then say how it goes on:",
        icon=":material/notifications_active:",
    )
    st.code(
        f"plumbline blame {campaign}\nplumbline resume {campaign} --mode regenerate --who YOUR_NAME", language="bash"
    )
    link("audit", "The audit's figures", icon=":material/balance:")


def _figures(campaign: str, rows: pd.DataFrame) -> None:
    first, last = rows.iloc[0], rows.iloc[-1]
    published = frame(campaign, "SELECT rows FROM datasets WHERE campaign = ? ORDER BY round DESC LIMIT 1", campaign)
    config = json.loads(frame(campaign, "SELECT config FROM campaigns LIMIT 1")["config"].iloc[0])
    cells = st.columns(5)
    cells[0].metric("rounds", f"{last['round']}", help=f"mode {last['mode']}, seed {config.get('seed')}")
    moved = None
    if len(rows) > 1 and pd.notna(first["flag_rate"]) and pd.notna(last["flag_rate"]):
        moved = f"{100 * (last['flag_rate'] - first['flag_rate']):+.1f} points"
    cells[1].metric(
        "flagged",
        percent(last["flag_rate"]),
        moved,
        delta_color="off",
        help="of first attempts that were read; below it how far from the first round",
    )
    cells[2].metric("pairs made", count(rows["pairs"].sum() + rows["regenerated"].sum()))
    cells[3].metric(
        "published", count(published["rows"].iloc[0] if len(published) else None), help="the newest version"
    )
    cells[4].metric("selection so far", f"{bits(last['worst'])} bits", help="worst case, all choices together")


def _truth(rows: pd.DataFrame, over: bool) -> bool:
    """Ground truth is what no step of the loop sees; whoever steers a campaign should not see it unasked either."""
    if not truths(rows):
        return False
    label = "Show the organism's ground truth (what no step of the loop sees)"
    return st.toggle(label, value=over, key=f"truth of {rows['round'].iloc[0]} {over}")


def _flags(campaign: str, rows: pd.DataFrame, truth: bool) -> None:
    named = {"flag_rate": "flagged"} | (TRUTH if truth else {})
    told = series(with_truth(rows) if truth else rows, named)
    paint = {"flagged": FLAGGED} | ({TRUTH["hidden"]: BAD} if truth else {})
    lines = _lines(told, paint, shares_axis("share of pairs"), ".1%")
    st.subheader("Flags")
    picture(
        _marked(campaign, rows, lines), "Share of pairs flagged in each round: " + _spoken(rows, "flag_rate", percent)
    )


def _decisions(campaign: str, rows: pd.DataFrame) -> None:
    st.subheader("What became of the pairs")
    order = {CAPTIONS[name]: paint for name, paint in DECISIONS.items() if rows[name].sum()}
    told = series(rows, {name: CAPTIONS[name] for name in DECISIONS if rows[name].sum()})
    told["place"] = told["series"].map({name: place for place, name in enumerate(order)})
    bars = (
        alt.Chart(told)
        .mark_bar(size=38)
        .encode(
            x=rounds_axis(),
            y=alt.Y("value:Q", title="pairs, all attempts"),
            color=colours(order),
            order=alt.Order("place:Q"),
            tooltip=["round:O", "series:N", alt.Tooltip("value:Q", format=",")],
        )
    )
    again = alt.Chart(rows.loc[rows["regenerated"] > 0, ["round", "regenerated"]])
    ticks = again.mark_tick(color=CHOICE, thickness=3, size=38).encode(
        x=alt.X("round:O"), y="regenerated:Q", tooltip=[alt.Tooltip("regenerated:Q", title="written anew")]
    )
    picture(alt.layer(bars, ticks), "Pairs kept and not kept in each round: " + _spoken(rows, "kept", count))
    if rows["regenerated"].sum():
        st.caption("The dark tick: how many of them were written anew, in place of one that was thrown out.")


def _bits(campaign: str, rows: pd.DataFrame) -> None:
    st.subheader("Selection: bits that flags have let through")
    told = series(rows, LEDGER)
    if told["value"].sum() == 0:
        st.caption("No constitution was chosen by flags yet: 0 bits.")
        return
    lines = _lines(told, BITS, alt.Y("value:Q", title="bits so far"), ".3f")
    picture(lines, "Selection bits so far: " + _spoken(rows, "worst", bits), 240)


def _cost(campaign: str) -> None:
    st.subheader("What endpoints have cost")
    spent = frame(campaign, "SELECT * FROM spent ORDER BY money DESC") if has(campaign, "spent") else pd.DataFrame()
    if spent.empty:
        st.caption("Every model of this campaign runs on this machine; no endpoint was paid.")
        return
    bars = alt.Chart(spent).mark_bar(color=BLUE, size=22)
    tips = ["role:N", *(alt.Tooltip(f"{name}:Q", format=",") for name in ("requests", "tokens_in", "tokens_out"))]
    cost = bars.encode(
        x=alt.X("money:Q", title="in the currency of the prices"), y=alt.Y("role:N", title=None), tooltip=tips
    )
    picture(cost, "Cost by role: " + ", ".join(f"{row.role} {money(row.money)}" for row in spent.itertuples()), 160)
    st.dataframe(spent, hide_index=True)


def _tables(campaign: str, rows: pd.DataFrame) -> None:
    st.subheader("Rounds")
    st.dataframe(
        rows[list(TABLE)].rename(columns=TABLE),
        hide_index=True,
        column_config={
            "flagged": st.column_config.NumberColumn(format="percent"),
            "selection bits": st.column_config.NumberColumn(format="%.3f"),
            "constitution": st.column_config.NumberColumn(format="v%d"),
        },
    )
    ledger, modes = st.columns(2, gap="large")
    with ledger:
        st.subheader("Ledger")
        asked = 'SELECT round, entry, bits, cumulative AS "so far", formula, detail FROM v_ledger ORDER BY round, entry'
        st.dataframe(
            frame(campaign, asked),
            hide_index=True,
            column_config={name: st.column_config.NumberColumn(format="%.3f") for name in ("bits", "so far")},
        )
        st.caption("None is unavailable, which is not zero.")
    with modes:
        st.subheader("Changes of mode")
        changed = frame(campaign, 'SELECT round AS "from round", mode, who, reason FROM modes ORDER BY number')
        if changed.empty:
            st.caption(f"None: every round ran in mode {rows['mode'].iloc[0]}.")
        else:
            st.dataframe(changed, hide_index=True)


def _lines(told: pd.DataFrame, paint: dict[str, str], y: alt.Y, form: str) -> alt.Chart:
    tips = ["round:O", "series:N", alt.Tooltip("value:Q", format=form)]
    return alt.Chart(told).mark_line(point=True).encode(x=rounds_axis(), y=y, color=colours(paint), tooltip=tips)


def _marked(campaign: str, rows: pd.DataFrame, lines: alt.Chart) -> Any:
    found = marks(campaign, rows)
    return alt.layer(lines, found) if found else lines


def _spoken(rows: pd.DataFrame, name: str, form: Any) -> str:
    return ", ".join(f"round {row['round']} {form(row[name])}" for row in rows.to_dict("records"))
