"""How fast pairs are read: Plumbline beside SAELens and beside the bare model, same weights, pairs and readings.

    python benchmarks/scoring.py --pairs pairs.jsonl.gz --json     # your own preference pairs
    python benchmarks/scoring.py                                   # conversations of the embedded world
    python benchmarks/scoring.py --memory                          # peak memory at 1,000 and 100,000 pairs

The model has GPT-2 small's size and random weights, the autoencoder 24,576 latents of which 64 are watched. Each way
gets the same tokens, the others in batches sorted by length and padded, of as many tokens as Plumbline takes at once;
only Plumbline's time includes rendering, tokenising, and all else up to the finished readings. Five ways, in turn:

- whole: HookedSAETransformer runs the whole model, SAELens encodes every latent;
- hook: the same with transformers' own whole model and a forward hook;
- stop: as whole, but the model stops at the layer (`stop_at_layer`);
- bare: transformers' model cut off at the layer, over the same tokens, and nothing else;
- plumbline: `models.truesight.read`.

A ratio is the median over the repeats, by the clock and, as `by_cpu_time`, by the processor's time, which other work on
the machine moves less. `--write` puts the figures in docs/results/scoring.{json,md}.
"""

import argparse
import json
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import models  # noqa: F401  (first: it says how torch's threads wait)

# isort: split
import numpy as np
import torch
from scoring_setting import (
    LATENTS,
    LAYER,
    TRAITS,
    WATCHED,
    Bench,
    batches,
    build,
    generated,
    given,
    instrument,
    padded,
    save_model,
)

from models.organism.prompts import prompts
from models.reader import BaseReader, Precision
from models.truesight import read

RESULTS = Path(__file__).parent.parent / "docs" / "results"
INTRODUCTION = f"""# How fast pairs are read

Written by `python benchmarks/scoring.py --write` (with `--pairs FILE` for preference pairs from a file, with `--memory`
for memory). A model of GPT-2 small's size with random weights, read after block {LAYER} of 12, an autoencoder of
{LATENTS:,} latents of which {WATCHED} are watched; all in one run, in turn, with the same weights and tokens. *whole*:
SAELens' HookedSAETransformer runs the whole model and SAELens encodes every latent; *hook*: the same with transformers'
model and a hook; *stop*: HookedSAETransformer stops at the layer. Plumbline's time includes rendering and tokenising,
theirs does not. *Bare*: the model cut off at the layer, over the same tokens, and nothing else; below 1, since a prompt
that chosen and rejected share is read once and nothing is padded. The difference is between readings, whose spread is
in the JSON.

"""
MEMORY = """
Peak resident memory of a process that reads pairs in shards of 200 (a small model, generated pairs):

"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--pairs", type=Path, help="a file of preference pairs; without one they are generated")
    parser.add_argument("--count", type=int, default=64, help="pairs read in each repeat")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--sae", choices=["standard", "jumprelu"], default="jumprelu")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--dtype", default="", help="float32 on a CPU and bfloat16 on a GPU unless you say otherwise")
    parser.add_argument("--memory", action="store_true", help="measure memory instead of speed")
    parser.add_argument("--peak", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--note", default="", help="what a reader of the figures should know about this run")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--write", action="store_true", help="write docs/results/scoring.{json,md}")
    options = parser.parse_args()
    if options.peak:
        print(peak(options.peak))
        return
    found = memory() if options.memory else speed(options)
    if options.write:
        write(found | ({"note": options.note} if options.note else {}))
    print(json.dumps(found) if options.json else "\n".join(f"{name:24} {value}" for name, value in found.items()))


def speed(options: argparse.Namespace) -> dict[str, Any]:
    device = options.device
    dtype: Precision = options.dtype or ("bfloat16" if device == "cuda" else "float32")
    pairs = given(options.pairs, options.count) if options.pairs else list(generated(options.count))
    with tempfile.TemporaryDirectory() as folder:
        bench = build(Path(folder), pairs, options.sae, dtype, device)
    ways: dict[str, Callable[[], Any]] = {
        "whole": lambda: reference(bench, lambda ids_nt: hooked_states(bench, ids_nt, None)),
        "hook": lambda: reference(bench, lambda ids_nt: states_by_hook(bench, ids_nt)),
        "stop": lambda: reference(bench, lambda ids_nt: hooked_states(bench, ids_nt, LAYER)),
        "bare": lambda: alone(bench),
        "plumbline": lambda: read(bench.reader, bench.sae, bench.profile, bench.conversations),
    }
    taken: dict[str, list[float]] = {name: [] for name in ways}
    worked: dict[str, list[float]] = {name: [] for name in ways}
    results: dict[str, Any] = {}
    for repeat in range(options.repeats + (device == "cuda")):  # a GPU compiles in its first
        for name, way in ways.items():
            began, before = now(device), time.process_time()
            results[name] = way()
            seconds, of_cpu = now(device) - began, time.process_time() - before
            if repeat or device != "cuda":
                taken[name].append(seconds)
                worked[name].append(of_cpu)
            print(f"{name:10} {seconds:8.2f} s, {of_cpu:8.2f} s of CPU", file=sys.stderr)
    own = np.array([list(text.readings.values()) for text in results["plumbline"]], dtype=float)
    return {
        **ratios(taken),
        "max_diff": float(max(np.abs(own - results[name]).max() for name in ("whole", "hook", "stop"))),
        "spread": round(float(np.ptp(own)), 3),
        "by_cpu_time": ratios(worked),
        "seconds": {name: [round(one, 2) for one in seconds] for name, seconds in taken.items()},
        "pairs": len(bench.texts) // 2,
        "pairs_per_second": round(len(bench.texts) / 2 / min(taken["plumbline"]), 2),
        "kind": "preference pairs from a file" if options.pairs else "generated conversations",
        "tokens": sum(len(text.ids) for text in bench.texts),
        "tokens_padded": sum(padded(bench, rows).numel() for rows in batches(bench)),
        "tokens_of_responses": sum(len(text.ids) - text.start for text in bench.texts),
        "sae": options.sae,
        "dtype": dtype,
        "device": torch.cuda.get_device_name() if device == "cuda" else f"CPU, {torch.get_num_threads()} threads",
        "torch": torch.__version__,
        "python": platform.python_version(),
    }


def now(device: str) -> float:
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


def ratios(taken: dict[str, list[float]]) -> dict[str, float]:
    def over(name: str) -> float:
        return statistics.median(a / b for a, b in zip(taken[name], taken["plumbline"], strict=True))

    return {
        "speedup": round(over("whole"), 2),
        "speedup_hook": round(over("hook"), 2),
        "speedup_stop_at_layer": round(over("stop"), 2),
        "over_bare": round(1 / over("bare"), 3),
    }


def reference(bench: Bench, states: Callable[[torch.Tensor], torch.Tensor]) -> np.ndarray:
    """Readings (texts × traits) by SAELens, every latent of every token encoded; the profile's weights afterwards."""
    readings_nr = np.empty((len(bench.texts), TRAITS))
    for rows in batches(bench):
        with torch.inference_mode():
            latents_nts = bench.sae.model.encode(states(padded(bench, rows)).to(bench.sae.model.dtype))
        for row, latents_ts in zip(rows, latents_nts, strict=True):
            pooled_s = latents_ts[bench.texts[row].start : len(bench.texts[row].ids)].double().mean(0).cpu().numpy()
            for column, trait in enumerate(bench.profile.traits.values()):
                readings_nr[row, column] = trait.bias + pooled_s[list(trait.latents)] @ trait.weights
    return readings_nr


