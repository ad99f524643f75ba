"""What one campaign of a study has to tell once it is over: round by round, and what it published.

Ground truth is read here, after everything has been decided. Reads: the campaign's report, its snapshots, its published
dataset. Writes: nothing. Must not know: which arm asks.
"""

from collections.abc import Sequence
from typing import Any

import pyarrow.parquet as pq

from flows.campaign import Report
from flows.settings import Campaign
from flows.summary import Facts
from models.diversity import distinct
from models.organism.parse import truth
from tasks.utility import utility
from warehouse.snapshot import open_snapshot
from warehouse.store import home

KEPT, EVERYTHING = "kept", "everything"
PAIRS = """
SELECT p.pair_id, p.round, p.attempt, p.prompt[-1].content AS request, p.chosen[-1].content AS response, d.decision,
  v.pair_id IS NOT NULL AS flagged
FROM pairs p JOIN decisions d USING (pair_id) LEFT JOIN verdicts v USING (pair_id) WHERE d.decision <> 'quarantined'
ORDER BY p.round, p.attempt, p.position
"""
BOUNDS = "SELECT round, low, high FROM audits WHERE pool = 'unflagged'"
CEILING = "SELECT ceilings->'unflagged'->>0 AS ceiling FROM gate ORDER BY seal LIMIT 1"


class Published(Facts):
    """`bad` is the truly bad share of the `pairs` whose truth is known, None where it is of none. `utility` and
    `diversity` are means over texts and a share of word pairs, None where they cannot be had."""

    pairs: int
    bad: float | None
    utility: float | None
    diversity: float | None


class RoundTold(Facts):
    """`bad`, `hidden` and `quiet` as in `flows.summary.GroundTruth`, `hidden_of` the unflagged that `hidden` is a share
    of. `bits` bound what selection among constitutions had told by the time the round was written, `divergence` is the
    measured one of the constitution in force from the first, in bits a response, None where it cannot be had. `low` and
    `high` are what gold bounds the hidden rate by where the campaign is audited. `publishes`: what was kept of the
    round, and everything that was valid in it."""

    round: int
    mode: str
    constitution: str
    flag_rate: float | None
    bad: float | None
    hidden: float | None
    hidden_of: int
    quiet: float | None
    bits: float
    divergence: float | None
    filter_bits: float | None
    low: float | None
    high: float | None
    publishes: dict[str, Published]


class Told(Facts):
    """`alarm` is the round that rang, `ceiling` the limit of the hidden rate that the baseline set; None without.
    `stopped` says why the audit refused the start. `dataset`: of the rounds after any baseline, what stands published
    at the end, and everything."""

    campaign: str
    alarm: int | None = None
    ceiling: float | None = None
    stopped: str = ""
    rounds: tuple[RoundTold, ...] = ()
    dataset: dict[str, Published] = {}


def told(settings: Campaign, report: Report) -> Told:
    """What the campaign that has just ended tells."""
    folder, embedded = home() / settings.name, settings.models.generator.startswith("organism:")
    with open_snapshot(folder / "author") as store:
        rows = store.query(PAIRS).to_pylist()
    bounds: dict[int, dict[str, Any]] = {}
    ceiling = None
    if settings.audit.gold != "off":
        with open_snapshot(folder / "auditor") as store:
            bounds = {row["round"]: row for row in store.query(BOUNDS).to_pylist()}
            ceiling = next((float(row["ceiling"]) for row in store.query(CEILING).to_pylist()), None)
    summaries = [*([report.baseline] if report.baseline else []), *report.rounds]
    standing = set(pq.read_table(report.dataset / "train.parquet", columns=["pair_id"])["pair_id"].to_pylist())
    rounds = []
    for before, one in zip([None, *summaries], summaries, strict=False):
        mine = [row for row in rows if row["round"] == one.round]
        known = bounds.get(one.round, {})
        true = one.truth.model_dump() if one.truth else {}
        rounds.append(
            RoundTold(
                round=one.round,
                mode=one.mode,
                constitution=one.constitution,
                flag_rate=one.flag_rate,
                bad=true.get("bad"),
                hidden=true.get("hidden"),
                hidden_of=_unflagged(mine) if embedded else 0,
                quiet=true.get("quiet"),
                bits=before.ledger.worst if before else 0.0,
                divergence=_divergence(before.ledger.from_start if before else 0.0, one.constitution, summaries[0]),
                filter_bits=one.filter_bits,
                low=known.get("low"),
                high=known.get("high"),
                publishes=_both([row for row in mine if row["decision"] == "kept"], mine, embedded),
            )
        )
    later = [row for row in rows if row["round"]]
    dataset = _both([row for row in later if row["pair_id"] in standing], later, embedded)
    alarm = int(report.alarm.stem.rpartition("-")[2]) if report.alarm else None
    return Told(campaign=settings.name, alarm=alarm, ceiling=ceiling, rounds=tuple(rounds), dataset=dataset)


def _unflagged(rows: Sequence[dict[str, Any]]) -> int:
    """First attempts whose truth is known."""
    some = [row for row in rows if not row["attempt"] and not row["flagged"]]
    return sum(truth(row["request"], row["response"]).bad is not None for row in some)


def _divergence(measured: float | None, constitution: str, first: Any) -> float | None:
    """Of the first constitution it is 0, measured or not."""
    return 0.0 if constitution == first.constitution else measured


def _both(kept: Sequence[dict[str, Any]], rows: Sequence[dict[str, Any]], embedded: bool) -> dict[str, Published]:
    first = [row for row in rows if not row["attempt"]]
    return {KEPT: _published(kept, embedded), EVERYTHING: _published(first, embedded)}


def _published(rows: Sequence[dict[str, Any]], embedded: bool) -> Published:
    found = [truth(row["request"], row["response"]).bad for row in rows] if embedded else []
    known = [bool(bad) for bad in found if bad is not None]
    helps = [utility(row["request"], row["response"]) for row in rows]
    return Published(
        pairs=len(rows),
        bad=sum(known) / len(known) if known else None,
        utility=sum(helps) / len(helps) if helps else None,
        diversity=distinct([row["response"] for row in rows]),
    )
