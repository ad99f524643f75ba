"""Prompts from a file of one's own, in splits that never meet: to write pairs with, to try amendments on, to seal.

A prompt belongs to a split by a keyed hash of its words, so it stays there whatever else the file holds, and prompts
that differ in spaces or capitals alone fall together. Reads: one file of JSON lines, also gzipped. Writes: nothing.
Must not know: tasks, flows, who draws.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

from warehouse.errors import PlumblineError
from warehouse.files import read_lines
from warehouse.hashing import content_hash, keyed_hash

Split = Literal["campaign", "frozen", "fresh", "sealed"]
SHARES: dict[Split, tuple[int, int]] = {"campaign": (0, 70), "frozen": (70, 76), "fresh": (76, 86), "sealed": (86, 100)}
"""Percent of the file; the last three as a campaign asks for them unless told."""
ROW = 'write {"prompt": "…"} or {"messages": [{"role": "user", "content": "…"}]} on each line'


class PromptFile(NamedTuple):
    """`splits`: the different prompts of each split in their seeded order; `repeated`: how many rows said what another
    had said; `hash`: of all different prompts, 64 hex digits."""

    path: Path
    splits: dict[Split, tuple[str, ...]]
    repeated: int
    hash: str

    @property
    def different(self) -> int:
        """How many different prompts there are."""
        return sum(map(len, self.splits.values()))

    @classmethod
    def read(cls, path: Path, seed: int) -> "PromptFile":
        """The splits follow from `seed` and each prompt's own words.

        Raises PlumblineError naming the file, the row and the mend: no JSON, no prompt, more turns than one.
        """
        key = bytes.fromhex(content_hash(["prompts", seed]))
        found, repeated = dict[str, str](), 0
        for text in _texts(path):
            digest = keyed_hash(key, " ".join(text.split()).casefold())
            repeated += digest in found
            found.setdefault(digest, text)
        if not found:
            raise PlumblineError(f"{path}: holds no prompts; {ROW}")
        splits: dict[Split, tuple[str, ...]] = {
            name: tuple(found[digest] for digest in sorted(found) if low <= int(digest[:8], 16) % 100 < high)
            for name, (low, high) in SHARES.items()
        }
        return cls(path, splits, repeated, content_hash(sorted(found.values())))

    def draw(self, split: Split, count: int, after: int = 0, setting: str = "") -> list[str]:
        """`count` different prompts of a split, in its order, beginning `after` so many: none comes again before all
        have come. Raises PlumblineError, naming the `setting` that asks for them, when the split has fewer."""
        there = self.splits[split]
        if count > len(there):
            low, high = SHARES[split]
            raise PlumblineError(
                f"{self.path}: {setting or split} asks for {count} different prompts, and {len(there)} of the file's "
                f"{self.different} are for that ({high - low} % of them, by hash); "
                "lower it, or add prompts"
            )
        return [there[(after + at) % len(there)] for at in range(count)]


def _texts(path: Path) -> Iterator[str]:
    for number, line in enumerate(read_lines(path), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line, object_pairs_hook=_object)
        except (ValueError, RecursionError) as error:
            raise PlumblineError(f"{path} row {number}: is not JSON, or has one key twice; {ROW}") from error
        text = _text(row)
        if text is None:
            raise PlumblineError(f"{path} row {number}: {_problem(row)}; {ROW}")
        yield text


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("one key twice: which of the two was meant, nobody can say")
    return dict(pairs)


def _text(row: Any) -> str | None:
    """The one user turn of a row, None where it has none or has more."""
    if not isinstance(row, dict):
        return None
    turns = row.get("messages", row.get("prompt"))
    if isinstance(turns, list):
        only = turns[0] if len(turns) == 1 and isinstance(turns[0], dict) else {}
        turns = only.get("content") if only.get("role") == "user" else None
    if not isinstance(turns, str) or not turns.strip() or _surrogate(turns):
        return None
    return turns


def _problem(row: Any) -> str:
    turns = row.get("messages", row.get("prompt")) if isinstance(row, dict) else None
    if isinstance(turns, list) and len(turns) > 1:
        return f"holds {len(turns)} turns, and a campaign asks one user turn a prompt"
    if isinstance(turns, str) and turns.strip():
        return "its prompt holds half of a surrogate pair"
    return "holds no prompt"


def _surrogate(text: str) -> bool:
    return any("\ud800" <= char <= "\udfff" for char in text)
