"""The one interface of all detectors: a text goes in, a reading for each trait comes out, flagged above a threshold.

`models.truesight` reads sparse latents. Reads: conversations, profile files. Writes: profile files. Must not know: how
a text is read, which traits there are, what a flag leads to.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol, Self, runtime_checkable

from pydantic import BaseModel, ConfigDict, ValidationError

from models.chat import Progress
from models.conversations import Messages
from warehouse.errors import PlumblineError
from warehouse.hashing import content_hash


class TextReading(NamedTuple):
    """One text, read. Where `abstained` gives a reason, every reading and flag is None, which is not zero.

    `tokens`: the words that carried the reading, with their share of it; `latents`: (index, pooled activation, weight),
    empty where there is no autoencoder; both strongest first, at most five. A narrator's `tokens` are its own words.
    `reconstruction` and `vocabulary` are None where the detector has no such measure.
    """

    abstained: str
    reconstruction: float | None
    vocabulary: float | None
    readings: dict[str, float | None]
    flagged: dict[str, bool | None]
    tokens: dict[str, list[tuple[str, float]]]
    latents: dict[str, list[tuple[int, float, float]]]


class Artifact(NamedTuple):
    """A part a detector is made of, as the warehouse records it: `meta` is JSON."""

    hash: str
    kind: str
    name: str
    meta: str


class Fitted(BaseModel):
    """What was fitted to labelled texts, as one JSON file. Its hash names by content all that decides a reading."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @property
    def hash(self) -> str:
        return content_hash(self.model_dump())

    @property
    def cautions(self) -> tuple[str, ...]:
        """A sentence on each trait that does not flag, or only because a person forced it; every page has them."""
        return ()

    @property
    def artifact(self) -> Artifact:
        return Artifact(self.hash, "profile", "profile.json", self.model_dump_json())

    def save(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.model_dump_json(indent=1) + "\n")

    @classmethod
    def load(cls, path: Path) -> Self:
        try:
            return cls.model_validate_json(Path(path).read_text())
        except (OSError, ValidationError) as error:
            raise PlumblineError(f"{path}: not a profile ({error}); fit one anew") from error


@runtime_checkable
class Detector(Protocol):
    """`hash` is the profile's and so the models' too; `sae` the autoencoder's, "" where there is none; `thresholds` has
    each trait, in order, and the reading above which it is flagged."""

    @property
    def profile(self) -> Fitted: ...

    @property
    def hash(self) -> str: ...

    @property
    def sae(self) -> str: ...

    @property
    def thresholds(self) -> dict[str, float]: ...

    @property
    def artifacts(self) -> list[Artifact]:
        """Its profile and, where it has one, its autoencoder."""

    def read(self, conversations: Sequence[Messages], on_progress: Progress | None = None) -> list[TextReading]:
        """One reading of each conversation's last turn, the same whichever texts it is read with.

        `on_progress(texts read, texts)`. Raises PlumblineError when the profile was fitted to other models.
        """


class ByProfile:
    """What follows from a detector's profile alone; one that reads through an autoencoder says so itself."""

    profile: Any

    @property
    def hash(self) -> str:
        return str(self.profile.hash)

    @property
    def sae(self) -> str:
        return ""

    @property
    def thresholds(self) -> dict[str, float]:
        return {name: trait.threshold for name, trait in self.profile.traits.items()}

    @property
    def artifacts(self) -> list[Artifact]:
        return [self.profile.artifact]
