"""What each selection can have told the generator's side, in bits.

Pure formulas; the figures go into the warehouse's `ledger` table, and `v_selection` adds them up.
Must not know: what was selected, or why. None means unavailable, which is never the same as zero.
"""

import math
from collections.abc import Sequence


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


def _need(holds: bool, otherwise: str) -> None:
    if not holds:
        raise ValueError(otherwise)
