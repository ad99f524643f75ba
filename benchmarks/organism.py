"""What the gate makes of real campaigns on the organism: who is caught, when, and what it saves.

    python benchmarks/organism.py --jobs 2            # run the campaigns, then audit them; under two hours on two cores
    python benchmarks/organism.py --only-audit        # audit campaigns that were run before; a few minutes

A campaign runs without a gate to its last round. What a gate would have answered changes nothing before it halts the
campaign (that is what `tests/flows/test_audited.py` proves), so every set of monitors audits the same campaign, and the
run itself shows what happens without one. Writes organism.json, organism.md and gate.png in docs/results.
"""

import argparse
import gzip
import json
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent.parent / "docs" / "results"
TONE = ("conviction", "modesty", "image", "warmth", "deference")
ARMS: dict[str, dict[str, Any]] = {
    "update, tone principles": {"mode": "update", "amend": {"families": TONE}},
    "update, all principles": {"mode": "update"},
    "random amendments": {"mode": "update", "amend": {"families": TONE, "chooser": "random"}},
    "regenerate": {"mode": "regenerate"},
    "filter": {"mode": "filter"},  # its pairs are the first attempts of `regenerate`
}
ROUNDS, PAIRS, BASELINE = 8, 150, 800
AMEND = {"frozen_prompts": 32, "fresh_prompts": 8}


def campaign(arm: str, seed: int, folder: str) -> str:
    """One campaign by the campaign's own steps, called plainly; its pairs with ground truth go to a file."""
    from flows.prefect_setup import prepare
    from flows.settings import EMBEDDED, Campaign, load_campaign
    from warehouse.store import home

    prepare(home())
    from flows.amend import amend_flow
    from flows.progress import Progress
    from flows.round import round_flow
    from flows.shelf import Shelf
    from flows.workshop import open_workshop
    from tasks.shard import Given, Shard, ShardTask

    class PlainShelf(Shelf):
        def _execute(self, step: ShardTask, shard: Shard, inputs: dict[str, Any]) -> bool:
            change: dict[str, Any] = {"docs": None} if "docs" in inputs else {}  # no web pages here
            change |= {"model": ChosenOnly(inputs["model"])} if step.step == "generate" else {}
            step.task.fn(shard, Given(inputs | change))
            return False

    shipped = load_campaign(EMBEDDED).model_dump()
    change = {"rounds": ROUNDS, "pairs": PAIRS, "shard": PAIRS, **ARMS[arm]}
    change["amend"] = {**shipped["amend"], **AMEND, **change.get("amend", {})}
    name = f"organism-{list(ARMS).index(arm)}-{seed}"
    settings = Campaign.model_validate({**shipped, **change, "name": name, "seed": seed})
    rounds, seen = list[dict[str, Any]](), set[str]()
    with open_workshop(settings, Progress(quiet=True)) as opened:
        shop, constitution = opened._replace(shelf=PlainShelf(opened.folder, "organism")), opened.constitution
        moved: float | None = 0.0
        for number in range(ROUNDS + 1):
            pairs = PAIRS if number else BASELINE
            here = shop._replace(settings=settings.model_copy(update={"pairs": pairs}))
            asked = BASELINE + (number - 1) * PAIRS if number else 0
            done = round_flow.fn(name, number, here, constitution, seen, asked)
            rounds.append({"constitution": constitution.text(), "amendment": constitution.amendment, **told(done)})
            if settings.mode == "update" and number:
                amended = amend_flow.fn(name, number, shop, constitution, moved)
                constitution, moved = amended.constitution, amended.from_start
    file = Path(folder) / f"{name}.json.gz"
    file.write_bytes(gzip.compress(json.dumps({"arm": arm, "seed": seed, "rounds": rounds}).encode()))
    return str(file)


class ChosenOnly:
    """The generator, but for rejected texts, which are not written: nothing that is measured here reads them, and a
    chosen text does not depend on its neighbours."""

    def __init__(self, model: Any) -> None:
        self.model, self.hash = model, model.hash

    def chat(self, conversations: list[Any], seeds: list[int], *rest: Any, **named: Any) -> list[str]:
        steered = [index for index, turns in enumerate(conversations) if turns[0]["role"] == "system"]
        texts = [f"not written {index}" for index in range(len(conversations))]
        said = self.model.chat([conversations[i] for i in steered], [seeds[i] for i in steered], *rest, **named)
        for index, text in zip(steered, said, strict=True):
            texts[index] = text
        return texts


def told(done: Any) -> dict[str, Any]:
    """A round's flag rate, and its pairs: id, attempt, request, response, flagged, kept, and the motive where bad."""
    from models.organism.parse import truth

    decided = dict(zip(done.decisions["pair_id"].to_pylist(), done.decisions["decision"].to_pylist(), strict=True))
    flagged = set(done.verdicts["pair_id"].to_pylist())
    rows = []
    for row in done.pairs.to_pylist():
        request, response = row["prompt"][-1]["content"], row["chosen"][-1]["content"]
        known = truth(request, response)
        bad = "" if known.bad is False else "unknown" if known.bad is None else known.motive
        kept = decided[row["pair_id"]] == "kept"
        rows.append([row["pair_id"], row["attempt"], request, response, row["pair_id"] in flagged, kept, bad])
    read = [r for r in rows if not r[1] and decided[r[0]] not in ("abstained", "quarantined")]
    return {"flag_rate": sum(r[4] for r in read) / len(read), "pairs": rows}


def run_campaigns(seeds: range, arms: list[str], folder: Path, jobs: int) -> None:
    """Every campaign that is not in `folder` yet; one at first, which fits what the others use."""
    work = [(arm, seed) for seed in seeds for arm in arms if arm != "filter"]
    work = [(a, s) for a, s in work if not (folder / f"organism-{list(ARMS).index(a)}-{s}.json.gz").is_file()]
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        for first in work[:1]:
            pool.submit(campaign, *first, str(folder)).result()
        futures = [pool.submit(campaign, *item, str(folder)) for item in work[1:]]
        for count, future in enumerate(as_completed(futures), start=2):
            print(f"{count}/{len(work)}  {future.result()}", file=sys.stderr, flush=True)


def campaigns(seeds: range, folder: Path) -> Iterator[dict[str, Any]]:
    """The campaigns that were run, `filter` made of the first attempts of `regenerate`."""
    for arm in ARMS:
        source = "regenerate" if arm == "filter" else arm
        for seed in seeds:
            file = folder / f"organism-{list(ARMS).index(source)}-{seed}.json.gz"
            if file.is_file():
                found = json.loads(gzip.decompress(file.read_bytes()))
                if arm == "filter":
                    for one in found["rounds"]:
                        one["pairs"] = [row for row in one["pairs"] if not row[1]]
                yield {**found, "arm": arm}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=0, help="the first seed; 100 and up were used to develop")
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=list(ARMS))
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--only-audit", action="store_true")
    parser.add_argument("--to", type=Path, default=RESULTS)
    asked = parser.parse_args()
    os.environ.setdefault("PLUMBLINE_HOME", "runs/organism")
    os.environ["OMP_NUM_THREADS"] = "1"
    folder = Path(os.environ["PLUMBLINE_HOME"]) / "campaigns"
    folder.mkdir(parents=True, exist_ok=True)
    seeds = range(asked.first, asked.first + asked.seeds)
    if not asked.only_audit:
        run_campaigns(seeds, asked.arms, folder, asked.jobs)
    from organism_audit import audit_all, write

    write(audit_all(list(campaigns(seeds, folder)), asked.jobs), asked.to)


if __name__ == "__main__":
    main()
