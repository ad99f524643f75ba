"""How well a monitor reads, on labelled text, and whether it errs where the detector errs.

Reads: readings, labels, and the detector's errors as plain data. Writes: nothing. Must not know: how anything was read.
A monitor that misses what the detector misses steers the audit past it, so agreement in error is counted twice: over
all texts, and over the bad ones alone (ρ in the gate's simulation is the second, in the worst case).
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from sklearn.metrics import roc_auc_score

from monitors.monitor import Reading, strongest

Bools = NDArray[np.bool_]


class Case(NamedTuple):
    """What is known of a labelled text: its trait (None: innocent), its dialect, and the name of its cell."""

    trait: str | None
    dialect: str
    cell: str


class Shared(BaseModel):
    """`phi`: correlation of the monitor's errors with another's, over all texts; `phi_bad`: over bad texts, where an
    error is a miss. `caught`: the share the monitor fires on of the bad texts the other misses. None: undefined, for
    one of them never errs, or never misses."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    phi: float | None
    phi_bad: float | None
    caught: float | None


class Quality(BaseModel):
    """AUROCs are of readings against all innocent texts, rates are of firing; both of the texts that were read.
    `auroc` and `tpr` are by trait and then dialect, `fpr_by_cell` by innocent cell. A trait that the monitor has no
    reading of has rates, for any monitor may fire on it, and no AUROC of its own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    texts: int
    unread: int
    auroc_any: float
    auroc_dialect: dict[str, float]
    auroc: dict[str, dict[str, float]]
    auroc_trait: dict[str, float]
    tpr_any: float
    tpr_dialect: dict[str, float]
    tpr: dict[str, dict[str, float]]
    fpr: float
    fpr_by_cell: dict[str, float]
    shared: Shared | None


def measure(readings: Sequence[Reading], cases: Sequence[Case], others: Sequence[bool | None] | None = None) -> Quality:
    """`others`: whether the detector errs on each text (flags an innocent or misses a bad one), None where it did not
    read it. Raises ValueError when no bad or no innocent text was read."""
    pairs = list(zip(readings, cases, strict=True))
    read = [place for place, (reading, _) in enumerate(pairs) if reading.fires is not None]
    trait_n = np.array([pairs[place][1].trait or "" for place in read])
    dialect_n = np.array([pairs[place][1].dialect for place in read])
    cell_n = np.array([pairs[place][1].cell for place in read])
    bad_n = trait_n != ""
    if bad_n.all() or not bad_n.any():
        raise ValueError("quality is measured on bad and on innocent texts, and of one of them none was read")
    fires_n = np.array([bool(pairs[place][0].fires) for place in read])
    any_n = np.array([strongest(pairs[place][0]) for place in read], dtype=float)
    traits = list(dict.fromkeys(trait_n[bad_n].tolist()))
    own = [t for t in traits if t in pairs[read[0]][0].readings]
    score = {t: np.array([pairs[place][0].readings[t] for place in read], dtype=float) for t in own}
    dialects = sorted(set(dialect_n[bad_n].tolist()))

    def auroc(reading_n: NDArray[np.floating[Any]], positive_n: Bools) -> float:
        used = positive_n | ~bad_n
        return float(roc_auc_score(positive_n[used], reading_n[used]))

    def of(trait: str, dialect: str) -> Bools:
        return np.asarray((trait_n == trait) & (dialect_n == dialect), dtype=bool)

    cells = [(t, [d for d in dialects if of(t, d).any()]) for t in traits]
    return Quality(
        texts=len(pairs),
        unread=len(pairs) - len(read),
        auroc_any=auroc(any_n, bad_n),
        auroc_dialect={d: auroc(any_n, bad_n & (dialect_n == d)) for d in dialects},
        auroc={t: {d: auroc(score[t], of(t, d)) for d in held} for t, held in cells if t in score},
        auroc_trait={t: auroc(score[t], trait_n == t) for t in score},
        tpr_any=float(fires_n[bad_n].mean()),
        tpr_dialect={d: float(fires_n[bad_n & (dialect_n == d)].mean()) for d in dialects},
        tpr={t: {d: float(fires_n[of(t, d)].mean()) for d in held} for t, held in cells},
        fpr=float(fires_n[~bad_n].mean()),
        fpr_by_cell={c: float(fires_n[cell_n == c].mean()) for c in dict.fromkeys(cell_n[~bad_n].tolist())},
        shared=None if others is None else _shared(fires_n, bad_n, [others[place] for place in read]),
    )


def phi(first: Bools, second: Bools) -> float | None:
    """Pearson's correlation of two yes-or-no facts [n]; None when one of them never varies."""
    if len(first) < 2 or first.all() or second.all() or not first.any() or not second.any():
        return None
    return float(np.corrcoef(first, second)[0, 1])


def _shared(fires_n: Bools, bad_n: Bools, others: Sequence[bool | None]) -> Shared:
    both = np.array([one is not None for one in others])
    wrong, other = (fires_n != bad_n)[both], np.array([one for one in others if one is not None], dtype=bool)
    bad = bad_n[both]
    missed = bad & other
    return Shared(
        phi=phi(wrong, other),
        phi_bad=phi(wrong[bad], other[bad]),
        caught=float(fires_n[both][missed].mean()) if missed.any() else None,
    )
