"""Reading the author's motive off a response: a profile's sparse latents, weighed into one reading for each trait.

Reads: conversations through the base reader and its autoencoder, and profiles (`models.calibrate` fits them). Writes:
profile files. Must not know: which traits there are, how texts were labelled, what a flag leads to.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from models.autoencoder import Autoencoder, Encoder
from models.chat import Progress
from models.concordance import Estimate
from models.conversations import Messages
from models.detector import Artifact, ByProfile, Fitted, TextReading
from models.reader import BaseReader
from models.trait_quality import Quality
from models.words import by_word, strongest
from warehouse.errors import PlumblineError
from warehouse.hashing import content_hash, short

Floats = NDArray[np.floating[Any]]
Pooling = Literal["max", "mean", "mean+max", "last"]
"""How a text's tokens become one: the mean or the greatest of a latent over them, both side by side, or the last's."""
CHUNK = 64
Result = TypeVar("Result")


class Trait(BaseModel):
    """reading = bias + Σ weight · pooled latent (log-odds at equal priors); flagged when it is above the threshold.

    Weights are never negative, so a text in which none of the latents fire reads as nothing, not as the reverse.
    `auroc` is measured on calibration texts held out from the fit, None where they were too few. With pooling mean+max,
    `by` says of each latent which of the two it is pooled by. `flags`: whether the reading is used to flag; `why_not`
    is the reason it should not be, "" where there is none: with a reason it flags only because a person forced it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    latents: tuple[int, ...]
    weights: tuple[float, ...]
    bias: float
    threshold: float
    auroc: float | None
    positives: int
    by: tuple[Literal["mean", "max"], ...] = ()
    flags: bool = True
    why_not: str = ""
    quality: Quality | None = None


class Profile(Fitted):
    """What to read, and how well it was read. `joint_fpr` bounds P(any trait is flagged | none is there);
    `measured_fpr` is that share on the `negatives` held out in turn.

    `guarantee`: "split" where the threshold comes from texts that had no part in anything else, so that the bound is
    exact for exchangeable texts (`models.conformal`); "cross" where it comes from texts held out in turn and the
    weights were then fitted to all, so that the bound is what was measured and no theorem. `fpr_across`: of each
    source, the share of its texts without a trait that is flagged by weights and threshold made without it. `bar`: the
    AUROC below which a trait is not used to flag, None where none was asked for.
    Without a `reconstruction_limit` the error is not measured, and only the latents read need encoding.
    """

    traits: dict[str, Trait]
    pooling: Pooling
    reconstruction_limit: float | None
    vocabulary_limit: float
    joint_fpr: float
    measured_fpr: float
    negatives: int
    reader: str
    sae: str
    guarantee: Literal["cross", "split"] = "cross"
    fpr_across: dict[str, Estimate] = {}
    bar: float | None = None

    @property
    def cautions(self) -> tuple[str, ...]:
        told = "is read but not used to flag", "flags because a person forced it, although"
        return tuple(
            f"{name} {told[trait.flags]}: {trait.why_not}." for name, trait in self.traits.items() if trait.why_not
        )


class Observed(NamedTuple):
    """A response in latents: `latents_ts` has a row for each token. `reconstruction` is the text's FVU: its summed
    squared error over its summed squared distance from the mean activation; None where it was not measured."""

    latents_ts: Floats
    words: list[str]
    places: list[int]
    reconstruction: float | None
    vocabulary: float
    unreadable: str


def observe(
    reader: BaseReader,
    sae: Encoder,
    conversations: Sequence[Messages],
    use: Callable[[Observed], Result],
    on_progress: Progress | None = None,
) -> list[Result]:
    """`use` of each conversation's response in latents, in order. Latents are large, so they are gone after use.

    `sae` is an autoencoder, or one that watches a few of its latents. Texts that share a prompt go together, so that it
    is read once, and so do texts of like length.
    """
    results: dict[int, Result] = {}
    order = _neighbours(conversations)
    for start in range(0, len(order), CHUNK):
        rows = order[start : start + CHUNK]
        texts = reader.activations([conversations[row] for row in rows])
        for row, text in zip(rows, texts, strict=True):
            latents_ts, errors_t, spreads_t = sae.encode(text.states_td)
            fvu = None
            if errors_t is not None and spreads_t is not None and not text.unreadable:
                fvu = round(float(errors_t.sum() / spreads_t.sum()), 6)
            strange = round(reader.vocabulary(conversations[row]), 6)
            found = latents_ts.cpu().numpy()
            results[row] = use(Observed(found, text.words, text.places, fvu, strange, text.unreadable))
        if on_progress:
            on_progress(start + len(rows), len(order))
    return [results[row] for row in range(len(conversations))]


def _neighbours(conversations: Sequence[Messages]) -> list[int]:
    """The rows, ordered by length, those with the same prompt side by side."""
    groups: dict[str, list[int]] = defaultdict(list)
    for row, conversation in enumerate(conversations):
        groups[content_hash([[turn["role"], turn["content"]] for turn in conversation[:-1]])].append(row)
    lengths = [sum(len(turn["content"]) for turn in conversation) for conversation in conversations]
    inner = [sorted(group, key=lengths.__getitem__) for group in groups.values()]
    return [row for group in sorted(inner, key=lambda group: lengths[group[-1]]) for row in group]


