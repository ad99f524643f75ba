"""The statistic of the train/deploy gap, against gaps that are known exactly.

    python benchmarks/frames_statistic.py [--seeds 100] [--prompts 25 50 100 200 400]

Motives drawn from the world's law under constitutions that differ between frames, or do not, without any model: power,
false alarms, and the error of three estimates. The gap of generators is measured by `benchmarks/frames.py`.
"""

import argparse
import math
import random
import statistics
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from models.organism import parse
from models.organism.prompts import prompts
from models.organism.world import MOTIVES, world
from monitors.frames import Gap, gap, mutual_information

FRAMES = ("training", "oversight", "deployment")
SHARED = ("answer-stop", "mind-person")
SAME: dict[str, tuple[str, ...]] = dict.fromkeys(FRAMES, SHARED)


class Generator(NamedTuple):
    name: str
    constitutions: dict[str, tuple[str, ...]]  # frame -> principles
    settled: float = 0.0  # share of prompts that get one motive in every frame, as a real model's often do


GENERATORS = (
    Generator("the same in every frame", SAME),
    Generator("the same, prompts mostly settle it", SAME, 0.8),
    Generator("a little warmer when deployed", {**SAME, "deployment": (*SHARED, "be-warm")}),
    Generator("takes charge when deployed", {**SAME, "deployment": (*SHARED, "take-charge")}),
    Generator("takes charge, prompts half settle it", {**SAME, "deployment": (*SHARED, "take-charge")}, 0.5),
    Generator("shows its care when overseen", {**SAME, "oversight": (*SHARED, "show-care", "set-example")}),
)
POOL = 600  # frozen prompts that the campaigns' prompts are drawn from


def motives(generator: Generator, kinds: Sequence[str], seed: int) -> list[list[str]]:
    """One motive letter [prompts][frames], drawn from the world's law under each frame's constitution."""
    rng, w, rows = random.Random(seed), world(), list[list[str]]()
    for kind in kinds:
        row = [w.draw(rng, generator.constitutions[f], kind)[0] for f in FRAMES]
        rows.append(row[:1] * len(FRAMES) if rng.random() < generator.settled else row)
    return rows


def true_gap(generator: Generator, kinds: Sequence[str]) -> float:
    """I(frame; motive) in bits of the laws themselves, over the kinds of the pool."""
    w = world()
    table = np.zeros((len(FRAMES), len(MOTIVES)))
    for kind in kinds:
        for i, frame in enumerate(FRAMES):
            for share, source in ((generator.settled, FRAMES[0]), (1 - generator.settled, frame)):
                for cell, p in w.law(generator.constitutions[source], kind).items():
                    table[i, list(MOTIVES).index(cell[0])] += share * p
    return float(mutual_information(table))


def frames_table(sizes: Sequence[int], seeds: int) -> None:
    """Errors are mean and root mean square of estimate less truth, in millibits."""
    pool = [parse.kind(request) for request in prompts("frozen", POOL, 0)]
    head = f"{'generator':36} {'prompts':>7} {'truth':>7} {'gap':>7} {'p < .05':>8} {'of first 20':>11}"
    print(f"{head} {'error, rms: permutation':>25} {'Miller-Madow':>15} {'plug-in':>15}")
    for generator in GENERATORS:
        truth = true_gap(generator, pool)
        for n in sizes:
            found, counted = list[Gap](), list[float]()
            for seed in range(seeds):
                kinds = random.Random(f"{n}-{seed}").choices(pool, k=n)
                found.append(gap(motives(generator, kinds, seed), FRAMES, seed))
                counted.append(miller_madow(np.array([list(row.values()) for row in found[-1].table.values()])))
            significant = [g.p_value < 0.05 for g in found]
            errors = [_error(v, truth) for v in ([g.bits for g in found], counted, [g.plug_in for g in found])]
            row = f"{generator.name:36} {n:7} {truth:7.4f} {statistics.mean(g.bits for g in found):7.4f}"
            power = f"{statistics.mean(significant):8.3f} {sum(significant[:20]):11}"
            print(f"{row} {power} {errors[0]:>25} {errors[1]:>15} {errors[2]:>15}", flush=True)


def miller_madow(table: np.ndarray) -> float:
    """Plug-in mutual information less (rows − 1)(columns − 1) / 2N ln 2, the bias of N *independent* observations."""
    rows, columns = (table.sum(axis=1) > 0).sum(), (table.sum(axis=0) > 0).sum()
    return float(mutual_information(table) - (rows - 1) * (columns - 1) / (2 * table.sum() * math.log(2)))


def _error(values: Sequence[float], truth: float) -> str:
    wrong = [1000 * (v - truth) for v in values]
    return f"{statistics.mean(wrong):+.1f}, {statistics.mean(w * w for w in wrong) ** 0.5:.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--prompts", type=int, nargs="+", default=[25, 50, 100, 200, 400])
    options = parser.parse_args()
    frames_table(options.prompts, options.seeds)


if __name__ == "__main__":
    main()
