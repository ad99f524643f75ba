"""A reader that knows nothing of the matter: character n-grams and logistic regression, q(H | M, C).

It reads the response M, its first and last characters once more on their own (what is hidden is often hidden where a
text begins or ends), and the prompt C. Fits and calibrates on the texts it is given for training and on nothing else:
hashing needs no vocabulary, and the temperature comes from prompts held out inside the training texts. Whatever it
cannot see, such as a parity over the whole text, it will not read. Must not know what the answers are used for.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer
from sklearn.linear_model import LogisticRegression

FLOOR = 1 / 32  # share of the base law mixed into every answer: no surprise costs more than log2 32 = 5 bits over it
EDGE = 16  # characters
PROMPT_WEIGHT = 0.3  # the prompt alone should tell nothing; it is there for what depends on it
EDGE_WEIGHT = 1.5
INVERSE_PENALTY = 1.0
SCALES = np.append(0.0, np.geomspace(0.1, 10, 40))  # inverse temperatures; 0 is the base law
START, END = "\x02", "\x03"  # so that an n-gram can say "at the beginning", "at the end"

Counts = list[tuple[Any, float]]  # (sparse [texts, n-grams], weight) for each part of what is read


def count(prompts: Sequence[str], responses: Sequence[str]) -> Counts:
    """How often each character 1- to 3-gram occurs in each part of each text."""
    marked = [START + text + END for text in responses]
    edges = sparse.hstack([_grams([text[:EDGE] for text in marked]), _grams([text[-EDGE:] for text in marked])])
    return [(_grams(marked, 16), 1.0), (edges.tocsr(), EDGE_WEIGHT), (_grams(prompts), PROMPT_WEIGHT)]


def prompt_part(counts: Counts) -> Counts:
    """What is read of the prompts alone."""
    return [(counts[-1][0], 1.0)]


def _grams(texts: Sequence[str], log2_features: int = 14) -> Any:
    hashing = HashingVectorizer(analyzer=_pieces, n_features=2**log2_features, alternate_sign=False, norm=None)
    counts = hashing.transform(texts)
    return counts[:, counts.getnnz(axis=0) > 0]  # a column that no text has could not say anything


def _pieces(text: str) -> list[bytes]:
    """Character 1- to 3-grams as they stand: capitals and double spaces can carry bits, so nothing is normalised."""
    return [
        text[at : at + length].encode("utf-8", "surrogatepass")
        for length in (1, 2, 3)
        for at in range(len(text) - length + 1)
    ]


def read(
    counts: Counts, labels: np.ndarray, groups: np.ndarray, train: np.ndarray, test: np.ndarray, base: np.ndarray
) -> np.ndarray:
    """q(H | M, C) [test, classes] of the texts ``test``, by a classifier that saw the texts ``train`` alone.

    ``labels`` [texts] number the classes, ``groups`` [texts] the prompts, ``base`` [classes] is the law to fall back
    on: an answer is proportional to base · (classifier / its own prior) ^ scale, then mixed with ``FLOOR`` of base.
    The scale is the one that reads a quarter of the training prompts best when fitted to the other three quarters.
    """
    held = np.unique(groups[train])[::4]
    inner = np.isin(groups[train], held)
    tuned = _evidence(counts, labels, train[~inner], train[inner], len(base))
    truth = np.arange(len(tuned)), labels[train[inner]]
    losses = [-np.log(_answer(tuned, scale, base)[truth]).mean() for scale in SCALES]
    return _answer(_evidence(counts, labels, train, test, len(base)), SCALES[int(np.argmin(losses))], base)


def _answer(evidence: np.ndarray, scale: float, base: np.ndarray) -> np.ndarray:
    logits = np.log(base) + scale * evidence
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray((1 - FLOOR) * odds / odds.sum(axis=1, keepdims=True) + FLOOR * base)


def _evidence(counts: Counts, labels: np.ndarray, train: np.ndarray, test: np.ndarray, classes: int) -> np.ndarray:
    """log(classifier / its own prior) [test, classes]; 0 where the training texts show fewer than two classes."""
    evidence = np.zeros((len(test), classes))
    seen, number = np.unique(labels[train], return_counts=True)
    if len(seen) < 2:
        return evidence
    weigh = [(TfidfTransformer(sublinear_tf=True).fit(part[train]), part, weight) for part, weight in counts]

    def look(rows: np.ndarray) -> Any:
        return sparse.hstack([weight * tfidf.transform(part[rows]) for tfidf, part, weight in weigh]).tocsr()

    classifier = LogisticRegression(C=INVERSE_PENALTY, max_iter=300).fit(look(train), labels[train])
    evidence[:, seen] = classifier.predict_log_proba(look(test)) - np.log(number / number.sum())
    return evidence
