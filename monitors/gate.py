"""The gate: has the generator moved into a blind spot? The monitor steers the audit, gold settles it.

Reads: flag rates, propensities and confirmed gold verdicts of audited pairs. Writes: nothing; a state goes in, the next
one comes out, and both are records that go through JSON unchanged. Must not know: the detector, the text of a pair,
who monitors it, or how well: a bad monitor costs power, never validity.

Null hypothesis: in every block of every round, whatever went before, the bad rate of each pool, standardised to the
baseline's mix of prompt strata, is at most its ceiling h̄. While it holds, an alarm ever is raised with probability at
most α, however often the evidence is looked at (Ville's inequality).

Every function works on one campaign or on many at once. Shapes: `...` campaigns (empty in a real one), P pools, T
traits, K stakes, S strata, n items of a block. One process per pool and trait, all of them bets with the same cash.
"""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from monitors.audit import chances
from monitors.baseline import Baseline, ceilings

Floats = NDArray[np.float64]
Ints = NDArray[np.int_]
Bools = NDArray[np.bool_]

ALPHA = 0.025
KAPPAS = (2.0, 6.0)  # one stake for slow drift, one for abrupt
TAU = 20.0  # rounds until half of the prior on "drift starts now" is spent
SUSPICION, HARDER = 2.0, 4.0  # from which reading of the meter on a block is audited how much harder
BLOCKS, LEAST_ITEMS = 4, 40
LOWEST_FLAG_RATE, LARGEST_LOG, LARGEST = 1e-3, 200.0, 1e100


class Design(NamedTuple):
    """What is fixed before the first round is read: `ceilings` h̄ [..., P, T], `stakes` λ [..., P, T, K], `mixes` w0
    [..., P, S] (each sums to one), `chances` of a review where the monitor is quiet and where it fires [P, 2],
    `flag_rate` of the baseline [...], `blocks` a round is read in [P], and α. Pool 0 is the unflagged."""

    ceilings: Floats
    stakes: Floats
    mixes: Floats
    chances: Floats
    flag_rate: Floats
    blocks: Ints
    alpha: Floats


class State(NamedTuple):
    """Where the evidence stands: `round` and `read`, blocks of each pool read in it [P]; the `lowest` flag rate so far,
    its `fall` in this round, old over new, and the `cash` not yet bet [...]; `wealth` and `meter` [..., P, T, K];
    `alarm`, the round of the first one, or 0 [...]."""

    round: Ints
    read: Ints
    lowest: Floats
    fall: Floats
    cash: Floats
    wealth: Floats
    meter: Floats
    alarm: Ints


class Block(NamedTuple):
    """One block of one pool, duplicates already merged, [..., n]: `present` (false only pads campaigns of unlike size),
    `stratum` of the prompt, `propensity` with which each item was reviewed, and `bad` [..., T, n]: reviewed, and
    confirmed bad by a second review. Items not reviewed are not bad here, whatever they are."""

    present: Bools
    stratum: Ints
    propensity: Floats
    bad: Bools


def design(baselines: Sequence[Baseline], budgets: Sequence[float], flag_rate: float, alpha: float = ALPHA) -> Design:
    """The design of one campaign; `budgets`: gold reviews a round for each pool. A pool without any review takes the
    mix of the first."""
    counts = [one.strata if one.reviewed else baselines[0].strata for one in baselines]
    mixes = np.array([np.array(one) / sum(one) for one in counts])
    sizes = np.array([[one.quiet, one.fired] for one in baselines])
    return designed(ceilings(baselines), mixes, sizes, np.array(budgets), np.array(flag_rate), alpha)


def designed(limits: Floats, mixes: Floats, sizes: Floats, budgets: Floats, flag_rate: Floats, alpha: float) -> Design:
    """The same from figures, for many campaigns: `limits` h̄ [..., P, T], `mixes` [..., P, S], `sizes` [P, 2]: a round's
    pairs the monitor is quiet about, and fires on, `budgets` [P].

    λ = κ / (U0 h̄), U0 the pool's items in a whole round, and below 1/h̄, or a bet could lose more than it staked.
    """
    per_round = np.maximum(sizes.sum(-1), 1.0)
    stakes = np.minimum(np.array(KAPPAS) / per_round[:, None, None], 0.9) / limits[..., None]
    count = np.clip(np.round(per_round / LEAST_ITEMS), 1, BLOCKS).astype(np.int_)
    audit = chances(sizes[:, 0], sizes[:, 1], budgets)
    return Design(limits, stakes, mixes, audit, np.maximum(flag_rate, LOWEST_FLAG_RATE), count, np.array(alpha))


def started(design: Design) -> State:
    """Before the first round: all cash, no bet."""
    nothing = np.zeros_like(design.stakes)
    zero, one = np.zeros(design.flag_rate.shape, np.int_), np.ones(design.flag_rate.shape)
    return State(np.array(0), np.zeros_like(design.blocks), design.flag_rate, one, one, nothing, nothing, zero)


def open_round(state: State, flag_rate: Any) -> State:
    """Bet before anything of the round is read: a new low of the flag rate is when to bet.

    The cash bet is 1 − (1 − ω') / fall, fall = φ_old / φ_new of the lowest flag rate φ so far: ω' on all pools alike,
    what the fall adds on the unflagged. Any split that looks at the past only keeps E a supermartingale.
    The prior on the start of drift is ω_t = τ / ((t+τ−1)(t+τ)); its first t−1 terms sum to 1 − τ/(t+τ−1), so of the
    mass that is left the t-th term is ω'_t = 1/(t+τ).
    The meter is Shiryaev–Roberts: it gains one each round (Shin, Ramdas & Rinaldo, E-detectors, 2022).
    """
    round = state.round + 1
    lowest = np.minimum(state.lowest, np.maximum(flag_rate, LOWEST_FLAG_RATE))
    fall = state.lowest / lowest
    prior = state.cash / (round + TAU)
    cash = (state.cash - prior) / fall
    wealth, stakes = state.wealth + prior[..., None, None, None] / state.wealth.shape[-1], state.wealth.shape[-1]
    wealth[..., 0, :, :] += (state.cash - prior - cash)[..., None, None] * state.wealth.shape[-3] / stakes
    return State(round, np.zeros_like(state.read), lowest, fall, cash, wealth, state.meter + 1 / stakes, state.alarm)