def shares(latents_ts: Floats, pooling: Pooling) -> Floats:
    """What each token adds to each pooled latent, so that the sum over tokens is the pooled latent.

    tokens × latents; with mean+max twice as many columns, all means before all maxima.
    """
    if pooling == "mean":
        return latents_ts.astype(np.float64) / len(latents_ts)
    if pooling == "mean+max":
        return np.hstack([shares(latents_ts, "mean"), shares(latents_ts, "max")])
    if pooling == "last":
        return np.concatenate([np.zeros_like(latents_ts[:-1], np.float64), latents_ts[-1:].astype(np.float64)])
    shares_ts = np.zeros(latents_ts.shape)
    columns, top_s = np.arange(latents_ts.shape[1]), latents_ts.argmax(0)
    shares_ts[top_s, columns] = latents_ts[top_s, columns]
    return shares_ts


def read(
    reader: BaseReader,
    sae: Autoencoder,
    profile: Profile,
    conversations: Sequence[Messages],
    on_progress: Progress | None = None,
) -> list[TextReading]:
    """One reading of each conversation's last turn. Raises PlumblineError when the profile was fitted to other models.

    Readings are rounded to 6 decimals before they meet a threshold, so that in float64 a text is read the same
    whichever texts share its batch.
    """
    for name, own, wanted in (("reader", reader.hash, profile.reader), ("autoencoder", sae.hash, profile.sae)):
        if own != wanted:
            raise PlumblineError(f"the profile was fitted to {name} {short(wanted)}, not {short(own)}; fit one to it")
    used = sorted({latent for trait in profile.traits.values() for latent in trait.latents})
    both = profile.pooling == "mean+max"
    weights_ur = np.zeros(((1 + both) * len(used), len(profile.traits)))
    for column, trait in enumerate(profile.traits.values()):
        halves = [len(used) * (way == "max") for way in trait.by] if both else [0] * len(trait.latents)
        rows = [used.index(latent) + half for latent, half in zip(trait.latents, halves, strict=True)]
        weights_ur[rows, column] = trait.weights
    columns = np.array(used, dtype=int)
    watch = sae.watching(used, measured=profile.reconstruction_limit is not None)
    return observe(
        reader, watch, conversations, lambda text: _read_one(text, profile, columns, weights_ur), on_progress
    )


@dataclass(frozen=True)
class Truesight(ByProfile):
    """The sparse reading as a `Detector`: a base reader, its autoencoder, and a profile fitted to both."""

    reader: BaseReader
    autoencoder: Autoencoder
    profile: Profile

    @property
    def sae(self) -> str:
        return self.profile.sae

    @property
    def artifacts(self) -> list[Artifact]:
        quality = self.autoencoder.record.model_dump_json(exclude={"mean", "reader", "tokenizer"})
        return [Artifact(self.autoencoder.hash, "sae", "autoencoder", quality), *super().artifacts]

    def read(self, conversations: Sequence[Messages], on_progress: Progress | None = None) -> list[TextReading]:
        return read(self.reader, self.autoencoder, self.profile, conversations, on_progress)


def _read_one(text: Observed, profile: Profile, used: NDArray[np.int_], weights_ur: Floats) -> TextReading:
    abstained = text.unreadable or _out_of_range(text, profile)
    nothing = dict.fromkeys(profile.traits)
    if abstained:
        return TextReading(abstained, text.reconstruction, text.vocabulary, nothing, dict(nothing), {}, {})
    shares_tu = shares(text.latents_ts, profile.pooling)
    pooled_u = shares_tu.sum(0)
    carried = by_word(text.words, text.places, shares_tu @ weights_ur)
    parts_ur = pooled_u[:, None] * weights_ur
    reading_r = [trait.bias for trait in profile.traits.values()] + parts_ur.sum(0)
    readings: dict[str, float | None] = dict(zip(profile.traits, reading_r.round(6).tolist(), strict=True))
    flagged: dict[str, bool | None] = {}
    tokens, latents = {}, {}
    for column, (name, trait) in enumerate(profile.traits.items()):
        flagged[name] = trait.flags and bool(reading_r[column].round(6) > trait.threshold)
        tokens[name] = carried.strongest(column)
        latents[name] = [
            (int(used[u % len(used)]), round(float(pooled_u[u]), 4), round(float(weights_ur[u, column]), 4))
            for u in strongest(parts_ur[:, column])
        ]
    return TextReading("", text.reconstruction, text.vocabulary, readings, flagged, tokens, latents)


def _out_of_range(text: Observed, profile: Profile) -> str:
    if text.vocabulary > profile.vocabulary_limit:
        return f"{text.vocabulary:.0%} of its words are strange to the reader, {profile.vocabulary_limit:.0%} allowed"
    if profile.reconstruction_limit is not None and not (text.reconstruction or 0.0) <= profile.reconstruction_limit:
        return f"reconstruction error {text.reconstruction:.2f}, {profile.reconstruction_limit:.2f} allowed"
    return ""
