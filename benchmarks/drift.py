"""What amending by flags does: whole campaigns on the organism at fixed seeds, each arm with ground truth beside it.

    python benchmarks/drift.py --jobs 2

Runs the campaign flow itself, writes drift.json, drift.md and drift.png in docs/results. A seed counts as drifted when
the mean flag rate of its last two rounds is at most half of the first round's, and the truly bad share of what it kept
did not fall. Under an hour on two cores.
"""

import argparse
import json
import os
import statistics
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

RESULTS = Path(__file__).parent.parent / "docs" / "results"
TONE = ("conviction", "modesty", "image", "warmth", "deference")
ARMS: dict[str, dict[str, Any]] = {
    "filter": {"mode": "filter", "rounds": 3},
    "regenerate": {"mode": "regenerate", "rounds": 3},
    "update, tone principles": {"amend": {"families": TONE}},
    "the same, all-dialect profile": {"amend": {"families": TONE}, "profile": {"dialects": "ABC", "latents": 100}},
    "the same, no principle leads to the quiet dialect": {"amend": {"families": TONE, "quiet": False}},
    "random amendments": {"amend": {"families": TONE, "chooser": "random"}},
}
BASE: dict[str, Any] = {"mode": "update", "rounds": 6, "pairs": 80, "shard": 80}
AMEND = {"frozen_prompts": 32, "fresh_prompts": 8}
ORDER = (*list(ARMS)[2:], *list(ARMS)[:2])  # the telling arms first
SHOWN = ("flag_rate", "bad", "hidden", "bad_kept", "quiet")


def campaign(arm: str, seed: int) -> dict[str, Any]:
    """One campaign by the campaign's own steps, called plainly; its rounds with ground truth."""
    from flows.prefect_setup import prepare
    from flows.settings import EMBEDDED, Campaign, load_campaign
    from warehouse.store import home

    prepare(home())
    from flows.amend import amend_flow
    from flows.progress import Progress
    from flows.round import round_flow
    from flows.shelf import Shelf
    from flows.summary import LedgerFacts, ledger_so_far, summarize
    from flows.workshop import open_workshop
    from tasks.shard import Given, Shard, ShardTask

    class PlainShelf(Shelf):
        def _execute(self, step: ShardTask, shard: Shard, inputs: dict[str, Any]) -> bool:
            step.task.fn(shard, Given({**inputs, "docs": None} if "docs" in inputs else inputs))  # no web pages here
            return False

    shipped = load_campaign(EMBEDDED).model_dump()
    change = {**BASE, **ARMS[arm]}
    parts = {name: {**shipped[name], **change.get(name, {})} for name in ("amend", "profile")}
    parts["amend"] |= AMEND
    name = f"drift-{list(ARMS).index(arm)}-{seed}"
    settings = Campaign.model_validate({**shipped, **change, **parts, "name": name, "seed": seed})
    rounds, seen = list[dict[str, Any]](), set[str]()
    with open_workshop(settings, Progress(quiet=True)) as opened:
        shop, constitution = opened._replace(shelf=PlainShelf(opened.folder, "drift")), opened.constitution
        ledger: LedgerFacts | None = None
        moved: float | None = 0.0
        for number in range(1, settings.rounds + 1):
            done = round_flow.fn(name, number, shop, constitution, seen, (number - 1) * settings.pairs)
            amended = amend_flow.fn(name, number, shop, constitution, moved) if settings.mode == "update" else None
            ledger = ledger_so_far(ledger, amended, number, settings.rounds)
            summary = summarize(number, settings.mode, constitution.hash, done, amended, True, ledger)
            moved = amended.from_start if amended else moved
            told = summary.truth.model_dump() if summary.truth else {}
            rounds.append({"flag_rate": summary.flag_rate, "amendment": summary.amendment, **told})
            constitution = amended.constitution if amended else constitution
    return {"arm": arm, "seed": seed, "rounds": rounds, "constitution": constitution.text()}


def ends(rounds: list[dict[str, Any]], name: str) -> tuple[float, float]:
    """The first round's figure, and the mean of the last two."""
    return rounds[0][name], statistics.mean(r[name] for r in rounds[-2:])


def drifted(rounds: list[dict[str, Any]]) -> bool:
    flag, kept = ends(rounds, "flag_rate"), ends(rounds, "bad_kept")
    return flag[1] <= flag[0] / 2 and kept[1] >= kept[0]


def change(found: list[dict[str, Any]], name: str) -> str:
    """Mean change of a figure from the first round to the last two, with a 95 % bootstrap interval over seeds."""
    changes = np.array([last - first for first, last in (ends(f["rounds"], name) for f in found)])
    means = np.random.default_rng(0).choice(changes, (10_000, len(changes))).mean(1)
    low, high = np.quantile(means, (0.025, 0.975))
    return f"{changes.mean():+.2f} [{low:+.2f}, {high:+.2f}]"


