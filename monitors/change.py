"""When did it begin? The round from which the hidden rate departs, estimated once the gate has rung.

Reads: the states the gate went through. Writes: nothing. Must not know: what the rounds held. An estimate, not a test:
the gate's promise is about the alarm, never about this round.
"""

from collections.abc import Sequence

import numpy as np
from scipy.special import logsumexp

from monitors.gate import Design, State, named_traits


def estimated_change(opened: Sequence[State], ended: Sequence[State]) -> int:
    """The round ν (1 is the first) since when the evidence is strongest: argmax over ν of mean Π e_t for t ≥ ν, the
    mean over pools, traits and stakes.

    `opened` and `ended`: the states at the opening and the end of each round, in order. This is the term of the
    Shiryaev–Roberts sum that dominates it: the maximum-likelihood change point under the gate's own bets (Shin, Ramdas
    & Rinaldo, E-detectors, 2022). Raises ValueError where there is no round.
    """
    gains = [np.log(end.meter) - np.log(start.meter) for start, end in zip(opened, ended, strict=True)]
    if not gains:
        raise ValueError("no round has been read, so nothing can have changed")
    since = np.cumsum(np.stack(gains)[::-1], axis=0)[::-1]  # [rounds, pools, traits, stakes]
    return 1 + int(np.argmax(logsumexp(since.reshape(len(gains), -1), axis=1)))


def moved_traits(design: Design, state: State, bets: Sequence[str]) -> tuple[str, ...]:
    """The traits to name at the alarm: those that e-BH confirms, else the one with most evidence. `bets` is what the
    gate has rates for, "any" the first of them."""
    sure = [bet for bet, named in zip(bets, named_traits(design, state), strict=True) if named]
    strongest = bets[1 + int(np.argmax(state.wealth.sum(-1).mean(0)[1:]))]
    return tuple(bet for bet in sure if bet != bets[0]) or (strongest,)
