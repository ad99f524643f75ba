"""The dense probe: a linear reading of the base reader's own activations, without an autoencoder between.

Each trait has a direction; every token of a response adds its projection on it, weighed alike or by attention to a
learned query (an attention probe with one head, EleutherAI/attention-probes, 2025). Reads: conversations through the
base reader, and profiles (`models.probing` fits them). Writes: profile files. Must not know: which traits there are,
how texts were labelled, what a flag leads to.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict
from scipy.special import softmax

from models.chat import Progress
from models.conversations import Messages
from models.detector import ByProfile, Fitted, TextReading
from models.reader import Activations, BaseReader
from models.words import Floats, by_word
from warehouse.errors import PlumblineError
from warehouse.hashing import short

Pooling = Literal["mean", "attention"]
CHUNK = 64


class ProbeTrait(BaseModel):
    """reading = bias + Σ_t attention_t · weights·(state_t - centre), where attention = softmax_t(query·(state_t -
    centre)); without a query every token counts alike. `auroc` is measured on texts held out from the fit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    weights: tuple[float, ...]
    query: tuple[float, ...]
    bias: float
    threshold: float
    auroc: float
    positives: int


class ProbeProfile(Fitted):
    """`tried`: the mean held-out AUROC by pooling; the best one is used. `centre` is the mean activation of a token.
    `joint_fpr`, `measured_fpr` and `negatives` as in `models.truesight.Profile`."""

    traits: dict[str, ProbeTrait]
    pooling: Pooling
    tried: dict[Pooling, float]
    centre: tuple[float, ...]
    vocabulary_limit: float
    joint_fpr: float
    measured_fpr: float
    negatives: int
    reader: str


class Seen(NamedTuple):
    """One response as the base reader sees it; `vocabulary` is the share of words strange to it."""

    row: int
    text: Activations
    vocabulary: float

    @property
    def state_td(self) -> Floats:
        """In float64 whatever the reader's precision."""
        return np.asarray(self.text.states_td.double().cpu().numpy())


@dataclass(frozen=True)
class Probe(ByProfile):
    """The dense reading as a `models.detector.Detector`."""

    reader: BaseReader
    profile: ProbeProfile

    def read(self, conversations: Sequence[Messages], on_progress: Progress | None = None) -> list[TextReading]:
        """See `Detector.read`. Rounded to 6 decimals before it meets a threshold, like every reading."""
        if self.reader.hash != self.profile.reader:
            own, wanted = short(self.reader.hash), short(self.profile.reader)
            raise PlumblineError(f"the profile was fitted to reader {wanted}, not {own}; fit one to it")
        known = _Directions.of(self.profile)
        found = {one.row: self._read_one(one, known) for one in seen(self.reader, conversations, on_progress)}
        return [found[row] for row in range(len(conversations))]

    def _read_one(self, one: Seen, known: "_Directions") -> TextReading:
        profile, text = self.profile, one.text
        abstained = text.unreadable
        if not abstained and one.vocabulary > profile.vocabulary_limit:
            limit = f"{profile.vocabulary_limit:.0%} allowed"
            abstained = f"{one.vocabulary:.0%} of its words are strange to the reader, {limit}"
        if abstained:
            nothing = dict.fromkeys(profile.traits)
            return TextReading(abstained, None, one.vocabulary, nothing, dict(nothing), {}, {})
        carried_tr = carried(one.state_td - known.centre_d, known.weights_dr, known.query_dr)
        reading_r = (known.bias_r + carried_tr.sum(0)).round(6)
        words = by_word(text.words, text.places, carried_tr)
        readings: dict[str, float | None] = dict(zip(profile.traits, reading_r.tolist(), strict=True))
        flagged: dict[str, bool | None] = {
            name: bool(reading > trait.threshold)
            for (name, trait), reading in zip(profile.traits.items(), reading_r, strict=True)
        }
        tokens = {name: words.strongest(column) for column, name in enumerate(profile.traits)}
        return TextReading("", None, one.vocabulary, readings, flagged, tokens, {})


class _Directions(NamedTuple):
    """A profile's figures as arrays."""

    centre_d: Floats
    weights_dr: Floats
    query_dr: Floats | None
    bias_r: Floats

    @classmethod
    def of(cls, profile: ProbeProfile) -> "_Directions":
        traits = profile.traits.values()
        query_dr = np.array([trait.query for trait in traits]).T if profile.pooling == "attention" else None
        weights_dr = np.array([trait.weights for trait in traits]).T
        return cls(np.array(profile.centre), weights_dr, query_dr, np.array([trait.bias for trait in traits]))


def seen(reader: BaseReader, conversations: Sequence[Messages], on_progress: Progress | None = None) -> Iterator[Seen]:
    """Each conversation's response through the reader, shortest first, a few at a time: states are large."""
    order = sorted(range(len(conversations)), key=lambda row: sum(len(turn["content"]) for turn in conversations[row]))
    for start in range(0, len(order), CHUNK):
        rows = order[start : start + CHUNK]
        for row, text in zip(rows, reader.activations([conversations[row] for row in rows]), strict=True):
            yield Seen(row, text, round(reader.vocabulary(conversations[row]), 6))
        if on_progress:
            on_progress(start + len(rows), len(order))


def carried(state_td: Floats, weights_dr: Floats, query_dr: Floats | None) -> Floats:
    """What each token adds to each trait's reading [tokens, traits]."""
    shares_tr = np.full((len(state_td), 1), 1 / len(state_td)) if query_dr is None else softmax(state_td @ query_dr, 0)
    return shares_tr * (state_td @ weights_dr)
