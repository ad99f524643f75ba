"""A control: a monitor that fires by chance. Whatever it achieves, a reader of texts has to beat.

The chance is a keyed hash of the response, so the same text fires again tomorrow and nobody without the key can tell
which will. Reads: responses. Must not know: what they say.
"""

import json
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path

import numpy as np

from models.conversations import Messages
from monitors.monitor import Progress, Reading, decide, exchange
from warehouse.errors import PlumblineError
from warehouse.hashing import content_hash

FILE = "chance.json"


class Chance:
    """Fires on a response with probability `rate`; all traits read the same number, uniform in [0, 1).

    `key` is 1 to 64 bytes and is saved with the rest: its folder belongs to the held-out side.
    """

    threshold = None  # the rate is exact, nothing was calibrated

    def __init__(self, key: bytes, rate: float, traits: Sequence[str]) -> None:
        if not (0 < len(key) <= 64 and 0 <= rate <= 1):
            raise ValueError(f"a key of 1 to 64 bytes and a rate of 0 to 1, not {len(key)} bytes and {rate}")
        self.key, self.rate, self.traits = key, rate, tuple(traits)

    @property
    def hash(self) -> str:
        return content_hash(self._state())

    def read(self, conversations: Sequence[Messages], on_progress: Progress | None = None) -> list[Reading]:
        scores = [np.full(len(self.traits), self._uniform(exchange(one)[1])) for one in conversations]
        if on_progress:
            on_progress(len(scores), len(scores))
        return decide(self.traits, scores, 1 - self.rate)

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / FILE).write_text(json.dumps(self._state(), indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "Chance":
        """Raises PlumblineError when the folder holds no such monitor."""
        try:
            state = json.loads((folder / FILE).read_text(encoding="utf-8"))
            return cls(bytes.fromhex(state["key"]), float(state["rate"]), state["traits"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise PlumblineError(f"{folder}: no monitor by chance in it ({error}); save one there anew") from error

    def _state(self) -> dict[str, object]:
        return {"kind": "chance", "key": self.key.hex(), "rate": self.rate, "traits": list(self.traits)}

    def _uniform(self, text: str) -> float:
        digest = blake2b(text.encode("utf-8", "surrogatepass"), key=self.key, digest_size=8).digest()
        return (int.from_bytes(digest, "big") >> 11) / 2**53
