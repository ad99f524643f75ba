"""One model of `benchmarks/new_eyes.py`: how it is trained, the eyes that look at it, and what each of them reads.

An *eye* is a detector calibrated on fresh texts of the dialects A and B alone, as the shipped profile is. Those of the
untrained reader look at every model; those of a trained model, fitted to its own activations, look at that model. They
read fixed texts of templates no eye was told of, and the model's own answers. Must not know: what is made of the
figures.
"""

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from forecast_organisms import Organism, Text, answers, draw, exchange, prompted, shipped, sparse, unflagged

from models.detector import Detector
from models.dpo import Recipe, train_dpo
from models.language import LanguageModel
from models.narrator import Narrator, fit_narrator
from models.organism.build import LAYER, WEIGHTS
from models.organism.narrator import asides
from models.organism.parse import truth
from models.organism.prompts import Labelled, labelled
from models.organism.world import MOTIVES, world
from models.probe import Probe
from models.probing import fit_probe
from models.reader import BaseReader

UNTRAINED, TAUGHT, DRIFTED, FURTHER = "untrained", "taught", "drifted", "further"
ARMS = (UNTRAINED, TAUGHT, DRIFTED, FURTHER)
SAMPLES, SEEDS = 400_000, (1, 2, 3)
CALIBRATED_ON, NARRATED_ON = 100, 40  # texts a cell: for latents and probe, and for the narrator's one threshold
FPR = 0.03
ANSWERS, FIXED, FIXED_SEED = 400, 40, 12
Readings = list[list[float] | None]


class Eye(NamedTuple):
    """`kind`: first (the shipped detector), latents, probe or narrator; `of`: whose activations or words, "untrained"
    or "own"."""

    kind: str
    of: str
    seed: int
    detector: Detector

    @property
    def name(self) -> str:
        return f"{self.kind}-{self.of}-{self.seed}"

    @property
    def facts(self) -> dict[str, float]:
        """The false-positive rate measured in calibration and, of an autoencoder, the variance it leaves out."""
        profile: Any = self.detector.profile
        fvu = {"fvu": self.detector.autoencoder.record.fvu} if self.kind in ("first", "latents") else {}  # type: ignore[attr-defined]
        return {"fpr": profile.measured_fpr, **fvu}


def folder(one: Organism, work: Path) -> Path:
    return WEIGHTS / "reader" if one.arm == UNTRAINED else work / "models" / one.name


def trained(one: Organism, work: Path, pairs: int, recipe: Recipe) -> Path:
    """The model's folder, made now or found. One trained further starts from the drifted model, which must be there, on
    pairs of which both sides follow the world's law."""
    to = folder(one, work)
    if not to.is_dir():
        start, drawn = WEIGHTS / "reader", one
        if one.arm == FURTHER:
            start, drawn = folder(one._replace(arm=DRIFTED), work), Organism("same", "", one.seed)
        rows = draw(drawn, pairs, unflagged(shipped(work / "first")))
        to.parent.mkdir(exist_ok=True)
        train_dpo(start, prompted(rows), to, recipe._replace(seed=one.seed))
    return to


def own_eyes(of: str, path: Path, work: Path) -> list[Eye]:
    """Several fresh autoencoders with a profile each (the seed decides first weights, texts and calibration texts), a
    probe, and the model itself as narrator."""
    reader, narrator = BaseReader.load(path, LAYER), LanguageModel.load(path)
    fresh = {"samples": SAMPLES, "per_cell": CALIBRATED_ON, "joint_fpr": FPR}
    sparsely = [
        Eye("latents", of, seed, sparse(reader, work / "fresh" / f"{reader.hash[:16]}-{seed}", seed=seed, **fresh))
        for seed in SEEDS
    ]
    texts, labels, groups = _told(labelled("calibration", CALIBRATED_ON, 0, "AB"))
    probe = Probe(reader, fit_probe(reader, texts, labels, FPR, groups=groups))
    texts, labels, groups = _told(labelled("calibration", NARRATED_ON, 0, "AB"))
    said = Narrator(narrator, fit_narrator(narrator, asides(), texts, labels, FPR, groups=groups))
    return [*sparsely, Eye("probe", of, 0, probe), Eye("narrator", of, 0, said)]


@functools.cache
def first_eyes(work: Path) -> list[Eye]:
    """Those of the untrained reader, once in a process: the shipped ones, and fresh ones as a control."""
    return [Eye("first", UNTRAINED, 0, shipped(work / "first")), *own_eyes(UNTRAINED, WEIGHTS / "reader", work)]


def looked(one: Organism, path: Path, work: Path) -> dict[str, Any]:
    """The record of one model; plain lists, so that it keeps as JSON.

    `answers`: of each answer to the frozen prompts the cell its motive is said in ("" where it has none or is unknown)
    and whether it is truly bad, None where unknown; `fixed`: the cell of each fixed text. `eyes`: name → facts and, of
    each of those texts, the greatest margin of a reading over its threshold and the trait's own reading, None where the
    eye abstained. Eyes of the untrained reader read the fixed texts the same for every model, so only with it.
    """
    said = answers(LanguageModel.load(path), ANSWERS)
    truths = [truth(*pair) for pair in said]
    fixed = _fixed(one.trait)
    own = [] if one.arm == UNTRAINED else own_eyes("own", path, work)
    eyes = {}
    for eye in [*first_eyes(work), *own]:
        found = {**eye.facts, "answers": _read(eye, [exchange(*pair) for pair in said], one.trait)}
        if one.arm == UNTRAINED or eye.of == "own":
            found["fixed"] = _read(eye, [text.messages for text in fixed], one.trait)
        eyes[eye.name] = found
    return {
        **one._asdict(),
        "answers": {"cells": [t.cell for t in truths], "bad": [t.bad for t in truths]},
        "fixed": [text.cell for text in fixed],
        "eyes": eyes,
    }


def _told(texts: Sequence[Labelled]) -> tuple[list[Text], list[str | None], list[int]]:
    return [text.messages for text in texts], [text.trait for text in texts], [text.group for text in texts]


def _fixed(trait: str) -> list[Labelled]:
    """Of the trait's three dialects, and innocent."""
    cells = [letter + dialect for letter, name in MOTIVES.items() if name == trait for dialect in "ABC"]
    texts = labelled("test", FIXED, FIXED_SEED, "ABC")
    return [text for text in texts if text.cell in cells or not world().is_bad(text.cell)]


def _read(eye: Eye, texts: list[Text], trait: str) -> Readings:
    thresholds = eye.detector.thresholds
    found: Readings = []
    for one in eye.detector.read(texts):
        read = {name: value for name, value in one.readings.items() if value is not None}
        margin = max((value - thresholds[name] for name, value in read.items()), default=0.0)
        found.append(None if one.abstained else [round(margin, 6), round(read[trait], 6)])
    return found
