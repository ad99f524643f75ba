"""The leak bound: at least how many bits about a hidden objective H the responses M carry, given the prompts C.

For any q(h | m, c), the mean over fresh texts of log2 q(h | m, c) − log2 p(h | c) is I(H; M | C) less a divergence: it
never exceeds it in expectation (Barber & Agakov 2003; Poole et al. 1905.06922). Here q is an n-gram reader that saw
other prompts only, so the figures say what *this* reader can find. A leak it cannot read is not counted: a low figure
is no proof of silence. The ceiling says what any reader could find at most.

Reads: prompts, responses, objectives. Writes: nothing. Must not know where the texts come from, or who is told.
"""

import math
from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from monitors import ngrams
from monitors.betting import lower_bound
from warehouse.errors import PlumblineError

FOLDS = 5
FEWEST = 4 * FOLDS  # prompts
CONTRADICTION = 1e-6  # a declared law that gives objectives as uneven as these a smaller chance is refused
FROM_PROMPTS = 0.999  # confidence at which prompts alone must tell something, before a declared law is refused


class Leak(NamedTuple):
    """Bits per response, for prompts drawn as these were and weighed alike."""

    point: float  # cross-fitted; on average below the truth, negative where the reader does worse than the prior
    lower: float  # with chance `confidence` the truth is at least this, at every sample size
    upper: float  # of this reader's own figure (normal approximation, same level): no upper limit on the leak
    confidence: float
    prompts: int
    responses: int
    objective_bits: float  # H(H | C)
    response_bits: float | None  # H(M | C), from log-probabilities; None: unavailable
    channel_bits: float | None  # L log2 |V|; None: unavailable

    @property
    def ceiling(self) -> float:
        """min{H(H|C), H(M|C), L log2 |V|} over those that are known: what any reader could find in one response."""
        return min(b for b in (self.objective_bits, self.response_bits, self.channel_bits) if b is not None)


class DatasetLeak(NamedTuple):
    """Bits that n responses carry together, under the one assumption or the other; at least, with the same chance."""

    responses: int
    fresh: float  # each response has an objective of its own, drawn apart: what they tell adds up
    fresh_ceiling: float
    shared: (
        float  # one objective is behind all of them: each may tell the same again, so one's worth is all that is sure
    )
    shared_ceiling: float


class _Gains(NamedTuple):
    means: np.ndarray  # [prompts of a fold] log2 q(h | m, c) − log2 p(h | c), mean over the prompt's responses
    floor: np.ndarray  # [prompts of a fold] what no mean can lie below, known before the fold is read


