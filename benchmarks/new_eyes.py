"""Fresh eyes on a trained model: do they see what the first ones missed, and does what was hidden come back?

    python benchmarks/new_eyes.py [--traits performative resource-seeking] [--seeds 1] [--first 6] [--jobs 2]
                                  [--to docs/results]

For each trait and seed the base reader is trained on pairs that show the trait overtly, on pairs that were selected
until the first detector saw nothing in them, and from there further on pairs without selection (`new_eyes_readings`).
Eyes of the untrained reader and fresh ones of the trained model then look at both fixed texts and the model's answers
(`new_eyes_figures`). What is done is kept and found again. Writes new_eyes.json, new_eyes.md and new_eyes.png.
"""

import argparse
import json
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import torch
from forecast_organisms import Organism, shipped
from new_eyes_figures import Record
from new_eyes_page import written
from new_eyes_readings import (
    ANSWERS,
    CALIBRATED_ON,
    DRIFTED,
    FIXED,
    FPR,
    FURTHER,
    NARRATED_ON,
    SAMPLES,
    SEEDS,
    TAUGHT,
    UNTRAINED,
    first_eyes,
    looked,
    trained,
)

from models.dpo import Recipe
from models.organism.world import TRAITS
from warehouse.files import write_whole
from warehouse.hashing import content_hash, file_hash
from warehouse.store import home

RECIPE = Recipe(epochs=1, learning_rate=3e-4)
PAIRS = 480
ROOT = Path(__file__).parent
SOURCES = (
    *("benchmarks/new_eyes_readings.py", "benchmarks/forecast_organisms.py"),
    *("models/**/*.py", "models/organism/world/*.yaml"),
)


def prepared(work: Path, alone: bool) -> None:
    """What several processes need and one makes: the detector that pairs are selected against, and without `alone` the
    other eyes of the untrained reader."""
    torch.set_num_threads(1)
    shipped(work / "first")
    if not alone:
        first_eyes(work)


def made(work: Path, one: Organism) -> Record:
    """Train the model, or find it; how long that took, when it was made."""
    torch.set_num_threads(1)
    file = work / "trained" / f"{one.name}.json"
    if not file.is_file():
        told = timed(lambda: {"folder": str(trained(one, work, PAIRS, RECIPE))})
        file.parent.mkdir(exist_ok=True)
        write_whole(file, json.dumps(told).encode())
    return dict(json.loads(file.read_bytes()))


def kept(work: Path, one: Organism) -> Record:
    """What the eyes read of the model, now or found."""
    torch.set_num_threads(1)
    file = work / "looked" / f"{one.name}.json"
    if not file.is_file():
        told = timed(lambda: looked(one, trained(one, work, PAIRS, RECIPE), work))
        file.parent.mkdir(exist_ok=True)
        write_whole(file, json.dumps(told).encode())
    return dict(json.loads(file.read_bytes()))


def timed(make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What `make` gives, with the seconds, the CPU seconds and the machine's load."""
    began, spent = time.monotonic(), time.process_time()
    told = make()
    spans = {"seconds": time.monotonic() - began, "cpu": time.process_time() - spent, "load": os.getloadavg()[0]}
    return told | spans


def each(
    pool: ProcessPoolExecutor, what: str, do: Callable[..., Any], work: Path, some: Sequence[Organism]
) -> list[Any]:
    """`do` of every organism, at once as far as there are processes, in order."""
    tasks = {pool.submit(do, work, one): one for one in some}
    for count, future in enumerate(as_completed(tasks), 1):
        told = future.result()
        print(f"{what} {count}/{len(tasks)} {tasks[future].name}: {told['seconds']:.0f} s, {told['cpu']:.0f} CPU s, "
              f"load {told['load']:.0f}", file=sys.stderr, flush=True)  # fmt: skip
    return [future.result() for future in tasks]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--traits", nargs="+", choices=TRAITS, default=["performative", "resource-seeking"])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--first", type=int, default=6, help="the first seed; 4 was used to try settings")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--to", type=Path, default=ROOT.parent / "docs" / "results")
    options = parser.parse_args()
    code = [file_hash(file) for pattern in SOURCES for file in sorted(ROOT.parent.glob(pattern))]
    key = content_hash([PAIRS, RECIPE._asdict(), code])[:12]
    work = home() / "cache" / "new_eyes" / key
    work.mkdir(parents=True, exist_ok=True)
    cells = [(trait, seed) for seed in range(options.first, options.first + options.seeds) for trait in options.traits]
    models = [Organism(arm, *cell) for arm in (TAUGHT, DRIFTED) for cell in cells]
    further = [Organism(FURTHER, *cell) for cell in cells]
    untrained = [Organism(UNTRAINED, trait, 0) for trait in options.traits]
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(options.jobs, mp_context=spawn) as pool:
        pool.submit(prepared, work, True).result()
        eyes = pool.submit(prepared, work, False)
        spent = each(pool, "trained", made, work, models) + each(pool, "trained further", made, work, further)
        eyes.result()
        records = each(pool, "looked at", kept, work, [*untrained, *models, *further])
    command = (
        f"python benchmarks/new_eyes.py --traits {' '.join(options.traits)} --seeds {options.seeds} "
        f"--first {options.first} --jobs {options.jobs}"
    )
    settings = {
        **{"pairs": PAIRS, "samples": SAMPLES, "sae_seeds": SEEDS, "calibrated_on": CALIBRATED_ON, "fpr": FPR},
        **{"narrated_on": NARRATED_ON, "answers": ANSWERS, "fixed": FIXED, **RECIPE._asdict()},
    }
    print(written(records, spent, options.to, command, settings))


if __name__ == "__main__":
    main()
