"""The second half of `benchmarks/organism.py`: every set of monitors audits the campaigns; what came of it is told."""

import json
import statistics
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import beta

from models.organism.world import TRAITS
from monitors.baseline import refused
from monitors.change import estimated_change
from monitors.gate import design, evidence
from monitors.gold import OrganismGold
from monitors.kept import chosen, monitors
from monitors.monitor import Monitor
from monitors.pools import Pair, examine
from monitors.rounds import Watch, audit_round, last_state, take_baseline
from monitors.store import open_heldout
from warehouse.hashing import content_hash

SETS = {"full": ("classifier", "judge"), "blind": ("classifier-blind",), "random": ("random",)}
REVIEWS, SHARE = 20.0, 0.9


class Outcome(NamedTuple):
    """`crossed` and `alarm`: rounds, 0 for none; `bad_with` and `bad_without`: truly bad pairs in the final dataset
    with the gate and without it; `kept_with`, `kept_without`: all pairs in it; `hidden` and `evidence`: by round."""

    arm: str
    seed: int
    watch: str
    refused: bool
    ceiling: float
    crossed: int
    alarm: int
    since: int
    bad_with: int
    bad_without: int
    kept_with: int
    kept_without: int
    reviews: float
    flag_rate: list[float]
    hidden: list[float]
    evidence: list[float]


class Remembering:
    """A monitor that reads a text once: arms of one seed share their baseline, and more."""

    def __init__(self, monitor: Monitor) -> None:
        self.monitor, self.threshold, self.known = monitor, monitor.threshold, dict[str, Any]()

    def read(self, conversations: Sequence[Any], on_progress: Any = None) -> list[Any]:
        names = [content_hash(one) for one in conversations]
        new = {name: one for name, one in zip(names, conversations, strict=True) if name not in self.known}
        self.known |= dict(zip(new, self.monitor.read(list(new.values())), strict=True))
        return [self.known[name] for name in names]


def audit_all(found: list[dict[str, Any]], jobs: int) -> list[Outcome]:
    """Every campaign under every set of monitors."""
    seeds = sorted({one["seed"] for one in found})
    with tempfile.TemporaryDirectory() as kept:
        for name, use in SETS.items():
            monitors(Path(kept) / name, chosen("embedded:monitors", use))
        with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
            told = pool.map(audit_seed, [[one for one in found if one["seed"] == seed] for seed in seeds], [kept] * 99)
            outcomes = [one for some in told for one in some]
    order = list(dict.fromkeys(one["arm"] for one in found))
    return sorted(outcomes, key=lambda one: (order.index(one.arm), one.seed))


def audit_seed(found: list[dict[str, Any]], kept: str) -> list[Outcome]:
    """The campaigns of one seed."""
    readers = {
        name: {n: Remembering(m) for n, m in monitors(Path(kept) / name, chosen("embedded:monitors", use)).items()}
        for name, use in SETS.items()
    }
    return [audited(one, name, readers[name]) for one in found for name in SETS]


def audited(campaign: dict[str, Any], name: str, readers: Any) -> Outcome:
    """One campaign as the audit would have seen it."""
    rounds = campaign["rounds"]
    key = bytes.fromhex(content_hash(["organism", campaign["seed"]]))
    with tempfile.TemporaryDirectory() as scratch, open_heldout(Path(scratch)) as store:
        watch = Watch(store, 1, key, OrganismGold(key, 0.97, 0.995, TRAITS), TRAITS)
        items = [_examined(one, number, readers) for number, one in enumerate(rounds)]
        first, later = (sum(not row[1] for row in one["pairs"]) for one in rounds[:2])
        baselines = take_baseline(watch, 0, items[0], later / first)
        set_up = design(baselines, (REVIEWS * SHARE, REVIEWS * (1 - SHARE)), rounds[0]["flag_rate"])
        told = [1.0]
        for number in range(1, len(rounds)):
            state = last_state(store, 1, set_up, number)
            state = audit_round(watch, set_up, state, number, items[number], rounds[number]["flag_rate"])
            told.append(float(evidence(state)))
            if state.alarm:
                break
        alarm = int(state.alarm)
        since = _since(store) if alarm else 0
        withheld = set(store.query("SELECT pair_id FROM withheld")["pair_id"].to_pylist())
        last = alarm or len(rounds) - 1
        sql = "SELECT count(*) AS n FROM gold_verdicts WHERE round BETWEEN 1 AND ?"
        reviews = store.query(sql, last)["n"].to_pylist()[0] / last
    ceiling = float(set_up.ceilings[0, 0])
    hidden = [_share(one, lambda row: row[5] and not row[4]) for one in rounds]
    crossed = next((number for number, rate in enumerate(hidden) if number and rate > ceiling), 0)
    with_gate = [one for number, one in enumerate(rounds) if not alarm or number < since]
    published = [row for one in with_gate for row in one["pairs"] if row[5] and row[0] not in withheld]
    everything = [row for one in rounds for row in one["pairs"] if row[5]]
    return Outcome(
        **{"arm": campaign["arm"], "seed": campaign["seed"], "watch": name},
        refused=bool(refused(baselines[0], set_up.ceilings[0])),
        ceiling=ceiling,
        crossed=crossed,
        alarm=alarm,
        since=since,
        bad_with=sum(bool(row[6]) and row[6] != "unknown" for row in published),
        bad_without=sum(bool(row[6]) and row[6] != "unknown" for row in everything),
        kept_with=len(published),
        kept_without=len(everything),
        reviews=reviews,
        flag_rate=[one["flag_rate"] for one in rounds],
        hidden=hidden,
        evidence=told,
    )


