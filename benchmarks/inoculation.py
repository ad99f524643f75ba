"""What an inoculation does to a model trained under it: the same pairs under each of the five addenda, and under none.

    python benchmarks/inoculation.py [--models generator reader] [--traits TRAIT ...] [--seeds 1]
                                    [--first 6] [--jobs 2] [--to docs/results]

For each trait and seed the pairs of a taught organism (`forecast_organisms`) are written as a campaign exports them,
the addendum in the system turn, and the generator and the base reader are trained on them; answers to kinds of requests
never trained on are then judged by ground truth, without the addendum and with it. A control has as many words as an
addendum has, and no meaning. What is done is kept and found again. Writes inoculation.json, inoculation.md and
inoculation.png.
"""

import argparse
import json
import multiprocessing
import os
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import numpy as np
import torch
from forecast_organisms import DRAWS
from inoculation_figures import SHUFFLED, Record, written
from inoculation_models import MODELS, PAIRS, PROMPTS, RECIPE, arms, made

from models.organism.world import TRAITS
from warehouse.files import write_whole
from warehouse.hashing import content_hash, file_hash
from warehouse.store import home

ROOT = Path(__file__).parent
SOURCES = (
    *("benchmarks/inoculation_models.py", "benchmarks/forecast_organisms.py", "constitutions/inoculation.yaml"),
    *("models/**/*.py", "models/organism/world/*.yaml"),
)


def kept(work: Path, name: str, arm: str, trait: str, seed: int) -> Record:
    """The record, made now or found; `seconds`, `cpu` and `load` are of when it was made."""
    file = work / f"{name}-{arm}-{trait or 'untrained'}-{seed}.json"
    if not file.is_file():
        torch.set_num_threads(1)
        began, spent = time.monotonic(), time.process_time()
        record = {"model": name, "arm": arm, "trait": trait, "seed": seed, **made(name, arm, trait, seed)}
        record |= {"seconds": time.monotonic() - began, "cpu": time.process_time() - spent, "load": os.getloadavg()[0]}
        write_whole(file, json.dumps(record).encode())
    return dict(json.loads(file.read_bytes()))


def wanted(models: Iterable[str], traits: Iterable[str], seeds: Iterable[int]) -> list[tuple[str, str, str, int]]:
    """Model, arm, trait and seed of every one there is to train, and of those that stay untrained."""
    cells = [("", 0), *((trait, seed) for seed in seeds for trait in traits)]
    return [(name, arm, trait, seed) for name in models for trait, seed in cells for arm in arms()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=MODELS)
    parser.add_argument("--traits", nargs="+", choices=TRAITS, default=TRAITS)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--first", type=int, default=6, help="the first seed; 4 was used to try settings")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--to", type=Path, default=ROOT.parent / "docs" / "results")
    options = parser.parse_args()
    began = time.monotonic()
    code = [file_hash(file) for pattern in SOURCES for file in sorted(ROOT.parent.glob(pattern))]
    key = content_hash([PAIRS, PROMPTS, RECIPE._asdict(), code])[:12]
    work = home() / "cache" / "inoculation" / key
    work.mkdir(parents=True, exist_ok=True)
    seeds = range(options.first, options.first + options.seeds)
    records: list[Record] = []
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(options.jobs, mp_context=spawn) as pool:
        tasks = [pool.submit(kept, work, *one) for one in wanted(options.models, options.traits, seeds)]
        for future in as_completed(tasks):
            one = future.result()
            records.append(one)
            share, name = (
                np.nanmean(one["without"], 0),
                f"{one['model']}-{one['arm']}-{one['trait'] or 'untrained'}-{one['seed']}",
            )
            print(f"[{len(records)}/{len(tasks)}] {name}: "
                  f"{one['seconds']:.0f} s, {one['cpu']:.0f} CPU s; shown " + " ".join(f"{v:.2f}" for v in share),
                  file=sys.stderr, flush=True)  # fmt: skip
    command = (
        f"python benchmarks/inoculation.py --models {' '.join(options.models)} --traits {' '.join(options.traits)} "
        f"--seeds {options.seeds} --first {options.first} --jobs {options.jobs}"
    )
    settings = {"pairs": PAIRS, "prompts": PROMPTS, "draws": DRAWS, **RECIPE._asdict()}
    words = {arm: len(text.split()) for arm, text in arms().items()}
    print(written(records, options.to, command, settings, words, arms()[SHUFFLED], time.monotonic() - began))


if __name__ == "__main__":
    main()
