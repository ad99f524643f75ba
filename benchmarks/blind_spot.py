"""Where the quiet dialect is lost: in the base reader, in the autoencoder, or in the profile fitted to its latents.

    python benchmarks/blind_spot.py [--per-cell 60] [--seed 11] [--to docs/results]

Every arm is fitted to the same texts of the dialects A and B and read on templates none of them was told of. The first
two are profiles as campaigns use them; the others are logistic regressions with weights of either sign on everything
there is: the states, what the autoencoder makes of them, what it leaves out, its latents. Writes blind_spot.json and
blind_spot.md.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression

from models.calibrate import fit_profile
from models.comparison import Case, Quality, quality
from models.detector import TextReading
from models.joint import Labels, judged
from models.organism.build import LAYER, WEIGHTS
from models.organism.detector import fit_detector
from models.organism.prompts import Labelled, labelled
from models.probing import PENALTY
from models.reader import BaseReader
from models.words import Floats

FPR = 0.03
HEAD = """# Where the quiet dialect is lost

Written by `python benchmarks/blind_spot.py --per-cell {per_cell} --seed {seed}` in {seconds:.0f} s: {texts} texts, all
arms fitted to the same texts of the dialects A and B, promised false-positive rate {fpr}.

The *profile* weighs a few latents of each trait, none of them negatively, so that a text in which nothing fires reads
as nothing. The other arms weigh everything, with either sign, by the penalty of the dense probe
on pooled vectors of unit variance. The time is of the machine with whatever else was running there.

| arm | AUROC A | B | C | flagged A | B | C | FPR |
|---|---|---|---|---|---|---|---|
"""


def arms(sae: Any) -> dict[str, Callable[[torch.Tensor], torch.Tensor]]:
    """From the states of a text's tokens to one vector."""
    return {
        "states, mean": lambda state_td: state_td.mean(0),
        "the autoencoder's reconstruction, mean": lambda state_td: sae.decode(sae.encode(state_td)).mean(0),
        "what it leaves out, mean": lambda state_td: (state_td - sae.decode(sae.encode(state_td))).mean(0),
        "all latents, mean": lambda state_td: sae.encode(state_td).mean(0),
        "all latents, max": lambda state_td: sae.encode(state_td).amax(0),
    }


@torch.inference_mode()
def pooled(reader: BaseReader, sae: Any, texts: Sequence[Labelled]) -> dict[str, Floats]:
    found: dict[str, list[Floats]] = {name: [] for name in arms(sae)}
    for start in range(0, len(texts), 64):
        for seen in reader.activations([text.messages for text in texts[start : start + 64]]):
            for name, arm in arms(sae).items():
                found[name].append(arm(seen.states_td).numpy())
        print(f"\rread {start}/{len(texts)}", end="", file=sys.stderr)
    return {name: np.stack(vectors) for name, vectors in found.items()}


def logistic(told: Sequence[Labelled], told_ns: Floats, new_ns: Floats) -> tuple[list[TextReading], dict[str, float]]:
    labels, fold_n = Labels.of([text.trait for text in told]), np.array([text.group for text in told])
    used_s = (told_ns != 0).mean(0) > 0.01
    centre_s, scale_s = told_ns[:, used_s].mean(0), told_ns[:, used_s].std(0)
    told_ns, new_ns = ((x_ns[:, used_s] - centre_s) / scale_s for x_ns in (told_ns, new_ns))

    def fit(rows: Any, trait: int, x_ns: Floats) -> Floats:
        rows = np.flatnonzero(rows & labels.contrast(trait))
        model = LogisticRegression(C=1 / (PENALTY * len(rows)), class_weight="balanced", max_iter=1000)
        return np.asarray(model.fit(told_ns[rows], labels.label_n[rows] == trait).decision_function(x_ns))

    held_nr = np.empty((len(told), len(labels.names)))
    for fold in np.unique(fold_n):
        for trait in range(len(labels.names)):
            held_nr[fold_n == fold, trait] = fit(fold_n != fold, trait, told_ns[fold_n == fold])
    threshold = judged(held_nr, labels, fold_n, FPR).threshold
    new_nr = np.stack([fit(fold_n >= 0, trait, new_ns) for trait in range(len(labels.names))], 1)
    readings = [dict(zip(labels.names, row, strict=True)) for row in new_nr.tolist()]
    read = [TextReading("", None, None, {**r}, {n: v > threshold for n, v in r.items()}, {}, {}) for r in readings]
    return read, dict.fromkeys(labels.names, threshold)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--per-cell", type=int, default=60)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--to", type=Path, default=Path(__file__).parent.parent / "docs" / "results")
    options = parser.parse_args()
    began = time.monotonic()
    told, new = labelled("calibration", 200, 0, "AB"), labelled("test", options.per_cell, options.seed, "ABC")
    cases = [Case(text.trait, text.cell[1] if text.trait else "") for text in new]
    reader, found = BaseReader.load(WEIGHTS / "reader", LAYER), dict[str, Quality]()
    with tempfile.TemporaryDirectory() as scratch:
        usual = fit_detector(reader, Path(scratch))
    wide = fit_profile(
        reader, usual.autoencoder, [t.messages for t in told], [t.trait for t in told], FPR,
        groups=[t.group for t in told], latents=usual.autoencoder.record.d_sae,
    )  # fmt: skip
    profiles = {"the profile, 16 latents": usual, "the profile, all latents": replace(usual, profile=wide)}
    for name, one in profiles.items():
        found[name] = quality(one.read([text.messages for text in new]), one.thresholds, cases)
    vectors = [pooled(reader, usual.autoencoder.model, texts) for texts in (told, new)]
    for name in vectors[0]:
        found[name] = quality(*logistic(told, vectors[0][name], vectors[1][name]), cases)
    lines = [HEAD.format(per_cell=options.per_cell, seed=options.seed, texts=len(new), fpr=FPR,
                         seconds=time.monotonic() - began)]  # fmt: skip
    for name, q in found.items():
        shares = [*q.flagged.values(), q.false_positives]
        cells = [f"{v:.3f}" for v in q.auroc_any.values()] + [f"{s.share:.2f}" if s else "–" for s in shares]
        lines.append(f"| {name} | " + " | ".join(cells) + " |\n")
    options.to.mkdir(parents=True, exist_ok=True)
    record = {name: q.model_dump() for name, q in found.items()}
    (options.to / "blind_spot.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    (options.to / "blind_spot.md").write_text("".join(lines), encoding="utf-8")
    print("".join(lines))


if __name__ == "__main__":
    main()
