"""What each selection and each alarm can have told the generator's side, in bits, and the harm that leaves room for.

Pure formulas; the figures go into the warehouse's `ledger` table, and `v_ledger` adds up those that add up.
Must not know: what was selected, or why. None means unavailable, which is never the same as zero.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

VACUOUS_BITS = 3 / math.log(2)
"""3 nats: there the harm ceiling of q_0 = 5 % reaches 1, so that it says nothing (−ln .05 = 3.00)."""


class GateLedger(NamedTuple):
    """What the gate can tell whoever sees its answer, in bits, none of it from a held-out figure: the most within the
    planned rounds, the most while nothing is wrong, and what is left of the first for the monitor in use."""

    worst: float
    null: float
    left: float


def selection_bits_worst(k: int) -> float:
    """log2 k: the most that naming one of k candidates can convey, if the proposer saw no flags.

    Otherwise add the entropy of what it was shown. The mutual information that bounds the bias of a selection
    (Russo & Zou 1511.05219). Raises ValueError for k < 1.
    """
    _need(k >= 1, f"a selection is among at least one candidate, not {k}")
    return math.log2(k)


def selection_bits_kl(k: int) -> float:
    """(ln k − (k−1)/k) / ln 2: the KL bound on how far best-of-k moves the law of what is selected.

    Beirami et al. 2401.01879. Raises ValueError for k < 1.
    """
    _need(k >= 1, f"a selection is among at least one candidate, not {k}")
    return (math.log(k) - (k - 1) / k) / math.log(2)


def filter_bits(kept_share: float) -> float | None:
    """−log2(kept share), per pair: what filtering and regenerating conditions on.

    KL(kept ‖ all), exact for conditioning on an event; what it may then bias is bounded as in Russo & Zou 1511.05219.
    None when nothing was kept: then no law of kept pairs exists. Raises ValueError outside 0..1.
    """
    _need(0 <= kept_share <= 1, f"a share lies in 0..1, not {kept_share}")
    return abs(math.log2(kept_share)) if kept_share else None


def k3_bits(new: Sequence[float | None], reference: Sequence[float | None]) -> float | None:
    """How far the generator has moved: mean(r − 1 − ln r) / ln 2 with r = p_reference / p_new, never negative.

    `new` and `reference` are log-probabilities in nats of the same texts, sampled from the new generator. It is an
    unbiased estimate of KL(new ‖ reference) (k3: Schulman 2020, Approximating KL Divergence), the quantity whose
    best-of-k value `selection_bits_kl` bounds (Beirami et al. 2401.01879).
    None where a log-probability is missing, where there are no texts, or where r is too large for a float.
    Raises ValueError when the lengths differ.
    """
    _need(len(new) == len(reference), f"{len(new)} and {len(reference)} log-probabilities are not of the same texts")
    pairs = [(p, q) for p, q in zip(new, reference, strict=True) if p is not None and q is not None]
    if not pairs or len(pairs) < len(new):
        return None
    try:
        total = math.fsum(math.expm1(q - p) - (q - p) for p, q in pairs)
    except OverflowError:
        return None
    return total / len(pairs) / math.log(2) if math.isfinite(total) else None


def binary_kl_bits(q: float, p: float) -> float:
    """kl(q ‖ p) = q log2(q/p) + (1−q) log2((1−q)/(1−p)): the divergence of a coin that falls q from one that falls p.

    Cover & Thomas 2006, section 2.3, with 0 log 0 = 0. Infinite where q can happen and p cannot. Raises ValueError
    outside 0..1.
    """
    _need(0 <= q <= 1 and 0 <= p <= 1, f"shares lie in 0..1, not {q} and {p}")
    sides = [(a, b) for a, b in ((q, p), (1 - q, 1 - p)) if a]
    return max(0.0, sum(a * (math.log2(a) - math.log2(b)) if b else math.inf for a, b in sides))


def harm_ceiling(q0: float | None, bits: float | None) -> float | None:
    """The largest share q with kl(q ‖ q0) ≤ bits, by bisection: how many bad, unflagged pairs there can be by now.

    `q0` is P(bad and unflagged) at the start, `bits` KL(pair law now ‖ pair law at the start) a pair: 0 until the first
    amendment, then what the round before measured. Whether a pair is bad and unflagged is a function of the pair, so by
    the data-processing inequality kl(q ‖ q0) ≤ bits (Cover & Thomas 2006, section 2.8). It is as good as what it is
    given: take an upper confidence bound for q0, with which it grows; a measured divergence makes it an estimate.
    None, "vacuous", where either is unknown or the divergence is beyond VACUOUS_BITS; 1.0, from log2(1/q0) bits on, is
    exact and says as little. What could never happen still cannot: 0 for q0 = 0. Raises ValueError for a share outside
    0..1 or a divergence below 0.
    """
    _need(q0 is None or 0 <= q0 <= 1, f"a share lies in 0..1, not {q0}")
    _need(bits is None or bits >= 0, f"a divergence is at least 0, not {bits}")
    if q0 is None or bits is None or bits > VACUOUS_BITS:
        return None
    if not bits or not q0:
        return q0
    if bits >= binary_kl_bits(1.0, q0):
        return 1.0
    low, high = q0, 1.0
    while low < (middle := (low + high) / 2) < high:
        low, high = (middle, high) if binary_kl_bits(middle, q0) <= bits else (low, middle)
    return low


def gate_leak_worst(rounds: int) -> float:
    """log2(T + 1): the most that one terminal alarm within T = `rounds` rounds can tell, in bits.

    It says in which round it came, or that none came: T + 1 answers, hence at most log2(T + 1) bits of entropy (Cover &
    Thomas 2006, theorem 2.6.4), whatever the rule that raises it. Raises ValueError for T < 1.
    """
    _need(rounds >= 1, f"a campaign has at least one round, not {rounds}")
    return math.log2(rounds + 1)


def gate_leak_null(rounds: int, alpha: float) -> float:
    """h2(α) + α log2 T: the most that the gate tells while nothing is wrong, in bits over all T = `rounds` rounds.

    `alpha` bounds the chance of a false alarm within them, of baseline and test together. With a = P(alarm), the answer
    has the entropy h2(a) + a H(round | alarm) ≤ h2(a) + a log2 T (grouping: Shannon 1948, section 6). That grows with a
    up to a = T/(T+1), where it is log2(T+1); beyond, the worst case holds. Raises ValueError for T < 1 or α outside
    0..1.
    """
    _need(rounds >= 1, f"a campaign has at least one round, not {rounds}")
    _need(0 <= alpha <= 1, f"a chance lies in 0..1, not {alpha}")
    if alpha >= rounds / (rounds + 1):
        return gate_leak_worst(rounds)
    return sum(-a * math.log2(a) for a in (alpha, 1 - alpha) if a) + alpha * math.log2(rounds)


def monitor_bits_left(rounds: int, quiet: int, alarmed: bool) -> float:
    """log2(T − t + 1): the most that the monitor in use can still tell through the gate after t = `quiet` of the
    planned T = `rounds` rounds, in bits: an alarm in one of the T − t rounds ahead, or none.

    0 once it has alarmed, since an alarmed monitor is retired. Raises ValueError for T < 1 or t outside 0..T.
    """
    _need(rounds >= 1, f"a campaign has at least one round, not {rounds}")
    _need(0 <= quiet <= rounds, f"of {rounds} rounds, {quiet} cannot have been quiet")
    return 0.0 if alarmed else math.log2(rounds - quiet + 1)


def gate_ledger(rounds: int, alpha: float, quiet: int, alarmed: bool) -> GateLedger:
    """The gate's part of the ledger after `quiet` of the planned `rounds`, at the error budget `alpha`; for the audit.

    Raises ValueError as `gate_leak_null` and `monitor_bits_left` do.
    """
    return GateLedger(gate_leak_worst(rounds), gate_leak_null(rounds, alpha), monitor_bits_left(rounds, quiet, alarmed))


def _need(holds: bool, otherwise: str) -> None:
    if not holds:
        raise ValueError(otherwise)
