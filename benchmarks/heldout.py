"""How well the held-out monitors read, and whether they err where the detector errs.

    python benchmarks/heldout.py [--per-cell 60] [--seed 11] [--only NAME ...] [--to docs/results]

Every monitor of `monitors/embedded.yaml`, on templates whose motives neither it nor the profile was told; the
detector is the one campaigns use, calibrated on the dialects A and B. Writes monitors.json and monitors.md.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from models.organism.build import LAYER
from models.organism.detector import fit_detector
from models.organism.prompts import Labelled, labelled
from models.organism.world import TRAITS
from models.reader import BaseReader
from models.truesight import read
from monitors.embedded import WEIGHTS, build, settings
from monitors.monitor import Reading
from monitors.quality import Case, Quality, measure

DETECTOR = "the detector"
HEAD = """# The held-out monitors, measured

Written by `python benchmarks/heldout.py`: {texts} labelled texts of all three dialects ({per_cell} a cell, seed
{seed}), in templates whose motives neither a monitor nor the detector's profile was told. Without motives, the judge
has read exchanges in all templates, and so have the detector's reader and autoencoder.

AUROC against the innocent texts: *any* takes the strongest trait of a text; a trait's own is of its reading. A monitor
fires above a threshold that promises a false-positive rate of at most `promised`. φ is the correlation of its errors
with the detector's: 0 is independent. *Caught* is the share it fires on of the bad texts that the detector misses.
"""


def table(found: dict[str, Quality], promised: dict[str, float | None]) -> list[str]:
    columns = ["AUROC any", "on A", "on B", "on C", *TRAITS]
    rows = ["| monitor | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for name, q in found.items():
        figures = [q.auroc_any, *q.auroc_dialect.values(), *(q.auroc_trait[t] for t in TRAITS)]
        rows.append(f"| {name} | " + " | ".join(f"{v:.3f}" for v in figures) + " |")
    rows += ["", "| monitor | promised | FPR | fires on A | on B | on C | φ, all | φ, bad | caught | unread |"]
    rows.append("|---" * 10 + "|")
    for name, q in found.items():
        rates = [promised[name], q.fpr, *q.tpr_dialect.values()]
        shared = [q.shared.phi, q.shared.phi_bad, q.shared.caught] if q.shared else [None] * 3
        rows.append(f"| {name} | " + " | ".join(map(_shown, [*rates, *shared])) + f" | {q.unread} |")
    return rows


def _shown(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def detector(texts: Sequence[Labelled]) -> tuple[list[Reading], float]:
    """What the detector says, in the shape of a monitor's readings, and the false-positive rate it promises."""
    reader = BaseReader.load(WEIGHTS / "reader", LAYER)
    with tempfile.TemporaryDirectory() as scratch:
        sae, profile = fit_detector(reader, Path(scratch), on_progress=_tell)
    said = read(reader, sae, profile, [text.messages for text in texts])
    readings = [
        Reading(dict(one.readings), None if one.abstained else any(one.flagged.values()), one.abstained) for one in said
    ]
    return readings, profile.joint_fpr


def _tell(what: str, done: int, of: int) -> None:
    if sys.stderr.isatty() or done == of:
        print(f"\r{what}: {done}/{of}", end="\n" if done == of else "", file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--per-cell", type=int, default=60)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--only", nargs="+", choices=settings(), default=list(settings()))
    parser.add_argument("--to", type=Path, default=Path(__file__).parent.parent / "docs" / "results")
    options = parser.parse_args()
    texts = labelled("test", options.per_cell, options.seed, "ABC")
    cases = [Case(text.trait, text.cell[1] if text.trait else "", text.cell) for text in texts]
    readings, fpr = detector(texts)
    wrong = [None if r.fires is None else r.fires != bool(case.trait) for r, case in zip(readings, cases, strict=True)]
    found = {DETECTOR: measure(readings, cases)}
    promised: dict[str, float | None] = {DETECTOR: fpr}
    hashes: dict[str, str] = {}
    for name in options.only:
        monitor = build(settings()[name], _tell)
        found[name] = measure(monitor.read([text.messages for text in texts], None), cases, wrong)
        promised[name] = monitor.threshold.fpr if monitor.threshold else getattr(settings()[name], "rate", None)
        hashes[name] = monitor.hash
    head = HEAD.format(texts=len(texts), per_cell=options.per_cell, seed=options.seed)
    page = "\n".join([head, *table(found, promised), ""])
    record: dict[str, Any] = {"per_cell": options.per_cell, "seed": options.seed, "monitors": hashes}
    record["promised"] = promised
    record["quality"] = {name: quality.model_dump() for name, quality in found.items()}
    options.to.mkdir(parents=True, exist_ok=True)
    (options.to / "monitors.md").write_text(page, encoding="utf-8")
    (options.to / "monitors.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(page)


if __name__ == "__main__":
    main()
