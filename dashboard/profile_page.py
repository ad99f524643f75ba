"""What the detector reads and how well: its traits, their quality and blind spots, and the texts behind each latent.

Reads: the author's snapshot. Writes: nothing. Must not know: the held-out side, models, live profile files.
"""

import json
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from dashboard.data import about, chosen, frame, has
from dashboard.links import asked, link
from dashboard.style import BAD, BLUE, GOOD, count, empty, percent, picture, plain, short, text

KINDS = {"sae": "sparse latents", "probe": "a dense probe", "narrator": "a narrator's words"}
SQL_FLAGS = """
SELECT trait, count(reading) AS read, count(*) FILTER (flagged AND side = 'chosen') AS chosen,
    count(*) FILTER (flagged AND side = 'rejected') AS rejected
FROM readings GROUP BY trait
"""
SHOWN = 3
"""Texts of a latent shown beside it."""


def show() -> None:
    campaign = chosen()
    st.title("Profile")
    made = (
        frame(campaign, "SELECT hash, meta FROM artifacts WHERE kind = 'profile'")
        if about(campaign)
        else pd.DataFrame()
    )
    if made.empty:
        empty("No detector has read anything here yet; a profile is fitted before the first round:", "plumbline run")
        return
    if len(made) > 1:
        which = st.selectbox("Profile", list(made["hash"]), format_func=short)
        made = made[made["hash"] == which]
    profile = json.loads(made["meta"].iloc[0])
    kind = _kind(profile)
    _figures(profile, kind)
    for name, trait in profile["traits"].items():
        if trait.get("why_not"):
            told = "flags because a person forced it, although" if trait["flags"] else "is read but not used to flag:"
            st.warning(f"{plain(name)} {told} {plain(trait['why_not'])}")
    _traits(campaign, profile)
    _blind(profile)
    _one(campaign, profile, kind)


def _kind(profile: dict[str, Any]) -> str:
    return "narrator" if "way" in profile else "probe" if "centre" in profile else "sae"


def _figures(profile: dict[str, Any], kind: str) -> None:
    cells = st.columns(5)
    cells[0].metric("reads", KINDS[kind])
    cells[1].metric("traits", count(len(profile["traits"])))
    bound = "P(any trait is flagged | none is there), for all traits together"
    cells[2].metric("false flags allowed", percent(profile["joint_fpr"]), help=bound)
    held = f"measured on {profile['negatives']:,} texts held out in turn"
    cells[3].metric("false flags measured", percent(profile["measured_fpr"]), help=held)
    cells[4].metric("pooling", str(profile.get("pooling", profile.get("way", "–"))))
    guarantee = {
        "split": "The threshold comes from texts that had no other part: for texts like them the bound is exact.",
        "cross": "The threshold comes from texts held out in turn: the bound is what was measured, and no theorem.",
    }
    if profile.get("guarantee") in guarantee:
        st.caption(guarantee[profile["guarantee"]])


def _traits(campaign: str, profile: dict[str, Any]) -> None:
    st.subheader("Traits")
    flags = frame(campaign, SQL_FLAGS).set_index("trait")
    rows = []
    for name, trait in profile["traits"].items():
        quality = trait.get("quality") or {}
        mine = flags.loc[name] if name in flags.index else {}
        rows.append(
            {
                "trait": name,
                "flags": trait.get("flags", True),
                "threshold": trait["threshold"],
                "AUROC": trait["auroc"],
                "across sources": _value(quality.get("across")),
                "recall": _value(quality.get("recall")),
                "labelled": trait["positives"],
                "parts": len(trait.get("latents") or trait.get("phrases") or ()) or None,
                "flagged, chosen": mine.get("chosen"),
                "flagged, rejected": mine.get("rejected"),
            }
        )
    figures = ("threshold", "AUROC", "across sources")
    form = {name: st.column_config.NumberColumn(format="%.3f") for name in figures}
    form["recall"] = st.column_config.NumberColumn(format="percent")
    st.dataframe(pd.DataFrame(rows).dropna(axis=1, how="all"), hide_index=True, column_config=form)
    st.caption(
        "AUROC on labelled texts held out from the fit; labelled: texts that show the trait; flagged: in this campaign."
    )