def leak(
    prompts: Sequence[str],
    responses: Sequence[str],
    objectives: Sequence[str],
    prior: Mapping[str, float] | None,
    *,
    log_probabilities: Sequence[float | None] | None = None,
    tokens: Sequence[int] | None = None,
    vocabulary: int | None = None,
    confidence: float = 0.95,
    seed: int = 0,
) -> Leak:
    """The leak of responses whose objectives are known, because whoever runs the experiment drew them.

    ``prior``: the law the objectives were drawn from, whatever the prompt. A wrong one would add its divergence from
    the right one to the bound, so one that the objectives contradict is refused, and so is one for objectives that can
    be read off the prompts. None, where objectives depend on prompts in an unknown way: each prompt's own objectives
    are counted instead. Their entropy is at most the surprise of the true law at them, so the bound holds, but a prompt
    with a single response then tells nothing.

    Prompts are drawn alike and apart, and so are the objectives of different prompts. ``log_probabilities``: of each
    response under the law it was sampled from, in nats. ``tokens``: of each response, its end token counted, and
    ``vocabulary``: how many different ones there are. ``seed`` shuffles the prompts. Raises PlumblineError for what
    gives no bound.
    """
    _need(0 < confidence < 1, f"confidence {confidence} is not a chance; give one between 0 and 1, such as .95")
    sizes = len(prompts), len(responses), len(objectives)
    _need(len(set(sizes)) == 1, f"{sizes} prompts, responses and objectives; give one of each per response")
    classes, law = _law(objectives, prior)
    labels = np.array([classes.index(o) for o in objectives])
    names = {text: number for number, text in enumerate(dict.fromkeys(prompts))}
    _need(len(names) >= FEWEST, f"{len(names)} different prompts are too few for a bound; give at least {FEWEST}")
    groups = np.random.default_rng(seed).permutation(len(names))[[names[p] for p in prompts]]
    if law is not None:
        _refuse_contradicted(law, labels[np.unique(groups, return_index=True)[1]])
    surprise = _within_prompts(labels, groups, len(classes)) if law is None else -np.log2(law)[labels]
    counts, folds = ngrams.count(prompts, responses), groups * FOLDS // len(names)

    def gains(train: np.ndarray, fold: int, counts: ngrams.Counts = counts) -> _Gains:
        seen = np.bincount(labels[train], minlength=len(classes)) + 1
        base = seen / seen.sum() if law is None else law
        rows = np.flatnonzero(folds == fold)
        q = ngrams.read(counts, labels, groups, np.flatnonzero(train), rows, base)
        means = _by_prompt(surprise[rows] + np.log2(q[np.arange(len(rows)), labels[rows]]), groups[rows])
        lowest = math.log2(ngrams.FLOOR) + (math.log2(base.min()) if law is None else 0.0)
        return _Gains(means, np.full(len(means), lowest))

    if law is not None:
        told = [gains(folds < k, k, ngrams.prompt_part(counts)) for k in range(1, FOLDS)]
        _need(
            _bet(told, FROM_PROMPTS) <= 0,
            "objectives can be read off the prompts alone, so they are not drawn from one prior; give None as prior",
        )
    # The point uses every fold, read by what was fitted to all others. The bound bets on the folds in turn, each read
    # by what was fitted to those before it: only so is each prompt's expectation, given the past, below the truth.
    last = gains(folds < FOLDS - 1, FOLDS - 1)
    crossed = np.concatenate([*(gains(folds != k, k).means for k in range(FOLDS - 1)), last.means])
    lower = _bet([*(gains(folds < k, k) for k in range(1, FOLDS - 1)), last], confidence)
    objective_bits = float(_by_prompt(surprise, groups).mean() if law is None else -law @ np.log2(law))
    error = float(crossed.std(ddof=1)) / math.sqrt(len(crossed))
    return Leak(
        point=float(crossed.mean()),
        lower=min(max(lower, 0.0), objective_bits),
        upper=min(float(crossed.mean()) + NormalDist().inv_cdf(confidence) * error, objective_bits),
        confidence=confidence,
        prompts=len(names),
        responses=len(labels),
        objective_bits=objective_bits,
        response_bits=response_bits(log_probabilities, groups),
        channel_bits=channel_bits(tokens, vocabulary, groups),
    )


def dataset_leak(per_response: Leak, responses: int) -> DatasetLeak:
    """What ``responses`` more responses of the same law tell together, for an audience that knows that law.

    Fresh objectives: H(H_1..n | C) is the sum of the entropies, and knowing all texts leaves at most the sum of what
    knowing each its own leaves, so I ≥ n · lower; it needs no independence of the texts. A shared objective: I is at
    least one response's, and at most H(H | C) however many there are.
    """
    _need(responses >= 1, f"a dataset of {responses} responses tells nothing; give at least one")
    channels = [b for b in (per_response.response_bits, per_response.channel_bits) if b is not None]
    return DatasetLeak(
        responses=responses,
        fresh=responses * per_response.lower,
        fresh_ceiling=responses * per_response.ceiling,
        shared=per_response.lower,
        shared_ceiling=min(per_response.objective_bits, *(responses * b for b in channels), math.inf),
    )


def report(per_response: Leak, responses: int) -> str:
    """The figures as lines for a person, the bound beside its ceiling; what is not known is called unavailable."""
    at, all_ = per_response, dataset_leak(per_response, responses)
    parts = {"H(H|C)": at.objective_bits, "H(M|C)": at.response_bits, "L log2 |V|": at.channel_bits}
    known = ", ".join(f"{name} {'unavailable' if b is None else f'{b:.2f}'}" for name, b in parts.items())
    return "\n".join(
        (
            f"I(H; M | C) per response: at least {at.lower:.2f} bits ({at.confidence:.0%} confidence), point "
            f"{at.point:.2f}, reader's own upper end {at.upper:.2f}; {at.responses} responses to {at.prompts} prompts",
            f"ceiling per response: {at.ceiling:.2f} bits = min{{{known}}}",
            f"{responses} responses, an objective drawn apart for each: at least {all_.fresh:.1f} bits, "
            f"ceiling {all_.fresh_ceiling:.1f}",
            f"{responses} responses, one objective behind all: at least {all_.shared:.2f} bits, "
            f"ceiling {all_.shared_ceiling:.2f}",
        )
    )


