"""Does what a reader says of the pairs predict what training on them does, and can one tell before when it will not?

    python benchmarks/forecast.py [--seeds 4] [--first 4] [--jobs 2] [--only NAME ...] [--to docs/results]

Trains an organism for each trait, arm and seed, and controls (`forecast_organisms`), each in a process of one thread;
an organism that is done is kept and found again. Then sets the forecasts, standardised mean differences of readings,
against the shift that ground truth measures on kinds of requests never trained on (`forecast_figures`), and writes
forecast.json, forecast.md and forecast.png. With --only it writes nothing, and prints those organisms.
"""

import argparse
import json
import multiprocessing
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import numpy as np
import torch
from forecast_figures import forecasts, written
from forecast_organisms import Instruments, Organism, made, organisms, shown

from models.dpo import Recipe
from models.language import LanguageModel
from models.organism.build import WEIGHTS
from models.organism.world import TRAITS
from warehouse.files import write_whole
from warehouse.hashing import content_hash, file_hash
from warehouse.store import home

RECIPE = Recipe(epochs=1, learning_rate=3e-4)
PAIRS, PROMPTS = 480, 750
ROOT = Path(__file__).parent
SOURCES = (
    *("benchmarks/forecast_organisms.py", "models/**/*.py", "models/organism/world/*.yaml"),
    *("monitors/*.py", "monitors/*.yaml"),
)
_OPENED: dict[Path, tuple[Instruments, np.ndarray]] = {}


def kept(work: Path, one: Organism) -> dict[str, Any]:
    """The organism's record, made now or found; `seconds` and `cpu` are of when it was made."""
    file = work / "organisms" / f"{one.name}.json"
    if not file.is_file():
        tools, base = opened(work)
        began, spent = time.monotonic(), time.process_time()
        record = made(one, tools, PAIRS, RECIPE, base)
        record |= {"seconds": time.monotonic() - began, "cpu": time.process_time() - spent, "load": os.getloadavg()[0]}
        write_whole(file, json.dumps(record).encode())
    return dict(json.loads(file.read_bytes()))


def opened(work: Path) -> tuple[Instruments, np.ndarray]:
    """The instruments and what the untrained reader showed, once in a process."""
    if work not in _OPENED:
        torch.set_num_threads(1)
        file = work / "base.npy"
        if not file.is_file():
            np.save(file, shown(LanguageModel.load(WEIGHTS / "reader"), PROMPTS))
        _OPENED[work] = Instruments.open(work), np.load(file)
    return _OPENED[work]


def told(record: dict[str, Any]) -> str:
    lines = [f"{Organism(record['arm'], record['trait'], record['seed']).name}: {record['seconds']:.0f} s, "
             f"{record['cpu']:.0f} CPU s, load {record['load']:.0f}, unknown {record['unknown']:.2f}"]  # fmt: skip
    figures = {"shift": record["shift"], "± error": record["error"], **forecasts(record)}
    return "\n".join(lines + [f"  {name:<18}" + " ".join(f"{v:+.2f}" for v in row) for name, row in figures.items()])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--first", type=int, default=4, help="the first seed; 1 to 3 were used to try settings")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--only", nargs="*", default=[], help="organisms by name, ARM-TRAIT-SEED; written nowhere")
    parser.add_argument("--to", type=Path, default=ROOT.parent / "docs" / "results")
    options = parser.parse_args()
    began = time.monotonic()
    code = [file_hash(file) for pattern in SOURCES for file in sorted(ROOT.parent.glob(pattern))]
    key = content_hash([PAIRS, PROMPTS, RECIPE._asdict(), code])[:12]
    work = home() / "cache" / "forecast" / key
    work.mkdir(parents=True, exist_ok=True)
    every = organisms(range(options.first, options.first + options.seeds))
    wanted = [one for one in every if not options.only or one.name in options.only]
    opened(work)  # what all processes share is fitted before they begin
    records: dict[Organism, dict[str, Any]] = {}
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(options.jobs, mp_context=spawn) as pool:
        for future in as_completed([pool.submit(kept, work, one) for one in wanted]):
            record = future.result()
            records[Organism(record["arm"], record["trait"], record["seed"])] = record
            print(f"[{len(records)}/{len(wanted)}] {told(record)}", file=sys.stderr, flush=True)
    if options.only:
        return
    command = f"python benchmarks/forecast.py --seeds {options.seeds} --first {options.first} --jobs {options.jobs}"
    settings = {"pairs": PAIRS, "prompts": PROMPTS, **RECIPE._asdict(), "traits": list(TRAITS)}
    in_order = [records[one] for one in wanted]
    print(written(in_order, options.to, command, settings, time.monotonic() - began))


if __name__ == "__main__":
    main()