def hooked_states(bench: Bench, ids_nt: torch.Tensor, stop: int | None) -> torch.Tensor:
    hook = f"blocks.{LAYER - 1}.hook_resid_post"
    return bench.hooked.run_with_cache(ids_nt, names_filter=[hook], stop_at_layer=stop)[1][hook]


def states_by_hook(bench: Bench, ids_nt: torch.Tensor) -> torch.Tensor:
    seen: list[Any] = []
    block = bench.whole.transformer.h[LAYER - 1]
    hook = block.register_forward_hook(lambda module, given, out: seen.append(out))
    bench.whole(input_ids=ids_nt, use_cache=False)
    hook.remove()
    return seen[0] if isinstance(seen[0], torch.Tensor) else seen[0][0]


def alone(bench: Bench) -> None:
    with torch.inference_mode():
        for rows in batches(bench):
            bench.bare(input_ids=padded(bench, rows), use_cache=False)


def memory() -> dict[str, Any]:
    """Peak resident memory of a process that reads so many pairs, shard by shard, with a small model."""
    counts = (1_000, 100_000)
    command = [sys.executable, __file__, "--peak"]
    found = {
        n: int(subprocess.run([*command, str(n)], capture_output=True, text=True, check=True).stdout) for n in counts
    }
    return {f"peak_mib_{count}_pairs": round(kib / 1024, 1) for count, kib in found.items()}


def peak(count: int) -> int:
    """In KiB. The model is small so that a hundred thousand pairs end today; what could grow does not depend on it."""
    from transformers import GPT2Config

    pairs = generated(count, longest=1)
    with tempfile.TemporaryDirectory() as folder:
        save_model(
            Path(folder), prompts("campaign", 400, 0), GPT2Config(n_embd=64, n_layer=2, n_head=2, vocab_size=600)
        )
        reader = BaseReader.load(Path(folder), 1, "float32")
    sae, profile = instrument(reader, "jumprelu", 512, WATCHED)
    for _ in range(0, count, 200):
        shard = [side for _ in range(200) for side in next(pairs)]
        read(reader, sae, profile, shard)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def write(found: dict[str, Any]) -> None:
    """Adds the figures to docs/results/scoring.json and writes scoring.md from all that stand there."""
    file = RESULTS / "scoring.json"
    known = json.loads(file.read_text()) if file.is_file() else {}
    known[found.get("kind", "memory")] = found
    file.write_text(json.dumps(known, indent=1) + "\n")
    head = "| pairs | whole | hook | stop | Plumbline over bare | largest difference | on |\n" + "|---" * 7 + "|\n"
    rows = [
        f"| {one['pairs']} {one['kind']}{unit} | {by['speedup']}× | {by['speedup_hook']}× "
        f"| {by['speedup_stop_at_layer']}× | {by['over_bare']} | {one['max_diff']:.1e} "
        f"| {one['device']}, {one['dtype']} |\n"
        for one in known.values()
        if "speedup" in one
        for unit, by in ((", by the clock", one), (", by CPU time", one["by_cpu_time"]))
    ]
    notes = "".join(f"\n{one['kind'].capitalize()}: {one['note']}\n" for one in known.values() if one.get("note"))
    peaks = "".join(f"- {name.split('_')[2]} pairs: {mib} MiB\n" for name, mib in known.get("memory", {}).items())
    remembered = MEMORY + peaks if peaks else ""
    (RESULTS / "scoring.md").write_text(INTRODUCTION + head + "".join(rows) + notes + remembered)


if __name__ == "__main__":
    main()