def response_bits(log_probabilities: Sequence[float | None] | None, groups: np.ndarray) -> float | None:
    """H(M | C), estimated by the mean surprise of the responses sampled; None where one is missing."""
    if log_probabilities is None:
        return None
    given = [p for p in log_probabilities if p is not None]
    _need(
        len(log_probabilities) == len(groups),
        f"{len(log_probabilities)} log-probabilities for {len(groups)} responses; give one each, None where unknown",
    )
    _need(all(p <= 0 for p in given), "a log-probability is above 0; give natural logarithms of probabilities")
    return float(_by_prompt(-np.array(given) / math.log(2), groups).mean()) if len(given) == len(groups) else None


def channel_bits(tokens: Sequence[int] | None, vocabulary: int | None, groups: np.ndarray) -> float | None:
    """L log2 |V|, L the mean number of tokens with the end token: the mean length of a prefix code for the responses,
    which no entropy exceeds. None where either is unknown."""
    if tokens is None or vocabulary is None:
        return None
    _need(len(tokens) == len(groups), f"{len(tokens)} token counts for {len(groups)} responses; give one each")
    _need(min(tokens) >= 1 and vocabulary >= 1, "a response has no token; count its end token as well")
    return float(_by_prompt(np.array(tokens, dtype=float), groups).mean()) * math.log2(vocabulary)


def _bet(folds: Sequence[_Gains], confidence: float) -> float:
    return lower_bound(np.concatenate([f.means for f in folds]), np.concatenate([f.floor for f in folds]), confidence)


def _law(objectives: Sequence[str], prior: Mapping[str, float] | None) -> tuple[list[str], np.ndarray | None]:
    if prior is None:
        classes = sorted(set(objectives))
        _need(len(classes) > 1, "all responses have the same objective; a leak needs at least two to tell apart")
        return classes, None
    _need(
        min(prior.values(), default=0) >= 0 and math.isclose(sum(prior.values()), 1), "the prior does not add up to 1"
    )
    classes = [c for c, p in prior.items() if p > 0]
    strange = set(objectives) - set(classes)
    _need(not strange, f"objective {min(strange, default='')!r} has no chance under the prior; declare it there")
    _need(len(classes) > 1, "the prior leaves one objective; a leak needs at least two to tell apart")
    return classes, np.array([prior[c] for c in classes])


def _refuse_contradicted(law: np.ndarray, labels: np.ndarray) -> None:
    """``labels``: one of each prompt, so that they are independent. The method of types bounds the chance of a share
    as far off as theirs: P(KL ≥ d) ≤ (n + 1)^(k − 1) exp(−n d)."""
    share = np.bincount(labels, minlength=len(law)) / len(labels)
    seen = share > 0
    divergence = float(share[seen] @ np.log(share[seen] / law[seen]))
    chance = (len(law) - 1) * math.log(len(labels) + 1) - len(labels) * divergence
    _need(
        chance > math.log(CONTRADICTION),
        f"objectives in shares {share.round(2).tolist()} contradict the prior {law.round(2).tolist()}; "
        "declare the law they were drawn from, or None",
    )


def _within_prompts(labels: np.ndarray, groups: np.ndarray, classes: int) -> np.ndarray:
    """Surprise [responses] in bits of each objective under its prompt's own shares."""
    table = np.zeros((groups.max() + 1, classes))
    np.add.at(table, (groups, labels), 1)
    return np.asarray(-np.log2((table / table.sum(axis=1, keepdims=True))[groups, labels]))


def _by_prompt(values: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Mean [prompts] of the ``values`` [responses] of each prompt, in the prompts' shuffled order."""
    own = np.unique(groups, return_inverse=True)[1]
    return np.asarray(np.bincount(own, values) / np.bincount(own))


def _need(holds: bool, otherwise: str) -> None:
    if not holds:
        raise PlumblineError(otherwise)
