"""A profile with a guarantee: fitted to one part of the labelled texts, its threshold set by another.

Every trait is measured within and across sources, beside length and style; one that is read badly, or by its length
only, is kept from flagging.
Reads: labelled texts, through the base reader and its autoencoder. Writes: nothing. Must not know: which traits there
are or where the texts come from.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import get_args

import numpy as np

from models.autoencoder import Autoencoder
from models.calibrate import Pooled, limit, observed, trait_of
from models.conformal import Scale, conformal_threshold, measured_fpr, one_of_each, set_aside
from models.joint import FOLDS
from models.labelled import Booleans, Integers, Labelled, Table
from models.measure import Controls, Evidence, fpr_across, quality, verdict
from models.reader import BaseReader
from models.truesight import Pooling, Profile
from models.weights import LEAST_FIT, Fitter, Weights, fit_weights
from warehouse.errors import PlumblineError

ALL: tuple[Pooling, ...] = get_args(Pooling)
BAR = 0.75
FITTING = "fit, leaving out one source after the other"
Stages = Callable[[str, int, int], None]
"""Called as on_progress(what, done, of)."""


def calibrate(
    reader: BaseReader,
    sae: Autoencoder,
    labelled: Labelled,
    joint_fpr: float = 0.05,
    bar: float = BAR,
    force: Sequence[str] = (),
    poolings: Sequence[Pooling] = ALL,
    latents: int = 16,
    seed: int = 0,
    on_progress: Stages | None = None,
) -> Profile:
    """A profile whose every trait has its `quality`, and flags only where that reaches the `bar` or it is in `force`.

    Three in ten groups are set aside by the hash of their name. To the others weights are fitted, and everything is
    chosen on readings of texts held out from the fit: the pooling (the best mean over traits of the AUROC that the bar
    is put to), which traits flag, and the scale on which they are compared. Then the set-aside negatives, one of a
    group, give the threshold on the strongest of the flagging traits (of all, where none may flag): split conformal
    prediction, exact for readable texts that are exchangeable with them as long as reader and autoencoder never saw
    them. Recalls are of the set-aside positives.
    Takes 24 bytes of memory for each text and latent, and up to 24 more while a pooling is tried. Raises PlumblineError
    when a trait has too few texts or `force` names none.
    """
    tell = on_progress or (lambda what, done, of: None)
    table = Table.of(labelled.texts)
    if unknown := sorted(set(force) - set(table.names)):
        names = ", ".join(table.names) or "none"
        raise PlumblineError(f"calibration: no text shows {unknown[0]}, which you forced; the traits shown are {names}")
    features = observed(reader, sae, labelled.conversations, partial(tell, "read the labelled texts"))
    rows = [row for row, text in enumerate(features) if text]
    found, texts, table = [text for text in features if text], [labelled.texts[row] for row in rows], table.take(rows)
    aside_n = np.array([set_aside(text.kin, seed) for text in texts], bool)
    _enough(table, aside_n)
    pooled, fold_n = Pooled(found), _dealt(table, seed)
    tried = dict[Pooling, Evidence]()
    for done, pooling in enumerate(poolings):
        tell(FITTING, done, len(poolings) + 1)
        fitter = Fitter(pooled.by(pooling), table, partial(fit_weights, latents=latents))
        tried[pooling] = Evidence.of(fitter, aside_n, fold_n)
        best = max(tried, key=lambda one: tried[one].mean)
        tried = {best: tried[best]}
    (pooling, evidence), *_ = tried.items()
    tell(FITTING, len(poolings), len(poolings) + 1)

    controls = Controls.of(evidence, texts)
    verdicts = {name: verdict(evidence, controls, trait, bar) for trait, name in enumerate(table.names)}
    flags_r = np.array([not found.why_not or name in force for name, found in verdicts.items()])
    deciding_r = flags_r if flags_r.any() else ~flags_r
    final_nr = evidence.fitter.readings(~aside_n, aside_n)
    negative = np.flatnonzero(~table.shows_n[aside_n])
    negative = negative[one_of_each(table.group_n[aside_n][negative].tolist(), seed)]
    scale = Scale.of(evidence.fitter.readings(~aside_n, ~aside_n & ~table.shows_n), joint_fpr)
    strongest_n = scale.strongest(final_nr[negative], deciding_r)
    threshold_r = scale.thresholds(conformal_threshold(strongest_n, joint_fpr))

    across, traits = fpr_across(evidence, deciding_r, joint_fpr, seed), {}
    for trait, (name, judged) in enumerate(verdicts.items()):
        fitted = evidence.fitter.fitted(trait, ~aside_n)
        assert isinstance(fitted, Weights)
        traits[name] = trait_of(
            fitted,
            pooling,
            pooled.latents,
            threshold=float(threshold_r[trait]),
            auroc=judged.in_source.value if judged.in_source else None,
            positives=int((table.shows_n & (table.trait_n == trait)).sum()),
            flags=bool(flags_r[trait]),
            why_not=judged.why_not,
            quality=quality(evidence, trait, texts, judged, final_nr[:, trait], threshold_r[trait], across),
        )
    fitted_to = [text for text, out in zip(found, aside_n, strict=True) if not out]
    tell(FITTING, len(poolings) + 1, len(poolings) + 1)
    return Profile(
        traits=traits,
        pooling=pooling,
        reconstruction_limit=limit([text.reconstruction for text in fitted_to]),
        vocabulary_limit=limit([text.vocabulary for text in fitted_to]),
        joint_fpr=joint_fpr,
        measured_fpr=measured_fpr(strongest_n, np.arange(len(strongest_n)) % FOLDS, joint_fpr),
        negatives=len(strongest_n),
        reader=reader.hash,
        sae=sae.hash,
        guarantee="split",
        fpr_across={table.sources[source]: one.fpr for source, one in across.items() if one.fpr},
        bar=bar,
    )


def fitting_part(labelled: Labelled, seed: int = 0) -> Labelled:
    """The texts that are not set aside: an autoencoder made for a profile must be trained on no others."""
    return Labelled(tuple(text for text in labelled.texts if not set_aside(text.kin, seed)))


def _enough(table: Table, aside_n: Booleans) -> None:
    """Raises PlumblineError naming the trait of which too few texts are left to fit to."""
    fit_n = ~aside_n
    for trait, name in enumerate(table.names):
        shows = fit_n & table.about(trait)
        for what, count in (("showing", (shows & table.shows_n).sum()), ("without", (shows & ~table.shows_n).sum())):
            if count < LEAST_FIT:
                raise PlumblineError(
                    f"calibration: {count} readable texts {what} {name} are left to fit to when three in ten are set "
                    f"aside; give at least {2 * LEAST_FIT} of them"
                )
    if not table.names:
        raise PlumblineError("calibration: no text shows any trait; label some with 1")


def _dealt(table: Table, seed: int) -> Integers:
    """A fold for each text, whole groups dealt out in turn, so that each fold has its share of every label."""
    first = np.unique(table.group_n, return_index=True)[1]
    chance = np.random.default_rng(seed).random(len(first))
    order = np.lexsort([chance, table.source_n[first], table.shows_n[first], table.trait_n[first]])
    fold_g = np.empty(len(first), int)
    fold_g[order] = np.arange(len(first)) % FOLDS
    return fold_g[np.unique(table.group_n, return_inverse=True)[1]]
