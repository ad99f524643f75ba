"""Fits a profile to labelled texts: which latents betray each trait, how they are weighed, and when to flag.

For a world whose motives are known: every text is given to the weights, and what the threshold promises was measured on
texts held out in turn, which is no theorem (`models.guaranteed` fits one that is, to texts of unknown quality).
Reads: conversations with a label each, through the base reader and its autoencoder. Writes: nothing. Must not know:
which traits there are or where the texts come from; the profile knows what its calibration texts showed, no more.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any, Literal, NamedTuple

import numpy as np

from models.autoencoder import Autoencoder
from models.chat import Progress
from models.conversations import Messages
from models.joint import Labels, aurocs, folds, judged
from models.labelled import Table
from models.reader import BaseReader
from models.truesight import Floats, Observed, Pooling, Profile, Trait, observe, shares
from models.weights import Fitter, Weights, fit_weights


class Features(NamedTuple):
    """A text's pooled latents, and how strange it is to the reader."""

    mean_s: Floats
    max_s: Floats
    last_s: Floats
    reconstruction: float
    vocabulary: float


class Pooled:
    """Texts × latents for each way of pooling. With mean+max, made when it is asked for, there are twice as many
    columns."""

    def __init__(self, texts: Sequence[Features]) -> None:
        self._texts = texts
        self.latents = len(texts[0].mean_s)

    def by(self, pooling: Pooling) -> Floats:
        mean, greatest, last = ([text[place] for text in self._texts] for place in range(3))
        if pooling == "mean+max":
            return np.hstack([np.stack(mean), np.stack(greatest)])
        return np.stack({"mean": mean, "max": greatest, "last": last}[pooling])


def observed(
    reader: BaseReader, sae: Autoencoder, conversations: Sequence[Messages], on_progress: Progress | None
) -> list[Features | None]:
    """None for a text that cannot be read."""

    def features(text: Observed) -> Features | None:
        if text.unreadable:
            return None
        mean_s, max_s, last_s = (shares(text.latents_ts, pooling).sum(0) for pooling in ("mean", "max", "last"))
        return Features(mean_s, max_s, last_s, text.reconstruction or 0.0, text.vocabulary)

    return observe(reader, sae, conversations, features, on_progress)


def trait_of(fitted: Weights, pooling: Pooling, latents: int, **facts: Any) -> Trait:
    """`latents`: how many the autoencoder has; with mean+max the weights stand for the means first, then the maxima."""
    by: tuple[Literal["mean", "max"], ...] = ()
    if pooling == "mean+max":
        by = tuple("max" if index >= latents else "mean" for index in fitted.latents)
    return Trait(
        latents=tuple((fitted.latents % latents).tolist()),
        weights=tuple(fitted.weights.tolist()),
        bias=fitted.bias,
        by=by,
        **facts,
    )


def fit_profile(
    reader: BaseReader,
    sae: Autoencoder,
    conversations: Sequence[Messages],
    labels: Sequence[str | None],
    joint_fpr: float = 0.05,
    seed: int = 0,
    on_progress: Progress | None = None,
    groups: Sequence[int] | None = None,
    latents: int = 16,
    poolings: Sequence[Pooling] = ("max", "mean"),
) -> Profile:
    """`labels`: the trait each response shows, None for none. Traits are read in the order they first appear, each by
    `latents` of the autoencoder's latents at most.

    Every figure (pooling, thresholds, AUROC) comes from readings of texts held out from the fit: each of `groups` in
    turn (texts that share an author, a source or a template belong together, else a false-positive rate is promised
    that new ones do not keep), or five random folds. The weights themselves are then fitted to all texts. Raises
    PlumblineError when a trait has fewer than five texts or `joint_fpr` is too small for that many negatives.
    """
    features = observed(reader, sae, conversations, on_progress)
    found = [text for text in features if text]
    texts = [label for text, label in zip(features, labels, strict=True) if text]
    told = Labels.of(texts, labels)
    names, label_n = told
    fold_n = folds(told, groups and [g for g, text in zip(groups, features, strict=True) if text], seed)
    nowhere_n = np.zeros(len(texts), int)
    table = Table(tuple(names), ("",), label_n, label_n >= 0, nowhere_n, np.arange(len(texts)))
    pooled, every_n = Pooled(found), np.ones(len(texts), bool)
    fitters = {p: Fitter(pooled.by(p), table, partial(fit_weights, latents=latents)) for p in poolings}
    held_out = {p: fitters[p].cross_fitted(every_n, fold_n) for p in poolings}
    pooling = max(poolings, key=lambda p: np.mean(aurocs(held_out[p], told)))
    judgement = judged(held_out[pooling], told, fold_n, joint_fpr)
    traits = {}
    for t, name in enumerate(names):
        fitted = fitters[pooling].fitted(t, every_n)
        assert isinstance(fitted, Weights)
        facts = {"auroc": judgement.aurocs[t], "positives": judgement.positives[t]}
        traits[name] = trait_of(fitted, pooling, pooled.latents, threshold=judgement.threshold, **facts)
    return Profile(
        traits=traits,
        pooling=pooling,
        reconstruction_limit=limit([text.reconstruction for text in found]),
        vocabulary_limit=limit([text.vocabulary for text in found]),
        joint_fpr=joint_fpr,
        measured_fpr=judgement.measured_fpr,
        negatives=judgement.negatives,
        reader=reader.hash,
        sae=sae.hash,
    )


def limit(measured: Sequence[float]) -> float:
    """Where a text is out of range: a quarter and two points above what 99.5 % of the calibration texts stay below."""
    return round(1.25 * float(np.quantile(measured, 0.995)) + 0.02, 6)
