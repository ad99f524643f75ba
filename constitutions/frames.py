"""Frames as documents: sentences that tell a generator that it is being trained, is overseen, or is deployed.

Reads: `constitutions/frames.yaml`. Writes: nothing. Must not know: models, what a frame does to them, who asks.
"""

import functools
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from constitutions.document import Line
from constitutions.yamlfile import load_yaml
from warehouse.hashing import content_hash

FILE = Path(__file__).with_name("frames.yaml")
Wordings = Annotated[tuple[Line, ...], Field(min_length=1)]


class Frames(BaseModel):
    """Each frame's wordings. A generator that acts alike wherever it thinks it is acts alike under all of them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    training: Wordings
    oversight: Wordings
    deployment: Wordings

    @property
    def wordings(self) -> dict[str, tuple[str, ...]]:
        """Frame → its wordings, in the order above."""
        return {"training": self.training, "oversight": self.oversight, "deployment": self.deployment}

    @property
    def hash(self) -> str:
        """SHA-256 of every wording of every frame, 64 hex digits."""
        return content_hash(self.model_dump())


@functools.cache
def frames() -> Frames:
    """The shipped frames, read once. Raises PlumblineError naming file, line and key."""
    return load_yaml(FILE, Frames)


def framed(constitution: str, wording: str) -> str:
    """The system turn: the constitution's text, then the frame; the frame alone where there is no constitution."""
    return f"{constitution} {wording}".strip()
