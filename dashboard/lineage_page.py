"""The lineage as a graph to walk through: from any node to what it was made of and what was made of it.

Reads: the author's snapshot. Writes: nothing. Must not know: the held-out side.
"""

import streamlit as st

from dashboard.data import begun, chosen, has, store
from dashboard.drawing import draw
from dashboard.lineage_list import members_list
from dashboard.lineage_node import panel
from dashboard.lineage_picture import group_named, name, placed, plural
from dashboard.links import asked
from dashboard.neighbourhood import Group
from dashboard.plain import cut, plain
from dashboard.style import empty, short, when
from dashboard.surroundings import BY_VERSION, Surroundings, surroundings
from dashboard.taint import Row, Taint
from warehouse.errors import PlumblineError
from warehouse.graph import KINDS, Item
from warehouse.nodes import describe, find
from warehouse.store import Store

NODE, LIST = "node", "list"
"""What the address says: the node in the centre, and the group whose list is open."""


def show() -> None:
    campaign = chosen()
    st.title("Lineage")
    if not begun(campaign):
        empty("The first round is at work; this page fills when it is done.")
        return
    if not has(campaign, "recalls"):
        empty("An older Plumbline wrote this snapshot; it is written anew when the campaign runs on.")
        return
    record = store(campaign)
    centre = _centre(record, campaign)
    found = surroundings(record, campaign, centre)
    opened = group_named(asked(LIST) or "")
    clicked = _picture(found)
    if clicked and (group := group_named(clicked)):
        _go(centre, group)
    elif clicked and clicked != name(centre):
        _go(find(record, clicked))
    left, right = st.columns([2, 3] if opened else [1, 1], gap="large")
    with left:
        panel(record, centre)
        _in_all(found)
    with right:
        picked = members_list(record, opened) if opened else _thrown_out(record, found.taints, found.recalled, centre)
    if picked:
        _go(picked)


def _centre(record: Store, campaign: str) -> Item:
    """The node the address names, or else what stands for the whole campaign: its newest version."""
    left, right = st.columns([3, 2])

    def follow() -> None:
        st.query_params[NODE] = st.session_state["sought"]
        st.query_params.pop(LIST, None)
        st.session_state["sought"] = ""

    left.text_input(
        "Show the lineage of",
        key="sought",
        placeholder="an id or the beginning of one, a foreign row's own id, a model's name",
        on_change=follow,
    )
    told = _landmarks(record)
    marks = list(told)

    def jump() -> None:
        if st.session_state["landmark"]:
            st.query_params[NODE] = name(st.session_state["landmark"])
            st.query_params.pop(LIST, None)
            st.session_state["landmark"] = None

    right.selectbox(
        "or of",
        marks,
        index=None,
        key="landmark",
        placeholder="a dataset, a constitution, a model …",
        format_func=lambda item: cut(f"{item.kind} {short(item.key)}  {told[item]}", 90),
        on_change=jump,
    )
    if wanted := asked(NODE):
        try:
            return find(record, wanted)
        except PlumblineError as error:
            said = str(error).replace(f" in {record.path}", "")
            st.warning(plain(said), icon=":material/search_off:")
    return next((item for item in marks), Item("campaign", campaign))


@st.cache_data(max_entries=8, show_spinner=False, hash_funcs=BY_VERSION)
def _landmarks(record: Store) -> dict[Item, str]:
    """What a campaign has few of, the newest first, in a few words: versions, constitutions, models."""
    sql = """
        SELECT 'dataset' AS kind, version AS key, -max(round) AS place FROM datasets GROUP BY version
        UNION ALL SELECT 'constitution', hash, -version FROM constitutions
        UNION ALL SELECT kind, hash, 0 FROM artifacts
    """
    rows = record.query(sql).to_pylist()
    first = ("dataset", "constitution")
    order = {kind: place for place, kind in enumerate([*first, *(kind for kind in KINDS if kind not in first)])}
    rows.sort(key=lambda row: (order[row["kind"]], row["place"], row["key"]))
    return describe(record, [Item(row["kind"], row["key"]) for row in rows[:500]])


def _picture(found: Surroundings) -> str | None:
    boxes, lines = placed(found)
    clicked = draw(boxes, lines, "the lineage: made of on the left, made of it on the right", key="lineage")
    legend = "On the left what it was made of, on the right what was made of it. A click makes a box the centre, and "
    st.caption(legend + "opens a group's list. Red: thrown out by an alarm, or recalled.")
    return clicked


def _in_all(found: Surroundings) -> None:
    """How much there is, further than the picture goes."""
    for caption, counts in (("Made of, in all", found.above), ("Gone into, in all", found.below)):
        told = ", ".join(plural(kind, many) for kind, many in counts.items() if kind != "campaign")
        if told:
            st.caption(f"{caption}: {told}.")


def _thrown_out(record: Store, thrown_out: list[Taint], called_back: dict[str, Row], centre: Item) -> Item | None:
    """What alarms and people put aside, as a list to walk on from."""
    st.subheader("Thrown out")
    if not thrown_out and not called_back:
        st.caption("No alarm has rung, and no version was recalled.")
    picked = None
    for taint in thrown_out:
        rounds = ", ".join(map(str, taint.rounds)) or "none"
        st.text(
            f"The alarm in round {taint.alarm} threw out rounds {rounds}: {plural('pair', taint.pairs)}, "
            f"{plural('constitution', len(taint.constitutions))} and {plural('version', len(taint.versions))} "
            "published with them."
        )
        items = [Item("dataset", one) for one in taint.versions]
        items += [Item("constitution", one) for one in taint.constitutions]
        told = describe(record, items)
        for item in items:
            label = plain(f"{item.kind} {short(item.key)}  {told[item]}", 100)
            if item != centre and st.button(label, key=f"out-{taint.alarm}-{name(item)}", type="tertiary"):
                picked = item
    for version, row in called_back.items():
        st.text(f"{row['who']} recalled dataset {short(version)}, {when(row['given'])}: {cut(row['reason'], 300)}")
        item = Item("dataset", version)
        if item != centre and st.button(f"dataset {short(version)}", key=f"back-{version}", type="tertiary"):
            picked = item
    return picked


def _go(item: Item, group: Group | None = None) -> None:
    st.query_params[NODE] = name(item)
    if group:
        st.query_params[LIST] = name(group)
    else:
        st.query_params.pop(LIST, None)
    st.rerun()
