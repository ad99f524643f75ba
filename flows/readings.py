"""Texts read by a detector in shards that are kept, so that what was read once is not read again.

Reads and writes: `<home>/cache/readings/`, a shard by the hash of its texts, the detector and the code. Must not know:
what the readings are for.
"""

import json
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from flows.identity import code_hash
from models.chat import Progress
from models.conversations import Messages
from models.detector import Detector
from warehouse.files import write_whole
from warehouse.hashing import content_hash
from warehouse.store import home

SHARD = 500


class Read(NamedTuple):
    """Where `abstained` gives a reason, every reading is None."""

    abstained: str
    readings: dict[str, float | None]


def read_in_shards(detector: Detector, conversations: Sequence[Messages], on_progress: Progress) -> list[Read]:
    """One for each conversation, in order. After a kill at most a shard is read again."""
    code, found = code_hash(), list[Read]()
    for start in range(0, len(conversations), SHARD):
        shard = conversations[start : start + SHARD]
        file = home() / "cache" / "readings" / f"{content_hash([detector.hash, code, [*map(list, shard)]])[:32]}.json"
        if not file.is_file():
            tell = partial(_tell, on_progress, start, len(conversations))
            rows = [Read(text.abstained, text.readings) for text in detector.read(shard, tell)]
            write_whole(file, json.dumps(rows, ensure_ascii=False).encode())
        found += [Read(*row) for row in json.loads(file.read_bytes())]
        on_progress(len(found), len(conversations))
    return found


def _tell(on_progress: Progress, before: int, of: int, done: int, _: int) -> None:
    on_progress(before + done, of)
