"""The auditor's snapshot: what the held-out side knows of a campaign, for readers who may see it.

Reads: the held-out store. Writes: `<campaign>/auditor/`, a versioned folder behind one pointer file. Must not know: the
author's snapshot, or who reads this one.
"""

import json
from pathlib import Path

from flows.handover import Circumstances, handed
from monitors.gate import Design, from_json
from monitors.pools import POOLS
from warehouse.ledger import harm_ceiling
from warehouse.snapshot import publish_snapshot
from warehouse.store import Store


def write_snapshot(folder: Path, store: Store, about: Circumstances) -> None:
    """Tables `audits` (a row for each round and pool), `gate` (one a seal), `examples` (what gold called bad)."""
    audits = store.query("SELECT * FROM v_audits")
    examples = store.query(
        "SELECT round, pair_id, pool, traits FROM gold_verdicts JOIN coins USING (seal, round, pair_id) "
        "WHERE turn = 2 AND verdict = 'unjustified' ORDER BY round, pair_id"
    )
    gates = []
    for row in store.query("SELECT * FROM designs ORDER BY seal").to_pylist():
        set_up = from_json(Design, row["design"])
        limits = {pool: set_up.ceilings[place].tolist() for place, pool in enumerate(POOLS)}
        facts = {
            "seal": row["seal"],
            "began": row["began"],
            "threshold": float(1 / set_up.alpha),
            "bets": row["bets"],
        }
        start = limits["unflagged"][0]
        moved = handed(folder, about.round).about.moved
        ceiling = harm_ceiling(start, moved)
        gates.append({**facts, "ceilings": json.dumps(limits), "harm_ceiling": ceiling})
    tables = {"audits": audits, "examples": examples, "gate": gates}
    publish_snapshot(folder / "auditor", tables, {"campaign": about.campaign, "round": about.round})
