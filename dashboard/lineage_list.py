"""The nodes of a group as a table, a page at a time, from which one is picked.

Reads: the author's snapshot. Writes: nothing. Must not know: how a picture shows the group.
"""

import streamlit as st

from dashboard.lineage_picture import plural
from dashboard.neighbourhood import Group, members
from dashboard.plain import cut
from dashboard.style import short
from warehouse.graph import Item
from warehouse.nodes import describe
from warehouse.store import Store

ROWS = 200
"""On one page of the table."""


def members_list(record: Store, group: Group) -> Item | None:
    """Show the group's nodes by key; the one picked just now."""
    sql, params = members(group)
    kind, owner = group.members, group.owner
    count = int(record.query(f"SELECT count(*) AS many FROM ({sql})", *params)["many"][0].as_py())
    side = "above" if group.up else "below"
    st.subheader(plural(kind, count))
    st.text(
        f"They stand {side} {owner.kind} {short(owner.key)}" + (f", beyond its {group.kind}s." if group.then else ".")
    )
    if not count:
        return None
    left, right = st.columns([3, 2])
    starts = left.text_input("Only those whose id begins with", key="begins", max_chars=64).strip()
    if starts:
        sql, params = f"SELECT key FROM ({sql}) WHERE starts_with(key, ?)", [*params, starts]
        count = int(record.query(f"SELECT count(*) AS many FROM ({sql})", *params)["many"][0].as_py())
    pages = max(1, -(-count // ROWS))
    page = int(right.number_input(f"Page of {pages:,}", 1, pages, key="list-page")) if pages > 1 else 1
    keys = record.query(f"{sql} ORDER BY key LIMIT {ROWS} OFFSET {ROWS * (page - 1)}", *params)["key"].to_pylist()
    told = _told(record, kind, keys)
    shown = st.dataframe(
        {kind: keys, **told},
        key=f"list-{kind}-{page}-{starts}",
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        height=min(430, 38 + 35 * max(1, len(keys))),
    )
    rows = shown["selection"]["rows"]
    return Item(kind, keys[rows[0]]) if rows and rows[0] < len(keys) else None


def _told(record: Store, kind: str, keys: list[str]) -> dict[str, list[str]]:
    """Some columns on each key, in their order."""
    if kind == "pair":
        sql = """
            SELECT pair_id AS key, round, coalesce(decision, 'undecided') AS decision, prompt[-1].content AS said
            FROM pairs LEFT JOIN decisions USING (pair_id) WHERE list_contains(?, pair_id)
        """
    elif kind == "prompt":
        sql = """
            SELECT prompt_id AS key, count(*) AS pairs, any_value(prompt)[-1].content AS said
            FROM pairs WHERE list_contains(?, prompt_id) GROUP BY prompt_id
        """
    else:
        words = describe(record, [Item(kind, key) for key in keys])
        return {"": [words[Item(kind, key)] for key in keys]}
    rows = {row["key"]: row for row in record.query(sql, keys).to_pylist()}
    names = ("round", "decision") if kind == "pair" else ("pairs",)
    columns = {one: [str(rows[key][one]) if key in rows else "" for key in keys] for one in names}
    return {**columns, "prompt": [cut(str(rows[key]["said"] or ""), 160) if key in rows else "" for key in keys]}
