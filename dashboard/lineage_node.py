"""What a node of the lineage is, and the way to its own page.

Reads: the author's snapshot. Writes: nothing. Must not know: what lies round the node.
"""

import json
from typing import Any

import streamlit as st

from dashboard.links import link
from dashboard.plain import cut, visible
from dashboard.style import count, escaped, short, text
from warehouse.graph import Item
from warehouse.nodes import describe
from warehouse.store import Store

Row = dict[str, Any]


def panel(record: Store, item: Item) -> None:
    """A heading, its facts and texts, and a link where it has a page of its own."""
    st.subheader(item.kind.capitalize())
    st.code(item.key, language=None, wrap_lines=True)
    show = {"pair": _pair, "prompt": _prompt, "constitution": _constitution, "dataset": _dataset, "campaign": _campaign}
    show.get(item.kind, _artifact)(record, item)


def _pair(record: Store, item: Item) -> None:
    row = _first(record, "SELECT * FROM v_pairs WHERE pair_id = ?", item.key)
    if row is None:
        rejected = _first(record, "SELECT * FROM quarantine WHERE pair_id = ?", item.key) or {}
        _facts({"quarantined": rejected.get("expectation"), "because": rejected.get("detail")})
        return
    facts = {
        "round": f"{row['round']}, position {row['position']}, attempt {row['attempt']}",
        "decision": " – ".join(filter(None, (row["decision"] or "none yet", row["decision_reason"]))),
        "verdict": row["verdict"],
        "source": " ".join(filter(None, (row["source"], row["source_id"]))),
    }
    _facts(facts)
    link("pairs", "Read the pair", icon=":material/list:", pair=item.key)
    for caption in ("prompt", "chosen", "rejected"):
        said = row[caption][-1]["content"] if row[caption] else ""
        text(said, who=caption, most=2000)


def _prompt(record: Store, item: Item) -> None:
    row = _first(record, "SELECT prompt, count(*) OVER () AS pairs FROM pairs WHERE prompt_id = ? LIMIT 1", item.key)
    if row:
        _facts({"pairs": count(row["pairs"])})
        for turn in row["prompt"]:
            text(turn["content"], who=turn["role"], most=2000)


def _constitution(record: Store, item: Item) -> None:
    row = _first(record, "SELECT * FROM constitutions WHERE hash = ?", item.key)
    if row is None:
        _facts({"known": "only by its hash; the document is not in this record"})
        return
    told = "SELECT count(*) AS pairs, string_agg(DISTINCT round::VARCHAR, ', ' ORDER BY round::VARCHAR) AS rounds "
    under = _first(record, told + "FROM pairs WHERE constitution = ?", item.key) or {}
    _facts(
        {
            "version": f"{row['name']} v{row['version']}",
            "amendment": row["amendment"] or "the first version",
            "rounds": under.get("rounds") or "none",
            "pairs": count(under.get("pairs")),
        }
    )
    link("constitution", "See what it changed", icon=":material/history_edu:", constitution=item.key)
    for principle in json.loads(row["principles"]):
        text(visible(principle["text"]), who=cut(principle["id"], 60), most=1000)


def _dataset(record: Store, item: Item) -> None:
    rows = record.query("SELECT * FROM datasets WHERE version = ? ORDER BY round", item.key).to_pylist()
    kept = """
        SELECT round, count(*) AS pairs FROM dataset_pairs JOIN pairs USING (pair_id) WHERE version = ?
        GROUP BY round ORDER BY round
    """
    rounds = record.query(kept, item.key).to_pylist()
    alarm = _first(record, "SELECT alarm FROM quarantined_datasets WHERE version = ?", item.key)
    back = _first(record, "SELECT * FROM recalls WHERE version = ? ORDER BY number DESC", item.key)
    _facts(
        {
            "published": ", ".join(f"round {row['round']}" for row in rows),
            "rows": count(rows[0]["rows"]) if rows else None,
            "folder": f"dataset/{rows[0]['path']}" if rows else None,
            "pairs of": ", ".join(f"round {row['round']}: {row['pairs']:,}" for row in rounds),
            "quarantined": f"by the alarm in round {alarm['alarm']}; do not train on it" if alarm else None,
            "recalled": f"by {back['who']}: {back['reason']}; {short(back['replaced'])} stands for it"
            if back
            else None,
        }
    )


def _campaign(record: Store, item: Item) -> None:
    row = _first(record, "SELECT config FROM campaigns WHERE campaign = ?", item.key)
    config = json.loads(row["config"]) if row else {}
    _facts({name: config.get(name) for name in ("mode", "rounds", "pairs", "seed")})
    link("campaign", "See its rounds", icon=":material/timeline:")


def _artifact(record: Store, item: Item) -> None:
    row = _first(record, "SELECT * FROM artifacts WHERE hash = ?", item.key)
    told = describe(record, [item])[item]
    meta = json.loads(row["meta"]) if row else {}
    plain = {name: value for name, value in meta.items() if isinstance(value, str | int | float) and value != ""}
    _facts({"name": told or "not in this record", **dict(list(plain.items())[:10])})
    if item.kind in ("profile", "sae"):
        link("profile", "See what it reads", icon=":material/tune:")


def _facts(told: Row) -> None:
    """A line for each fact there is."""
    rows = "".join(
        f'<tr><td style="color:#556070;padding:.1rem 1.2rem .1rem 0;white-space:nowrap;vertical-align:top">'
        f'{escaped(cut(name, 40))}</td><td style="overflow-wrap:anywhere;unicode-bidi:isolate">'
        f"{escaped(cut(str(value), 500))}</td></tr>"
        for name, value in told.items()
        if value not in (None, "")
    )
    st.html(f"<table>{rows}</table>")


def _first(record: Store, sql: str, *params: Any) -> Row | None:
    return next(iter(record.query(sql, *params).to_pylist()), None)
