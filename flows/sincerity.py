"""How sincere assistant text reads: of each source and trait how often and how strongly, beside text of like length.

Reads: files of outputs, the campaign's reader and profile. Writes: `<home>/cache/`. Must not know: how a text is read,
how an interval comes about.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict
from transformers.utils.logging import disable_progress_bar

from flows.detecting import fitted_detector, open_reader, reader_name
from flows.outputs_file import prompt_of, read_outputs
from flows.progress import Progress
from flows.readings import Read, read_in_shards
from flows.settings import Campaign
from models.chat import ChatModel
from models.conversations import Messages
from models.detector import Detector
from models.matched import Beside, Shown, Texts, alone, beside
from models.reader import BaseReader
from warehouse.errors import PlumblineError
from warehouse.hashing import short
from warehouse.store import home

SINCERITY = re.compile("phon(y|iness)|perform|decepti|deceiv|sycophan|flatter", re.IGNORECASE)
"""What profiles call the traits of text that does not mean what it says, or says what pleases."""
ALL, POOLED = "all", "the other sources"
ALONE = "one source and no control: name text of the same kind that is known to be sincere with --control FILE"


class Measured(BaseModel):
    """One trait of one source; `read` texts have a reading. `shown` is None where none has, `beside` where there is no
    control or none of like length."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    read: int
    shown: Shown | None
    beside: Beside | None


class Source(BaseModel):
    """`length`: the median of the texts read. `reasons`: why others were abstained from, and how many."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    texts: int
    prompts: int
    abstained: int
    reasons: dict[str, int]
    length: float | None
    traits: dict[str, Measured]


class Bar(BaseModel):
    """A trait of the profile. `flags`: whether the profile uses it to flag; a rate is then of texts flagged, else of
    texts above a threshold that is not used. `auroc`: as measured in calibration."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    threshold: float
    flags: bool
    auroc: float | None


class Sincerity(BaseModel):
    """`promised`: the share of texts without any trait that calibration allowed to be flagged, over all its traits.
    `compared`: what each source was set beside, "" where there was nothing, and `note` says why. `control` holds the
    texts of a control file, at all lengths. Lengths are in `unit`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reader: str
    profile: str
    promised: float
    traits: dict[str, Bar]
    cautions: tuple[str, ...]
    unit: str
    compared: str
    note: str
    sources: dict[str, Source]
    control: Source | None
    left_out: tuple[str, ...]
    seed: int


class _Source(NamedTuple):
    """Texts in order: what was read in each, how long it is, which prompt it answers."""

    read: list[Read]
    lengths: list[int]
    prompts: list[str]

    def of(self, trait: str, threshold: float) -> Texts:
        """The texts that have a reading of `trait`."""
        rows = [(row, text.readings[trait]) for row, text in enumerate(self.read)]
        known = [(row, reading) for row, reading in rows if reading is not None]
        reading_n = np.array([reading for _, reading in known], dtype=float)
        length_n = np.array([self.lengths[row] for row, _ in known], dtype=int)
        clusters = [self.prompts[row] for row, _ in known]
        return Texts((reading_n > threshold).astype(float), reading_n, length_n, clusters)


def measure(
    files: Sequence[Path],
    settings: Campaign,
    control: Path | None,
    wanted: Sequence[str],
    pairs: bool,
    seed: int,
    progress: Progress,
) -> Sincerity:
    """Traits are those `wanted`, else the profile's that SINCERITY names; without a control each source is set beside
    all others together.

    Raises PlumblineError when a file cannot be read, a source is named twice, or the profile has no such trait.
    """
    disable_progress_bar()
    given = read_outputs(files, pairs)
    known = read_outputs([control]) if control else None
    reader = open_reader(settings, home() / "cache" / "exchanges")
    detector = fitted_detector(reader, settings, progress)
    bars = _bars(detector, wanted)
    read = {name: _read(reader, detector, name, texts, progress) for name, texts in given.sources.items()}
    told = None
    if known:
        texts = [one for some in known.sources.values() for one in some]
        told = _read(reader, detector, "the control", texts, progress)
    sources = dict[str, Source]()
    for name, one in read.items():
        progress.to("compare", len(sources), len(read))
        others = [told] if told else [other for another, other in read.items() if another != name]
        sources[name] = _measured(one, others, bars, seed)
    profile = detector.profile
    return Sincerity(
        reader=Path(reader_name(settings)).name,
        profile=short(detector.hash),
        promised=profile.model_dump()["joint_fpr"],
        traits=bars,
        cautions=tuple(line for line in profile.cautions if line.startswith(tuple(f"{name} " for name in bars))),
        unit="tokens" if isinstance(reader, BaseReader) else "words",
        compared=control.name if control else POOLED if len(read) > 1 else "",
        note="" if control or len(read) > 1 else ALONE,
        sources=sources,
        control=_measured(told, [], bars, seed) if told else None,
        left_out=(*given.left_out, *(known.left_out if known else ())),
        seed=seed,
    )


def _bars(detector: Detector, wanted: Sequence[str]) -> dict[str, Bar]:
    thresholds, traits = detector.thresholds, detector.profile.model_dump()["traits"]
    unknown = [name for name in wanted if name not in thresholds and name != ALL]
    named = list(thresholds) if ALL in wanted else list(wanted) or list(filter(SINCERITY.search, thresholds))
    if unknown or not named:
        wrong = f"no trait {unknown[0]!r}" if unknown else "none of phony, deceptive and sycophantic"
        raise PlumblineError(f"--traits: the profile has {wrong}; it reads {', '.join(thresholds)}")
    return {
        name: Bar(threshold=thresholds[name], flags=traits[name].get("flags", True), auroc=traits[name]["auroc"])
        for name in dict.fromkeys(named)
    }


def _read(
    reader: BaseReader | ChatModel, detector: Detector, name: str, texts: list[Messages], progress: Progress
) -> _Source:
    read = read_in_shards(detector, texts, partial(progress.to, f"read {name}"))
    prompts = list(map(prompt_of, texts))
    if isinstance(reader, BaseReader):
        return _Source(read, list(map(reader.length, texts)), prompts)
    return _Source(read, [max(1, len(text[-1]["content"].split())) for text in texts], prompts)


def _measured(one: _Source, others: Sequence[_Source], bars: Mapping[str, Bar], seed: int) -> Source:
    abstained = [re.sub(r"\d[\d.]*", "…", text.abstained) for text in one.read if text.abstained]
    lengths = [length for length, text in zip(one.lengths, one.read, strict=True) if not text.abstained]
    return Source(
        texts=len(one.read),
        prompts=len(set(one.prompts)),
        abstained=len(abstained),
        reasons=dict(Counter(abstained).most_common()),
        length=median(lengths) if lengths else None,
        traits={name: _trait(one, others, name, bar.threshold, seed) for name, bar in bars.items()},
    )


def _trait(one: _Source, others: Sequence[_Source], name: str, threshold: float, seed: int) -> Measured:
    texts = one.of(name, threshold)
    read = len(texts.clusters)
    if not read:
        return Measured(read=0, shown=None, beside=None)
    sides = [other.of(name, threshold) for other in others]
    found = beside(texts, _pooled(sides), seed) if any(side.clusters for side in sides) else None
    return Measured(read=read, shown=alone(texts, seed), beside=found)


def _pooled(sides: Sequence[Texts]) -> Texts:
    columns = [np.concatenate([side[place] for side in sides]) for place in range(3)]
    return Texts(columns[0], columns[1], columns[2].astype(int), [one for side in sides for one in side.clusters])
