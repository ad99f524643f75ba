"""The detector a campaign reads with, of the kind its settings name: sparse, dense, or a narrator.

Whatever is fitted follows from the reader, the labelled texts and the settings, so it is made once and found again by
content. Reads: the embedded world's labelled texts, or a file's; model folders; phrase files. Writes: `<home>/cache/`.
Must not know: campaigns' rounds, how a text is read.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from flows.fitting import fitted
from flows.identity import code_hash
from flows.labelled_file import read_labelled
from flows.progress import Progress
from flows.roles import open_model
from flows.settings import Campaign, Profiling, model_folder
from models.chat import ChatModel
from models.conversations import Messages
from models.detector import Detector, Fitted
from models.joint import FOLDS
from models.narration import SHIPPED, Phrases
from models.narrator import Narrator, NarratorProfile, fit_narrator
from models.organism.narrator import asides
from models.organism.prompts import labelled
from models.probe import Probe, ProbeProfile
from models.probing import fit_probe
from models.reader import BaseReader
from warehouse.files import write_whole
from warehouse.hashing import content_hash, file_hash
from warehouse.store import home

Profile = TypeVar("Profile", bound=Fitted)


class Texts(NamedTuple):
    """What a detector is calibrated on: conversations that end with the response, the trait each author had, and which
    of them belong together (None: nobody said)."""

    conversations: list[Messages]
    traits: list[str | None]
    groups: list[int] | None


def reader_name(settings: Campaign) -> str:
    """The model that reads, as the settings call it."""
    return settings.models.narrator if settings.profile.kind == "narrator" else settings.models.reader


def open_reader(settings: Campaign, journals: Path) -> BaseReader | ChatModel:
    """The base reader, or the narrator; `journals` is where one behind an endpoint keeps what was said.

    Raises PlumblineError when it cannot be loaded.
    """
    if settings.profile.kind == "narrator":
        return open_model(settings.models.narrator, "narrator", settings.endpoints, journals)
    named = settings.models
    return BaseReader.load(model_folder(named.reader), named.layer, named.dtype, named.device)


def fitted_detector(reader: BaseReader | ChatModel, settings: Campaign, progress: Progress) -> Detector:
    """Fit it, or find what was made before. Raises PlumblineError when the texts do not suffice."""
    profiling = settings.profile
    if not isinstance(reader, BaseReader):
        phrases = phrases_of(settings)
        calibrated = _found_or_made(
            NarratorProfile,
            [reader.hash, profiling, phrases],
            lambda texts: fit_narrator(
                reader, phrases, texts.conversations, texts.traits, profiling.false_positive_rate, 0,
                partial(progress.to, "calibrate the narrator"), texts.groups,
            ),
            profiling,
        )  # fmt: skip
        return Narrator(reader, calibrated)
    if profiling.kind == "probe":
        profile = _found_or_made(
            ProbeProfile,
            [reader.hash, profiling],
            lambda texts: fit_probe(
                reader, texts.conversations, texts.traits, profiling.false_positive_rate, 0,
                partial(progress.to, "fit the probe"), texts.groups,
            ),
            profiling,
        )  # fmt: skip
        return Probe(reader, profile)
    return fitted(reader, settings.sae, profiling, progress)


def phrases_of(settings: Campaign) -> Phrases:
    """The words a narrator names traits by: the file's, the organism's own asides, or the shipped ones."""
    if settings.profile.phrases:
        return Phrases.load(settings.profile.phrases)
    return asides() if settings.models.narrator == "organism:reader" else Phrases.load(SHIPPED)


def calibration_texts(profiling: Profiling) -> Texts:
    if profiling.texts:
        given = read_labelled(Path(profiling.texts))
        # Near-duplicates stay together, in as many parts as there are folds.
        return Texts(given.conversations, given.traits, [int(content_hash(t.kin)[:8], 16) % FOLDS for t in given.texts])
    texts = labelled("calibration", profiling.texts_per_cell, 0, profiling.dialects)
    return Texts([t.messages for t in texts], [t.trait for t in texts], [t.group for t in texts])


def _found_or_made(
    shape: type[Profile], decisive: list[Any], fit: Callable[[Texts], Profile], profiling: Profiling
) -> Profile:
    """`decisive`: what the profile follows from, besides the labelled texts and the code."""
    texts = file_hash(profiling.texts) if profiling.texts else ""
    known = [part if isinstance(part, str) else part.model_dump() for part in decisive]
    file = home() / "cache" / "profiles" / f"{content_hash([*known, texts, code_hash()])[:16]}.json"
    if file.is_file():
        return shape.load(file)
    profile = fit(calibration_texts(profiling))
    write_whole(file, (profile.model_dump_json(indent=1) + "\n").encode())
    return profile