def _blind(profile: dict[str, Any]) -> None:
    st.subheader("Blind spots")
    rows = [
        {
            "trait": name,
            "group": f"{group['by']}: {group['name']}",
            "flagged": _value(group["recall"]),
            "what": "blind" if group["blind"] else "",
        }
        for name, trait in profile["traits"].items()
        for group in (trait.get("quality") or {}).get("groups", ())
    ]
    if not rows:
        empty(
            "Not measured for this profile. To calibrate on texts of your own, and see where the detector is blind:",
            "plumbline calibrate LABELLED.jsonl --to PROFILE",
        )
        return
    table = pd.DataFrame(rows)
    base = alt.Chart(table).encode(
        x=alt.X("group:N", title=None, axis=alt.Axis(labelAngle=-35)), y=alt.Y("trait:N", title=None)
    )
    scale = alt.Scale(domain=[0, 1], range=["#f3e3e0", GOOD])
    legend = alt.Legend(title="share flagged", format=".0%")
    tips = ["trait:N", "group:N", alt.Tooltip("flagged:Q", format=".0%"), "what:N"]
    cells = base.mark_rect().encode(color=alt.Color("flagged:Q", scale=scale, legend=legend), tooltip=tips)
    cross = base.transform_filter("datum.what == 'blind'").mark_text(text="×", fontSize=20, color=BAD)
    spoken = ", ".join(f"{row['trait']} in {row['group']}" for row in rows if row["what"]) or "none"
    picture(
        alt.layer(cells, cross),
        f"Share flagged of texts that show a trait; blind: {spoken}",
        60 + 44 * len(profile["traits"]),
    )
    st.caption("Share of set-aside texts that show the trait and are flagged, by what they have in common; × blind.")


def _one(campaign: str, profile: dict[str, Any], kind: str) -> None:
    names = list(profile["traits"])
    wanted = asked("trait")
    name = st.segmented_control("Trait", names, default=wanted if wanted in names else names[0], required=True)
    trait = profile["traits"][name]
    if not has(campaign, "strongest"):
        empty("This snapshot was written by an older version; it has no strongest texts until the next round is done.")
        return
    found = frame(campaign, "SELECT * FROM strongest WHERE trait = ? ORDER BY latent NULLS FIRST, rank", name)
    st.subheader("Read most strongly in")
    whole = found[found["latent"].isna()]
    if whole.empty:
        st.caption("It was read in no text so far.")
    for row in whole.to_dict("records"):
        _text(row, f"reading {row['reading']:.2f}, threshold {trait['threshold']:.2f}")
    if kind == "sae":
        _latents(campaign, trait, found[found["latent"].notna()])
    elif kind == "narrator":
        st.subheader("Its phrases")
        text("\n".join(trait["phrases"]))
    else:
        st.caption("A dense probe reads one direction of the model's own activations; it has no latents to look at.")


def _latents(campaign: str, trait: dict[str, Any], found: pd.DataFrame) -> None:
    st.subheader("Latents")
    by = trait.get("by") or [""] * len(trait["latents"])
    weights = pd.DataFrame({"latent": trait["latents"], "weight": trait["weights"], "pooled": by})
    weights = weights.sort_values("weight", ascending=False)
    seen = dict(found.drop_duplicates("latent")[["latent", "texts"]].itertuples(index=False))
    weights["texts"] = [int(seen.get(latent, 0)) for latent in weights["latent"]]
    pages = _pages(campaign)
    left, right = st.columns([2, 3], gap="large")
    with left:
        order = [str(latent) for latent in weights["latent"].drop_duplicates()]
        bars = alt.Chart(weights.assign(latent=weights["latent"].astype(str))).mark_bar(color=BLUE, size=13)
        tips = ["latent:N", alt.Tooltip("weight:Q", format=".3f"), alt.Tooltip("texts:Q", format=",")]
        drawn = bars.encode(x=alt.X("weight:Q"), y=alt.Y("latent:N", sort=order), tooltip=tips)
        picture(drawn, f"Weights of {len(weights)} latents", 40 + 21 * len(weights))
        st.caption("A reading names its five strongest latents; the counts and texts here are of those.")
    with right:
        latent = st.selectbox("Latent", order, format_func=lambda one: f"{one} · weight {_weight(weights, one):.2f}")
        if pages:
            st.link_button(f"Latent {latent} on Neuronpedia", f"{pages}{latent}", icon=":material/open_in_new:")
        mine = found[found["latent"] == float(latent)].head(SHOWN)
        if mine.empty:
            st.caption("No text names it so far.")
        for row in mine.to_dict("records"):
            _text(row, f"activation {row['strength']:.2f}")


def _text(row: dict[str, Any], figure: str) -> None:
    """One of the strongest texts: where it is, its strongest words, and the text."""
    words = ", ".join(str(word).strip() for word, _ in json.loads(row["tokens"]))
    said = row["said"] if isinstance(row["said"], str) else ""
    text(said, f"{row['side']} · {figure} · {words}")
    link("pairs", f"pair {short(row['pair_id'])}", pair=row["pair_id"])


def _pages(campaign: str) -> str:
    """Where the autoencoder's latents have their pages, "" where they have none."""
    made = frame(campaign, "SELECT meta FROM artifacts WHERE kind = 'sae'")
    place = json.loads(made["meta"].iloc[0]).get("neuronpedia") if len(made) else ""
    return f"https://www.neuronpedia.org/{place}/" if place else ""


def _weight(weights: pd.DataFrame, latent: str) -> float:
    return float(weights.loc[weights["latent"].astype(str) == latent, "weight"].max())


def _value(estimate: dict[str, Any] | None) -> float | None:
    return estimate.get("value") if estimate else None