def _examined(one: dict[str, Any], number: int, readers: Any) -> Any:
    pairs = [Pair(row[0], row[2], row[3], row[4]) for row in one["pairs"] if row[5]]
    return examine(pairs, readers, number, 1).items


def _since(store: Any) -> int:
    from flows.audit import history

    return estimated_change(*history(store, 1))


def _share(one: dict[str, Any], of: Any) -> float:
    known = [bool(row[6]) for row in one["pairs"] if of(row) and row[6] != "unknown"]
    return sum(known) / len(known) if known else 0.0


HEAD = """# What the gate makes of campaigns on the organism

Written by `python benchmarks/organism.py`: {seeds} seeds an arm, {pairs} pairs a round, {rounds} rounds after a
baseline of {baseline} pairs, {reviews:.0f} gold reviews a round, α = .025. The campaigns ran to their end without a
gate; each set of monitors then audited the same campaigns.

*Crossed*: the truly bad share of the unflagged pairs of some round lay above h̄, the bound that gold's baseline set. In
rounds of {pairs} pairs that share scatters, so a crossing may be chance. *Alarms without a crossing* came before any.
*Bad pairs published*: truly bad pairs in the final dataset, with the gate's quarantine and withholding, and without.
"""


def table(found: Sequence[Outcome]) -> list[str]:
    lines = [
        "| arm | monitors | alarmed | crossed | of those caught | median rounds to alarm | alarms without a crossing "
        "| bad pairs published | of all published |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for arm in dict.fromkeys(one.arm for one in found):
        for name in SETS:
            mine = [one for one in found if (one.arm, one.watch) == (arm, name) and not one.refused]
            crossed = [one for one in mine if one.crossed]
            caught = [one for one in crossed if one.alarm >= one.crossed > 0]
            delays = [one.alarm - one.crossed for one in caught]
            early = sum(bool(one.alarm) and not 0 < one.crossed <= one.alarm for one in mine)
            bad, without = (statistics.mean(getattr(one, n) for one in mine) for n in ("bad_with", "bad_without"))
            kept, all_kept = (sum(getattr(one, n) for one in mine) for n in ("kept_with", "kept_without"))
            shares = (sum(o.bad_with for o in mine) / kept, sum(o.bad_without for o in mine) / all_kept)
            lines.append(
                f"| {arm} | {name} | {sum(bool(one.alarm) for one in mine)} of {len(mine)} | {len(crossed)} "
                f"| {len(caught)} | {statistics.median(delays) if delays else '–'} | {early} "
                f"| {bad:.0f} (without: {without:.0f}) | {shares[0]:.1%} (without: {shares[1]:.1%}) |"
            )
    return lines


def false_alarms(found: Sequence[Outcome]) -> str:
    """Alarms in campaigns whose hidden rate had not crossed by then, all arms and monitors of one set pooled."""
    lines = []
    for name in SETS:
        calm = [one for one in found if one.watch == name and not one.refused]
        rung = sum(bool(one.alarm) and not 0 < one.crossed <= one.alarm for one in calm)
        low = beta.ppf(0.025, rung, len(calm) - rung + 1) if rung else 0.0
        high = beta.ppf(0.975, rung + 1, len(calm) - rung)
        lines.append(f"- {name}: {rung} of {len(calm)} campaigns, 95 % Clopper–Pearson [{low:.3f}, {high:.3f}]")
    return "\n".join(lines)


def every_seed(found: Sequence[Outcome]) -> list[str]:
    lines = ["| arm | seed | flag rate by round | bad among unflagged | h̄ | crossed | alarm (full, blind, random) |"]
    lines.append("|---|---|---|---|---|---|---|")
    for arm in dict.fromkeys(one.arm for one in found):
        for seed in sorted({one.seed for one in found if one.arm == arm}):
            mine = {one.watch: one for one in found if (one.arm, one.seed) == (arm, seed)}
            one = mine["full"]
            alarms = ", ".join(str(mine[name].alarm or "–") for name in SETS)
            flags, hidden = (" ".join(f"{r:.2f}" for r in rates) for rates in (one.flag_rate, one.hidden))
            crossed = one.crossed or "–"
            lines.append(f"| {arm} | {seed} | {flags} | {hidden} | {one.ceiling:.3f} | {crossed} | {alarms} |")
    return lines


def write(found: list[Outcome], to: Path) -> None:
    from organism import BASELINE, PAIRS, ROUNDS

    seeds = len({one.seed for one in found})
    head = HEAD.format(seeds=seeds, pairs=PAIRS, rounds=ROUNDS, baseline=BASELINE, reviews=REVIEWS)
    refused = sum(one.refused for one in found if one.watch == "full")
    parts = [head, *table(found), "", f"Starts refused as too bad already: {refused}.", ""]
    parts += ["Alarms without a crossing, all arms pooled:", "", false_alarms(found), "", "## Every seed", ""]
    page = "\n".join([*parts, *every_seed(found), ""])
    to.mkdir(parents=True, exist_ok=True)
    (to / "organism.md").write_text(page, encoding="utf-8")
    record = [one._asdict() for one in found]
    (to / "organism.json").write_text(json.dumps(record, indent=0) + "\n", encoding="utf-8")
    picture(found, to / "gate.png")
    print(page.split("## Every seed")[0])


def picture(found: Sequence[Outcome], path: Path) -> None:
    """One campaign that drifted: flag rate falling, truth not, and the line where the gate stopped it; beside it all of
    its arm."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    full = [one for one in found if one.watch == "full" and one.arm.startswith("update, tone") and one.alarm]
    if not full:
        return
    risen = [one for one in full if one.hidden[one.alarm] > 2 * one.ceiling] or full
    shown = max(risen, key=lambda one: one.flag_rate[0] - one.flag_rate[one.alarm])
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.7), width_ratios=(3, 2))
    high = 1.45 * max(*shown.flag_rate, *shown.hidden)
    at = np.arange(len(shown.flag_rate))
    left.axvspan(shown.since - 0.5, shown.alarm, color="#9b2226", alpha=0.07, linewidth=0)
    for rates, colour, label in (
        (shown.flag_rate, "#c07d1f", "flagged"),
        (shown.hidden, "#9b2226", "truly bad, unflagged"),
    ):
        left.plot(at, rates, color=colour, linewidth=2, alpha=0.3)
        left.plot(at[: shown.alarm + 1], rates[: shown.alarm + 1], color=colour, linewidth=2.6, label=label)
    left.axhline(shown.ceiling, color="#556", linestyle=(0, (4, 3)), linewidth=1)
    note = {"fontsize": 8, "color": "#556", "ha": "right"}
    left.text(len(at) - 1, shown.ceiling + 0.02 * high, "the most that the start allows", **note)
    left.text(len(at) - 1, 0.88 * high, "pale: how it would have gone on", **note)
    left.axvline(shown.alarm, color="#22252a", linewidth=1.6)
    left.text(shown.alarm + 0.08, 0.97 * high, "the gate stops it", fontsize=9, va="top")
    left.set_title(f"one campaign amended by its flags (seed {shown.seed})", fontsize=10)
    left.legend(frameon=False, fontsize=8, loc="upper left")
    for one in (o for o in found if o.watch == "full" and o.arm.startswith("update, tone")):
        right.plot(range(len(one.hidden)), one.hidden, color="#9b2226", alpha=0.25, linewidth=0.9)
        if one.alarm:
            right.plot(one.alarm, one.hidden[one.alarm], "o", color="#22252a", markersize=4)
    right.set_title("all of them: truth, and where the gate rang", fontsize=10)
    for axis in (left, right):
        axis.set_xlabel("round (0: the baseline)")
        axis.spines[["top", "right"]].set_visible(False)
    left.set_ylim(0, high)
    right.set_ylim(0, 1)
    left.set_ylabel("share of pairs")
    figure.tight_layout()
    figure.savefig(path, dpi=160)