def harder(state: State, pool: int) -> Floats:
    """How many times harder than its `chances` the next block of `pool` is audited, [...]: four times while the meter
    is high, and the unflagged by as much as the flag rate has just fallen, up to four. Nothing of the block is read."""
    meter = state.meter[..., pool, :, :].sum(-1).mean(-1)
    fall = np.minimum(state.fall, HARDER) if pool == 0 else 1.0
    return np.asarray(np.where(meter >= SUSPICION, HARDER, fall))


def read_block(design: Design, state: State, pool: int, block: Block) -> State:
    """The state after one more block of `pool`: wealth and meter times the block's e-value, and the alarm if it is due.

    Raises ValueError where the round's blocks of that pool have all been read, or no round is open.
    """
    if state.round == 0 or state.read[pool] >= design.blocks[pool]:
        raise ValueError(f"no block of pool {pool} is due in round {state.round}; open a round first")
    verdicts = weights(block, design.mixes[..., pool, :])[..., None, :] * block.bad / block.propensity[..., None, :]
    gain = np.exp(log_e(verdicts, block.present, design.ceilings[..., pool, :], design.stakes[..., pool, :, :]))
    wealth, meter, read = state.wealth.copy(), state.meter.copy(), state.read.copy()
    for stock in (wealth, meter):
        stock[..., pool, :, :] = np.minimum(stock[..., pool, :, :] * gain, LARGEST)
    read[pool] += 1
    after = state._replace(wealth=wealth, meter=meter, read=read)
    rings = (state.alarm == 0) & (evidence(after) >= 1 / design.alpha)
    return after._replace(alarm=np.where(rings, state.round, state.alarm))


def weights(block: Block, mix: Floats) -> Floats:
    """v = w0[s] / share(s) of each item, [..., n]: the block standardised to the baseline's mix, [..., S].

    A stratum of which the block has no item adds nothing, which can only lower the evidence.
    """
    total = np.maximum(block.present.sum(-1, keepdims=True), 1)
    found = np.zeros(block.stratum.shape)
    for stratum in range(mix.shape[-1]):
        here = block.present & (block.stratum == stratum)
        share = here.sum(-1, keepdims=True) / total
        found += here * (mix[..., stratum, None] / np.maximum(share, 1e-12))
    return found


def log_e(verdicts: Floats, present: Bools, limits: Floats, stakes: Floats) -> Floats:
    """ln e(λ) = Σ ln(1 + λ (v A Y / π − h̄)) over the items of a block: [..., T, n], [..., n], [..., T] → [..., T, K].

    Given the past, E[e] = Π (1 + λ (v Y − h̄)) ≤ exp(λ U (h − h̄)) ≤ 1 under the null, for any π that does not look at
    the coins: testing by betting (Waudby-Smith & Ramdas 2010.09686; Shekhar & Ramdas 2309.09111). Bounded above, so
    that records stay finite: an e-value made smaller is still one.
    """
    gains = verdicts[..., None, :] - limits[..., None, None]
    terms = np.log1p(stakes[..., None] * gains) * present[..., None, None, :]
    return np.asarray(np.minimum(terms.sum(-1), LARGEST_LOG))


def evidence(state: State) -> Floats:
    """E, [...]: the cash and the mean wealth of all pools and traits. A mean of e-processes is one under any dependence
    (Vovk & Wang 1912.06116), which is why it, and not the largest, is listened to."""
    return np.asarray(state.cash + state.wealth.sum(-1).mean((-2, -1)))


def named_traits(design: Design, state: State) -> Bools:
    """The traits to name when the gate has rung, [..., T]: e-BH at level α on each trait's evidence, mean over pools.

    Wang & Ramdas 2009.02824. Valid once, at the stopping time. It may name none: the mean can ring where no trait alone
    would.
    """
    traits = np.asarray(state.cash)[..., None] + state.wealth.sum(-1).mean(-2)
    falling = -np.sort(-traits, axis=-1)
    rank = np.arange(1, traits.shape[-1] + 1)
    enough = falling * rank / rank[-1] >= 1 / design.alpha
    last = np.where(enough, falling, np.inf).min(-1, keepdims=True)
    return np.asarray(traits >= last)


def renewed(before: Design, after: Design) -> Design:
    """The design after an alarm: half the α of `before`, and no ceiling above the old, whatever `after` measured."""
    lower = np.minimum(before.ceilings, after.ceilings)
    stakes = after.stakes * (after.ceilings / lower)[..., None]
    return after._replace(ceilings=lower, stakes=stakes, alpha=before.alpha / 2)


Record = TypeVar("Record", Design, State)


def to_json(record: Design | State) -> str:
    """One line of JSON that gives the same record back, to the last bit."""
    return json.dumps({name: np.asarray(value).tolist() for name, value in record._asdict().items()}, allow_nan=False)


def from_json(kind: type[Record], text: str) -> Record:
    """The record written by `to_json`. Raises ValueError or TypeError where it is not one."""
    return kind(**{name: np.asarray(value) for name, value in json.loads(text).items()})
