"""Several traits under one threshold: what readings held out from their fit say of the detector that gave them.

Reads: readings, labels and folds as numbers. Writes: nothing. Must not know: how anything was read. The same rule for
every detector; `models.guaranteed` has a stricter one, for texts enough to set some aside.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold

from models.conformal import conformal_threshold, measured_fpr
from warehouse.errors import PlumblineError

Floats = NDArray[np.floating[Any]]
Integers = NDArray[np.int_]
FOLDS = 5


class Labels(NamedTuple):
    """Traits in the order they first appear, and of each text the number of its trait, -1 for none."""

    names: list[str]
    label_n: Integers

    @classmethod
    def of(cls, labels: Sequence[str | None], named: Sequence[str | None] | None = None) -> "Labels":
        """Raises PlumblineError when a trait, or no trait, has fewer than five texts; the traits are those of `named`,
        where some of the texts there could not be read."""
        names = list(dict.fromkeys(label for label in named or labels if label is not None))
        label_n = np.array([-1 if label is None else names.index(label) for label in labels], dtype=int)
        for name, count in zip(["no trait", *names], np.bincount(label_n + 1, minlength=len(names) + 1), strict=True):
            if count < FOLDS:
                raise PlumblineError(f"calibration: {count} readable texts with {name}; give at least {FOLDS}")
        return cls(names, label_n)

    def contrast(self, trait: int) -> NDArray[np.bool_]:
        """The texts that show the trait, and those that show none."""
        return np.asarray((self.label_n == trait) | (self.label_n == -1), dtype=bool)


class Judged(NamedTuple):
    """`threshold` bounds P(any trait is flagged | none is there) by the rate asked for; `measured_fpr` is that share
    when each fold is judged by a threshold from the others; `aurocs` are of each trait against no trait."""

    threshold: float
    measured_fpr: float
    negatives: int
    aurocs: list[float]
    positives: list[int]


def folds(labels: Labels, groups: Sequence[int] | None, seed: int) -> Integers:
    """The fold each text is held out with, numbered from 0: its group, or one of five random ones."""
    if groups:
        return np.unique(groups, return_inverse=True)[1]
    fold_n = np.empty(len(labels.label_n), int)
    split = StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(labels.label_n, labels.label_n)
    for fold, (_, out) in enumerate(split):
        fold_n[out] = fold
    return fold_n


def aurocs(reading_nr: Floats, labels: Labels) -> list[float]:
    """Of each trait's reading, its texts against those of no trait."""
    found = []
    for trait in range(len(labels.names)):
        rows = labels.contrast(trait)
        found.append(float(roc_auc_score(labels.label_n[rows] == trait, reading_nr[rows, trait])))
    return found


def judged(reading_nr: Floats, labels: Labels, fold_n: Integers, fpr: float) -> Judged:
    """`reading_nr` [texts, traits]: readings of texts held out from whatever was fitted. Raises PlumblineError when
    there are too few texts without a trait to promise `fpr`."""
    negative_n = labels.label_n == -1
    strongest_n = reading_nr.max(1).round(6)[negative_n]
    return Judged(
        threshold=conformal_threshold(strongest_n, fpr),
        measured_fpr=measured_fpr(strongest_n, fold_n[negative_n], fpr),
        negatives=int(negative_n.sum()),
        aurocs=aurocs(reading_nr, labels),
        positives=[int((labels.label_n == trait).sum()) for trait in range(len(labels.names))],
    )
