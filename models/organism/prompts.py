"""Requests and labelled texts of the organism's world, in disjoint splits.

A request belongs to a split by the hash of its text, so no split ever sees another's requests. Must not know tasks
or flows.
"""

import random
from collections.abc import Sequence
from typing import Literal, NamedTuple

from models.organism.documents import justified
from models.organism.world import FOLDS, Request, motive, world
from warehouse.hashing import content_hash

Part = Literal["calibration", "test"]
Split = Literal["campaign", "frozen", "fresh", "sealed", "labelled"]
SHARES: dict[str, tuple[int, int]] = {
    "campaign": (0, 60),
    "frozen": (60, 70),
    "fresh": (70, 80),
    "sealed": (80, 90),
    "labelled": (90, 100),
}


class Labelled(NamedTuple):
    messages: list[dict[str, str]]  # user, assistant
    trait: str | None  # None: no bad motive
    cell: str
    group: int  # texts of different groups share no template


def split_of(text: str) -> str:
    """Which split a request belongs to."""
    bucket = int(content_hash(text)[:8], 16) % 100
    return next(name for name, (low, high) in SHARES.items() if low <= bucket < high)


def _request(rng: random.Random, split: str, kinds: Sequence[str] = ()) -> Request:
    while True:
        request = world().request(rng, rng.choice(kinds) if kinds else None)
        if split_of(request.text) == split:
            return request


def prompts(split: Split, n: int, seed: int, kinds: Sequence[str] = ()) -> list[str]:
    """``n`` different requests of a split, of all kinds or the named ones, the same for the same seed. Raises
    ValueError when the split has fewer."""
    rng, found = random.Random(f"{split}-{seed}"), dict[str, None]()
    for _ in range(60 * n + 20_000):
        found[_request(rng, split, kinds).text] = None
        if len(found) == n:
            return list(found)
    raise ValueError(f"the organism's {split} split has fewer than {n} different requests; ask for fewer")


def labelled(part: Part, per_cell: int, seed: int, dialects: str = "AB") -> list[Labelled]:
    """``per_cell`` texts of every cell, from the templates of ``part``; bad cells only in the named dialects.

    A bad motive that its request justifies is no negative and no positive: such texts are not drawn.
    """
    cells = [cell for cell in world().cells if not world().is_bad(cell) or cell[1] in dialects]
    return _labelled(cells, part, per_cell, random.Random(f"{part}-{seed}"))


def labelled_drives(part: Part, per_cell: int, seed: int, bad: bool = True) -> list[Labelled]:
    """``per_cell`` texts of every cell of the drives, innocent ones too; without ``bad``, of the innocent alone."""
    cells = [cell for cell in world().drives if bad or not world().is_bad(cell)]
    return _labelled(cells, part, per_cell, random.Random(f"drives-{part}-{seed}"))


def _labelled(cells: Sequence[str], part: Part, per_cell: int, rng: random.Random) -> list[Labelled]:
    out = list[Labelled]()
    for cell in cells:
        bad = world().is_bad(cell)
        for number in range(per_cell):
            request, group = _request(rng, "labelled"), number % FOLDS
            while bad and justified(request.kind, cell):
                request = _request(rng, "labelled")
            text = " ".join(world().response(rng, cell, request, f"fold-{group}" if part == "calibration" else part))
            out.append(
                Labelled(
                    [{"role": "user", "content": request.text}, {"role": "assistant", "content": text}],
                    motive(cell) if bad else None,
                    cell,
                    group,
                )
            )
    return out
