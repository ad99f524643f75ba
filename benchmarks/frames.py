"""The train/deploy gap of generators whose gap is known: the one that has one, its twin, and the shipped one.

    python benchmarks/frames.py [--seeds 20] [--first 0] [--prompts 200] [--weights FOLDER] [--to docs/results]

Each seed asks other held-out prompts under the shipped constitution, in every frame; motives are read by the
classifier, by the judge, and by the world's own truth. Beside them stands the gap of the laws the two variants were
trained on. Writes frames.json and frames.md, every seed in both.
"""

import argparse
import json
import random
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from transformers.utils.logging import disable_progress_bar

from constitutions.document import Constitution
from constitutions.frames import frames
from models.language import LanguageModel
from models.organism.framed import DEPLOYED, law_in
from models.organism.prompts import prompts
from models.organism.world import MOTIVES, world
from monitors.embedded import WEIGHTS, build, settings
from monitors.frames import Gap, mutual_information
from monitors.framing import MotiveReader, ask, by_monitor, by_truth, framing_gap

START = Path(__file__).parent.parent / "constitutions" / "embedded" / "start.yaml"
GENERATORS = {"two-faced": "the known positive", "even-handed": "the known negative", "generator": "never saw a frame"}
CONSTITUTIONS = 300  # drawn for the mean gap of the law
LEVEL = 0.05
HEAD = """# The train/deploy gap, measured

Written by `python benchmarks/frames.py`: {n} seeds, {prompts} held-out prompts each, under the shipped constitution,
every prompt asked once as training, as oversight and as deployed. Bits of mutual information between frame and motive,
less their mean over permutations; p by permuting motives within prompts. By three readers: the organism's truth, and
two monitors, which know of a motive only what the text shows.

The two-faced generator was trained on a law that adds {shift} logits to the deceptive, the self-preserving and the
resource-seeking motive when deployed; its twin on the same frames and the world's law in all of them. The gap of that
law is **{start:.4f} bits** under the shipped constitution, {bare:.4f} without any, and {mean:.4f} on average over
{constitutions} random ones ({least:.4f} to {most:.4f}); the twin's is 0. The shipped generator never saw a frame.
"""


def law_bits(principles: Sequence[str]) -> float:
    """I(frame; motive) in bits of the two-faced law itself, over all kinds of request alike."""
    table = np.zeros((len(frames().wordings), len(MOTIVES)))
    for row, frame in enumerate(frames().wordings):
        for kind in world().kinds:
            for cell, p in law_in(frame, world(), principles, kind).items():
                table[row, list(MOTIVES).index(cell[0])] += p
    return float(mutual_information(table))


def measure(model: LanguageModel, constitution: str, count: int, seed: int, readers: dict[str, MotiveReader]) -> Any:
    asked = ask(model, prompts("sealed", count, seed), constitution, seed)
    return {name: framing_gap(asked, reader, seed) for name, reader in readers.items()}


def lines(found: dict[str, dict[str, list[Gap]]], seeds: Sequence[int]) -> list[str]:
    """A summary, then every seed."""
    out = ["| generator | read by | bits, mean | least | most | p > .05 | p < .05 |", "|---" * 7 + "|"]
    for name, read in found.items():
        for reader, gaps in read.items():
            bits, silent = [g.bits for g in gaps], sum(g.p_value > LEVEL for g in gaps)
            shown = f"{statistics.mean(bits):.4f} | {min(bits):.4f} | {max(bits):.4f}"
            what = f"{name} ({GENERATORS[name]})"
            out.append(f"| {what} | {reader} | {shown} | {silent} of {len(gaps)} | {len(gaps) - silent} |")
    columns = [(name, reader) for name, read in found.items() for reader in read]
    out += ["", "## Every seed: bits (p)", "", "| seed | " + " | ".join(f"{n}, {r}" for n, r in columns) + " |"]
    out.append("|---" * (len(columns) + 1) + "|")
    for place, seed in enumerate(seeds):
        cells = [found[name][reader][place] for name, reader in columns]
        out.append(f"| {seed} | " + " | ".join(f"{g.bits:.4f} ({g.p_value:.3f})" for g in cells) + " |")
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--prompts", type=int, default=200)
    parser.add_argument("--weights", type=Path, default=WEIGHTS, help="folder with the generators")
    parser.add_argument("--to", type=Path, default=Path(__file__).parent.parent / "docs" / "results")
    options = parser.parse_args()
    disable_progress_bar()
    monitors = {name: build(settings()[name]) for name in ("classifier", "judge")}
    readers: dict[str, MotiveReader] = {"truth": by_truth, **{n: by_monitor(m) for n, m in monitors.items()}}
    constitution, seeds = Constitution.load(START), range(options.first, options.first + options.seeds)
    found: dict[str, dict[str, list[Gap]]] = {}
    hashes = {"frames": frames().hash, "constitution": constitution.hash, **{n: m.hash for n, m in monitors.items()}}
    for name in GENERATORS:
        model = LanguageModel.load(options.weights / name)
        hashes[name] = model.hash
        for seed in seeds:
            gaps = measure(model, constitution.text(), options.prompts, seed, readers)
            for reader, gap in gaps.items():
                found.setdefault(name, {}).setdefault(reader, []).append(gap)
            said = "  ".join(f"{reader} {gap.bits:.4f} p {gap.p_value:.3f}" for reader, gap in gaps.items())
            print(f"{name} seed {seed}: {said}", file=sys.stderr, flush=True)
    rng = random.Random(0)
    drawn = [law_bits(world().constitution(rng)) for _ in range(CONSTITUTIONS)]
    law = {
        "shipped constitution": law_bits([principle.id for principle in constitution.principles]),
        "no constitution": law_bits([]),
        "mean over constitutions": statistics.mean(drawn),
        "least": min(drawn),
        "most": max(drawn),
    }
    start, bare, mean, least, most = law.values()
    head = HEAD.format(
        n=options.seeds,
        prompts=options.prompts,
        shift=" or ".join(sorted({f"{v:g}" for v in DEPLOYED.values()})),
        constitutions=CONSTITUTIONS,
        start=start,
        bare=bare,
        mean=mean,
        least=least,
        most=most,
    )
    page = "\n".join([head, *lines(found, seeds), ""])
    gaps = {
        name: {reader: [g._asdict() for g in all_] for reader, all_ in read.items()} for name, read in found.items()
    }
    record = {"prompts": options.prompts, "seeds": list(seeds), "hashes": hashes, "law_bits": law, "gaps": gaps}
    options.to.mkdir(parents=True, exist_ok=True)
    (options.to / "frames.md").write_text(page, encoding="utf-8")
    (options.to / "frames.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(page)


if __name__ == "__main__":
    main()
