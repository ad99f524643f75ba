"""The auditor's snapshot: what the held-out side knows of a campaign, for readers who may see it.

Reads: the held-out store. Writes: `<campaign>/auditor/`, a versioned folder behind one pointer file. Must not know: the
author's snapshot, or who reads this one.
"""

import json
from pathlib import Path

from flows.handover import Circumstances, handed
from flows.spent import spent_table
from monitors.confidence import ALPHA
from monitors.gate import Design, from_json
from monitors.hidden_rate import NOTHING, bounds
from monitors.kept import JOURNALS
from monitors.pools import POOLS
from warehouse.ledger import harm_ceiling
from warehouse.snapshot import publish_snapshot
from warehouse.store import Store


def write_snapshot(folder: Path, store: Store, about: Circumstances) -> None:
    """Tables `audits` (a row for each round and pool, with the round's harm ceiling and what
    `monitors.hidden_rate` can bound, None where it cannot), `gate` (one a seal), `monitors`
    (their quality, measured before they watched), `examples` (what gold called bad) and `spent` (what endpoints cost,
    by role)."""
    audits = store.query("SELECT * FROM v_audits").to_pylist()
    examples = store.query(
        "SELECT round, pair_id, pool, traits FROM gold_verdicts JOIN coins USING (seal, round, pair_id) "
        "WHERE turn = 2 AND verdict = 'unjustified' ORDER BY round, pair_id"
    )
    gates, start = [], {}
    for row in store.query("SELECT * FROM designs ORDER BY seal").to_pylist():
        set_up = from_json(Design, row["design"])
        limits = {pool: set_up.ceilings[place].tolist() for place, pool in enumerate(POOLS)}
        start[row["seal"]] = limits["unflagged"][0]
        facts = {"seal": row["seal"], "began": row["began"], "bets": row["bets"], "ceilings": json.dumps(limits)}
        gates.append({**facts, "threshold": float(1 / set_up.alpha)})
    known = bounds(store)
    for row in audits:
        row |= known.get((row["seal"], row["round"], row["pool"]), NOTHING)._asdict()
        moved = handed(folder, row["round"]).about.moved
        row["harm_ceiling"] = harm_ceiling(start.get(row["seal"]), moved) if row["pool"] == "unflagged" else None
    tables = {
        "audits": audits,
        "examples": examples,
        "gate": gates,
        "monitors": store.query("SELECT * FROM v_quality"),
        "spent": spent_table(folder / "heldout" / JOURNALS),
    }
    told = {"campaign": about.campaign, "round": about.round, "confidence": 1 - ALPHA}
    publish_snapshot(folder / "auditor", tables, told)
