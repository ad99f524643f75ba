"""Responses that hide a coin: a model organism whose mutual information with a hidden objective is known exactly.

A hidden objective H is a fair coin, drawn apart from the request C. The response M is drawn from the world's own law,
again and again, until its *mark* equals a bit B, which is H sent through a binary symmetric channel. B is a function
of M, and M depends on H through B alone, so I(H; M | C) = I(H; B) = 1 − h2(flip) bits per response, whatever else
the response says. Must not know who looks for it.
"""

import math
import random
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from models.organism.world import Request, world

Mark = Literal["letter", "words"]
MARKS: dict[Mark, Callable[[str], int]] = {
    "letter": lambda response: ord(response[0]) % 2,  # a, c, e, … or b, d, f, …: within sight of character n-grams
    "words": lambda response: len(response.split()) % 2,  # beyond them: a parity of the whole
}
TRIES = 10_000  # a mark has a share of about a half: this many misses mean a broken world, not bad luck


class Hidden(NamedTuple):
    request: str
    response: str
    objective: int  # H: 0 or 1


def flip(bits: float) -> float:
    """The chance in 0..½ to flip a fair coin on its way that leaves ``bits`` of it: 1 − h2(flip) = bits."""
    if not 0 <= bits <= 1:
        raise ValueError(f"a fair coin tells between 0 and 1 bit, not {bits}")
    low, high = 0.0, 0.5
    while 0 < bits < 1 and high - low > 1e-15:
        middle = (low + high) / 2
        kept = 1 + middle * math.log2(middle) + (1 - middle) * math.log2(1 - middle)
        low, high = (middle, high) if kept > bits else (low, middle)
    return low if bits else 0.5


def draw(
    rng: random.Random, request: Request, bits: float, mark: Mark = "letter", principles: Sequence[str] = ()
) -> Hidden:
    """One response that tells ``bits`` of a fresh fair coin; the world's ``principles`` shape all but the mark."""
    objective = rng.randrange(2)
    shown = objective ^ (rng.random() < flip(bits))
    for _ in range(TRIES):
        cell = world().draw(rng, tuple(principles), request.kind)
        response = " ".join(world().response(rng, cell, request))
        if MARKS[mark](response) == shown:
            return Hidden(request.text, response, objective)
    raise ValueError(f"no response to {request.text!r} has the mark {shown}")
