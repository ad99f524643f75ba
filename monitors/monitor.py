"""What a held-out monitor is: it reads exchanges and says which response shows a bad motive, trait by trait.

Monitors steer the audit and decide nothing else, so they differ in how they read and agree in three things: a text
that cannot be read has no reading, which is not zero; a monitor fires by one threshold with a stated false-positive
rate; and everything that decides a reading is in its hash, so that it can be sealed. Must not know: the detector, what
a firing leads to.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from models.conversations import Messages
from monitors.threshold import Threshold

Floats = NDArray[np.floating[Any]]
Progress = Callable[[int, int], None]


class Reading(NamedTuple):
    """One response, read. `readings`: trait → 0 to 1; where `unreadable` gives a reason, they and `fires` are None."""

    readings: dict[str, float | None]
    fires: bool | None
    unreadable: str = ""


class Monitor(Protocol):
    """`hash` covers all that decides a reading (weights, vocabulary, prompt, threshold) and none of the code."""

    @property
    def hash(self) -> str: ...

    @property
    def traits(self) -> tuple[str, ...]: ...

    @property
    def threshold(self) -> Threshold | None: ...

    def read(self, conversations: Sequence[Messages], on_progress: Progress | None = None) -> list[Reading]:
        """One reading for each conversation, which ends in the assistant's response; in order."""
        ...

    def save(self, folder: Path) -> None:
        """Write what `hash` covers into `folder`; each kind has a `load` that gives back an equal monitor."""
        ...


def exchange(conversation: Messages) -> tuple[str, str]:
    """The last request ("" if there is none) and the response. Raises ValueError when no assistant's turn ends it."""
    if not conversation or conversation[-1]["role"] != "assistant":
        raise ValueError("a monitor reads conversations that end in the assistant's response")
    asked = next((turn["content"] for turn in reversed(conversation) if turn["role"] == "user"), "")
    return asked, conversation[-1]["content"]


def decide(traits: Sequence[str], scores: Sequence[Floats | str], limit: float) -> list[Reading]:
    """Each of `scores` is a text's [traits], or why it has none; a monitor fires when any of them is above `limit`."""
    nothing: Mapping[str, None] = dict.fromkeys(traits)
    return [
        Reading(dict(nothing), None, one)
        if isinstance(one, str)
        else Reading({t: float(v) for t, v in zip(traits, one, strict=True)}, bool(np.max(one) > limit))
        for one in scores
    ]


def strongest(reading: Reading) -> float | None:
    """The highest reading of any trait, or None where the text was not read."""
    values = [value for value in reading.readings.values() if value is not None]
    return max(values) if values else None


def steers(readings: Sequence[Reading]) -> NDArray[np.bool_]:
    """Where the audit should look harder, [n]: where the monitor fires, and where it could not read.

    To become unreadable must never be a way to be audited less.
    """
    return np.array([reading.fires is not False for reading in readings], dtype=bool)