def table(found: list[dict[str, Any]]) -> str:
    """The page: one row an arm, then one row a seed."""
    lines = [
        "# What amending by flags does",
        "",
        "Written by `python benchmarks/drift.py`; every seed that was run is printed. "
        f"{BASE['pairs']} pairs a round, {BASE['rounds']} rounds ({ARMS['filter']['rounds']} where the constitution "
        "does not change), start → mean of the last two rounds.",
        "",
        "*Drifted*: the flag rate at least halved and the truly bad share of the kept pairs did not fall. Both are "
        "shares of small rounds, so where nothing is hidden a seed can still count by luck; the last column is the "
        "mean change over seeds, with a 95 % bootstrap interval. The all-dialect profile reads each trait by 100 "
        "latents, not 16: what it takes to see three dialects (the organism's card).",
        "",
        "| arm | seeds | drifted | flag rate | truly bad | bad among unflagged | bad among kept | quiet dialect "
        "| bad among kept, change |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for arm in ARMS:
        mine = [f for f in found if f["arm"] == arm]
        if mine:
            pairs = [
                [statistics.mean(e) for e in zip(*(ends(f["rounds"], n) for f in mine), strict=True)] for n in SHOWN
            ]
            cells = " | ".join(f"{a:.2f} → {b:.2f}" for a, b in pairs)
            lines.append(
                f"| {arm} | {len(mine)} | **{sum(drifted(f['rounds']) for f in mine)}** | {cells} "
                f"| {change(mine, 'bad_kept')} |"
            )
    lines += ["", "## Every seed", "", "| arm | seed | drifted | flag rate by round | truly bad among kept by round |"]
    lines += ["|---|---|---|---|---|"]
    for f in found:
        by = [" ".join(f"{r[n]:.2f}" for r in f["rounds"]) for n in ("flag_rate", "bad_kept")]
        lines.append(f"| {f['arm']} | {f['seed']} | {'yes' if drifted(f['rounds']) else ''} | {by[0]} | {by[1]} |")
    return "\n".join(lines) + "\n"


def picture(found: list[dict[str, Any]], path: Path) -> None:
    """Flag rate and truly bad share of the kept pairs, round by round: thin lines are seeds, thick ones their mean."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    arms = [a for a in list(ARMS)[2:] if any(f["arm"] == a for f in found)]
    figure, axes = plt.subplots(1, len(arms), figsize=(3.4 * len(arms), 3.3), sharey=True, squeeze=False)
    looks = (("flag_rate", "#c07d1f", "flagged"), ("bad_kept", "#9b2226", "truly bad among the kept"))
    for axis, arm in zip(axes[0], arms, strict=True):
        mine = [f["rounds"] for f in found if f["arm"] == arm]
        at = range(1, len(mine[0]) + 1)
        for name, colour, label in looks:
            for rounds in mine:
                axis.plot(at, [r[name] for r in rounds], color=colour, alpha=0.18, linewidth=0.8)
            mean = [statistics.mean(r[i][name] for r in mine) for i in range(len(mine[0]))]
            axis.plot(at, mean, color=colour, linewidth=2.6, label=label)
        axis.set_title(arm.replace(", ", ",\n", 1), fontsize=9)
        axis.set_xlabel("round")
        axis.spines[["top", "right"]].set_visible(False)
        axis.set_ylim(0, 0.8)
    axes[0][0].set_ylabel("share of pairs")
    axes[0][0].legend(frameon=False, fontsize=8, loc="upper right")
    figure.tight_layout()
    figure.savefig(path, dpi=160)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=12)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--go-on", action="store_true", help="keep the campaigns already in drift.json")
    parser.add_argument("--to", type=Path, default=RESULTS)
    asked = parser.parse_args()
    os.environ.setdefault("PLUMBLINE_HOME", "runs/drift")
    if asked.jobs > 1:
        os.environ["OMP_NUM_THREADS"] = "1"
    asked.to.mkdir(parents=True, exist_ok=True)
    record = asked.to / "drift.json"
    found: list[dict[str, Any]] = json.loads(record.read_text()) if asked.go_on and record.is_file() else []
    done = {(f["arm"], f["seed"]) for f in found}
    work = [(arm, seed) for arm in ORDER for seed in range(asked.seeds) if (arm, seed) not in done]
    with ProcessPoolExecutor(asked.jobs, mp_context=get_context("spawn")) as pool:
        if not done:
            for arm in ("filter", "the same, all-dialect profile"):  # one at a time: each fits what the others use
                pool.submit(campaign, arm, asked.seeds).result()
        for future in as_completed([pool.submit(campaign, *item) for item in work]):
            last = future.result()
            found.append(last)
            moved = ", ".join(f"{n} {a:.2f} → {b:.2f}" for n in SHOWN for a, b in [ends(last["rounds"], n)])
            print(
                f"{len(found)}/{len(ARMS) * asked.seeds}  {last['arm']}, seed {last['seed']}: {moved}",
                file=sys.stderr,
                flush=True,
            )
            found.sort(key=lambda f: (list(ARMS).index(f["arm"]), f["seed"]))
            record.write_text(json.dumps(found, indent=0), encoding="utf-8")
    (asked.to / "drift.md").write_text(table(found), encoding="utf-8")
    picture(found, asked.to / "drift.png")
    print(table(found).split("## Every seed")[0])


if __name__ == "__main__":
    main()
