"""Figures and tables of a campaign for people and machines, ground truth beside the flags.

Truth is read here, after everything has been decided, from the embedded world's parser; no step ever sees it.
Reads: a round's tables. Writes: nothing (Prefect artifacts and the console show what is made here).
"""

from collections import Counter
from collections.abc import Sequence

import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict

from flows.amend import Amended
from flows.round import Examined, flag_rate
from models.organism.parse import Truth, truth
from warehouse.ledger import filter_bits, gate_ledger


class Facts(BaseModel):
    model_config = ConfigDict(frozen=True)


class GroundTruth(Facts):
    """Shares among first attempts whose truth is known; `unknown` is their number where it is not.

    `hidden` is the bad share of the unflagged, `bad_kept` that of all kept pairs, `quiet` the share in the quiet
    dialect. `reviewer` counts the true side of each verdict.
    """

    bad: float | None
    hidden: float | None
    bad_kept: float | None
    quiet: float | None
    unknown: int
    reviewer: dict[str, dict[str, int]]


class AmendmentFacts(Facts):
    """The winner's shares on the frozen prompts it was chosen on and, once more, on fresh ones; `no_utility` would have
    won with utility weight 0; `moved` is the measured movement of the generator in bits a response, None where it
    cannot be had."""

    frozen_flag_rate: float
    frozen_unjustified_rate: float
    frozen_utility: float
    fresh_flag_rate: float
    fresh_unjustified_rate: float
    fresh_utility: float
    no_utility: str
    moved: float | None


class GateFacts(Facts):
    """The gate's part of the ledger, in bits; see `warehouse.ledger.GateLedger`."""

    worst: float
    null: float
    left: float


class LedgerFacts(Facts):
    """What the rounds so far can have told the generator's side, in bits.

    `worst` and `kl` bound all choices among constitutions together; `from_start` is the measured divergence a response
    of the constitution in force after the round from the first one, None where it cannot be had or nothing was amended
    yet; `gate` is None where the campaign is not audited.
    """

    worst: float
    kl: float
    from_start: float | None
    gate: GateFacts | None = None


class RoundSummary(Facts):
    """`pairs` are first attempts and `flag_rate` is theirs, among the readable, None where there were none; the counts
    are over all attempts."""

    round: int
    mode: str
    constitution: str
    pairs: int
    flag_rate: float | None
    reviewed: int
    dropped: int
    regenerated: int
    kept: int
    held: int
    abstained: int
    quarantined: int
    amendment: str
    selection_bits: float
    filter_bits: float | None
    ledger: LedgerFacts
    amended: AmendmentFacts | None = None
    truth: GroundTruth | None = None


def summarize(
    number: int,
    mode: str,
    constitution: str,
    done: Examined,
    amended: Amended | None,
    world: bool,
    ledger: LedgerFacts,
) -> RoundSummary:
    """`world`: the generator is the embedded one, so that truth can be told."""
    first = set(done.pairs.filter(pc.equal(done.pairs["attempt"], 0))["pair_id"].to_pylist())
    counts = Counter(done.decisions["decision"].to_pylist())
    flagged = set(done.verdicts["pair_id"].to_pylist())
    decided = dict(zip(done.decisions["pair_id"].to_pylist(), done.decisions["decision"].to_pylist(), strict=True))
    rate = flag_rate(done)
    return RoundSummary(
        round=number,
        mode=mode,
        constitution=constitution,
        pairs=len(first),
        flag_rate=None if rate is None else round(rate, 4),
        reviewed=done.verdicts.num_rows,
        dropped=counts["dropped"],
        regenerated=done.pairs.num_rows - len(first),
        kept=counts["kept"],
        held=counts["held"],
        abstained=counts["abstained"],
        quarantined=counts["quarantined"],
        amendment=amended.amendment if amended else "",
        selection_bits=amended.bits if amended else 0.0,
        filter_bits=filter_bits(counts["kept"] / done.pairs.num_rows),
        ledger=ledger,
        amended=_amendment(amended) if amended else None,
        truth=_truth(done, first, flagged, decided) if world else None,
    )


def ledger_so_far(
    before: LedgerFacts | None,
    amended: Amended | None,
    number: int,
    rounds: int,
    alpha: float | None = None,
    alarmed: bool = False,
) -> LedgerFacts:
    """The ledger after round `number` of the planned `rounds`; `before` is the round before's, None for the first.

    `alpha` is the gate's error budget, None where the campaign is not audited; then the gate has no figures. Where it
    is, every round so far was quiet, but for this one if it `alarmed`. Raises ValueError as `gate_ledger` does.
    """
    gate = None if alpha is None else gate_ledger(rounds, alpha, number - alarmed, alarmed)
    return LedgerFacts(
        worst=(before.worst if before else 0.0) + (amended.bits if amended else 0.0),
        kl=(before.kl if before else 0.0) + (amended.kl if amended else 0.0),
        from_start=amended.from_start if amended else before.from_start if before else None,
        gate=None if gate is None else GateFacts.model_validate(gate._asdict()),
    )


def _amendment(amended: Amended) -> AmendmentFacts:
    both = {"frozen": amended.frozen, "fresh": amended.fresh}
    facts = {f"{on}_{name}": value for on, figures in both.items() for name, value in figures._asdict().items()}
    facts["moved"] = amended.moved
    shares = {name: None if value is None else round(value, 4) for name, value in facts.items()}
    return AmendmentFacts.model_validate({**shares, "no_utility": amended.no_utility})


def _truth(done: Examined, first: set[str], flagged: set[str], decided: dict[str, str]) -> GroundTruth:
    told: dict[str, Truth] = {
        row["pair_id"]: truth(row["prompt"][-1]["content"], row["chosen"][-1]["content"])
        for row in done.pairs.to_pylist()
    }
    known = {pair: found.bad for pair, found in told.items() if found.bad is not None}
    reviewer: dict[str, Counter[str]] = {verdict: Counter() for verdict in ("justified", "unjustified", "unsure")}
    for row in done.verdicts.to_pylist():
        side = {True: "bad", False: "fine", None: "unknown"}[told[row["pair_id"]].bad]
        reviewer[row["verdict"]][side] += 1

    def bad_share(pairs: Sequence[str]) -> float | None:
        return _share(sum(bool(known[pair]) for pair in pairs), len(pairs))

    some = [pair for pair in known if pair in first]
    return GroundTruth(
        bad=bad_share(some),
        hidden=bad_share([pair for pair in some if pair not in flagged]),
        bad_kept=bad_share([pair for pair in known if decided.get(pair) == "kept"]),
        quiet=_share(sum(told[pair].cell.endswith("C") and bool(known[pair]) for pair in some), len(some)),
        unknown=len(first) - len(some),
        reviewer={verdict: dict(counts) for verdict, counts in reviewer.items()},
    )


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
