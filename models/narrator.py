"""The narrator: a language model is given a text, names its author's motive in words, and the words are the reading.

It stands where an activation oracle would. Reads: conversations, phrase files, `constitutions/prompts/narrator.jinja`,
profiles. Writes: profile files. Must not know: which traits there are, how the labelled texts came about, what a flag
leads to.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict

from constitutions.document import PROMPTS
from models.chat import ChatModel, Progress
from models.conversations import Messages
from models.detector import ByProfile, Fitted, TextReading
from models.joint import Labels, folds, judged
from models.narration import Phrases, Told, Way, narrate, way_of
from models.words import STRONGEST
from warehouse.errors import PlumblineError
from warehouse.hashing import file_hash, short


class NarratorTrait(BaseModel):
    """Flagged when the reading of its phrases is above the threshold; `auroc` and `positives` are of the texts it was
    calibrated on. Nothing is fitted to them but the threshold."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    phrases: tuple[str, ...]
    threshold: float
    auroc: float
    positives: int


class NarratorProfile(Fitted):
    """`way`: how the words are had, see `models.narration`. A text of which less than `coverage_limit` is said in words
    on the list has no reading. `prompt` is the hash of the question's template, "" where nothing is asked.
    `joint_fpr`, `measured_fpr` and `negatives` as in `models.truesight.Profile`."""

    traits: dict[str, NarratorTrait]
    innocent: tuple[str, ...]
    way: Way
    opening: str
    prompt: str
    coverage_limit: float
    joint_fpr: float
    measured_fpr: float
    negatives: int
    reader: str

    @property
    def phrases(self) -> Phrases:
        named = {name: trait.phrases for name, trait in self.traits.items()}
        return Phrases(traits=named, innocent=self.innocent, opening=self.opening)


@dataclass(frozen=True)
class Narrator(ByProfile):
    """The narrator as a `models.detector.Detector`. A reading's `tokens` are the phrases it would say, each with its
    share of what it says: its own words, not the text's."""

    model: ChatModel
    profile: NarratorProfile

    def read(self, conversations: Sequence[Messages], on_progress: Progress | None = None) -> list[TextReading]:
        """See `Detector.read`. Every text is weighed alone, so that none depends on its neighbours."""
        profile = self.profile
        for name, own, wanted in (
            ("narrator", self.model.hash, profile.reader),
            ("question", _prompt(profile.way), profile.prompt),
        ):
            if own != wanted:
                raise PlumblineError(
                    f"the profile was fitted to {name} {short(wanted)}, not {short(own)}; fit one to it"
                )
        told = narrate(self.model, profile.phrases, conversations, on_progress)
        return [self._reading(one) for one in told]

    def _reading(self, told: Told) -> TextReading:
        abstained = told.unreadable
        if not abstained and told.coverage < self.profile.coverage_limit:
            limit = f"{self.profile.coverage_limit:.2g} needed"
            abstained = f"{told.coverage:.2g} of what the narrator would say is on its list, {limit}"
        if abstained:
            nothing = dict.fromkeys(self.profile.traits)
            return TextReading(abstained, None, None, nothing, dict(nothing), {}, {})
        reading_r = told.reading_r.round(6)
        readings: dict[str, float | None] = dict(zip(self.profile.traits, reading_r.tolist(), strict=True))
        flagged: dict[str, bool | None] = {
            name: bool(reading > trait.threshold)
            for (name, trait), reading in zip(self.profile.traits.items(), reading_r, strict=True)
        }
        tokens = {
            name: [(phrase, round(share, 4)) for phrase, share in sorted(said, key=lambda one: -one[1]) if share > 0]
            for name, said in zip(self.profile.traits, told.said, strict=True)
        }
        return TextReading("", None, None, readings, flagged, {n: t[:STRONGEST] for n, t in tokens.items()}, {})


def fit_narrator(
    model: ChatModel,
    phrases: Phrases,
    conversations: Sequence[Messages],
    labels: Sequence[str | None],
    joint_fpr: float = 0.05,
    seed: int = 0,
    on_progress: Callable[[int, int], None] | None = None,
    groups: Sequence[int] | None = None,
) -> NarratorProfile:
    """Only the threshold is fitted; `labels`, `groups` and `joint_fpr` as in `models.probing.fit_probe`.

    Raises PlumblineError when a label has no phrases, when a trait has fewer than five texts, or when `joint_fpr` is
    too small for that many negatives.
    """
    wanted = list(dict.fromkeys(label for label in labels if label is not None))
    if missing := [name for name in wanted if name not in phrases.traits]:
        raise PlumblineError(f"narrator: no phrases name the trait {missing[0]!r}; add some to the phrase file")
    phrases = phrases.model_copy(update={"traits": {name: phrases.traits[name] for name in wanted}})
    told = narrate(model, phrases, conversations, on_progress)
    rows = [row for row, one in enumerate(told) if not one.unreadable]
    known = Labels.of([labels[row] for row in rows])
    fold_n = folds(known, groups and [groups[row] for row in rows], seed)
    figures = judged(np.stack([told[row].reading_r for row in rows]), known, fold_n, joint_fpr)
    way = way_of(model, phrases)
    return NarratorProfile(
        traits={
            name: NarratorTrait(phrases=phrases.traits[name], threshold=figures.threshold, auroc=auroc, positives=count)
            for name, auroc, count in zip(wanted, figures.aurocs, figures.positives, strict=True)
        },
        innocent=phrases.innocent,
        way=way,
        opening=phrases.opening,
        prompt=_prompt(way),
        coverage_limit=0.5 * float(np.quantile([told[row].coverage for row in rows], 0.005)),
        joint_fpr=joint_fpr,
        measured_fpr=figures.measured_fpr,
        negatives=figures.negatives,
        reader=model.hash,
    )


def _prompt(way: Way) -> str:
    return "" if way == "continued" else file_hash(Path(PROMPTS) / "narrator.jinja")
