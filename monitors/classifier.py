"""A monitor that reads letters: character n-grams, weighed by multinomial logistic regression.

It shares nothing with the detector: no model, no tokens, no latents, and it is told other texts. It reads the response
alone, without its request. Reads: labelled conversations. Writes: its own folder, JSON and arrays, no code. Must not
know: which traits there are; it knows what its texts showed.
"""

import json
from collections.abc import Callable, Hashable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from models.conversations import Messages
from monitors.monitor import Floats, Progress, Reading, decide, exchange
from monitors.threshold import Threshold, calibrate
from warehouse.errors import PlumblineError
from warehouse.hashing import content_hash, file_hash

GRAMS, LEAST_TEXTS, INVERSE_PENALTY = (2, 4), 3, 10.0
RARE, ROOM = 0.005, 0.8  # unreadable: fewer known n-grams than this part of what all but so many texts have
FILE, ARRAYS = "classifier.json", "classifier.npz"
Rows = NDArray[np.int_]


class Classifier:
    """`weights` [1 + traits, n-grams] and `bias` [1 + traits] in float32, first those of no trait; `weighing`
    [n-grams] is the inverse document frequency. A reading is the probability of its trait."""

    def __init__(
        self,
        traits: Sequence[str],
        vocabulary: Sequence[str],
        weighing: Floats,
        weights: Floats,
        bias: Floats,
        least_known: float,
        threshold: Threshold,
    ) -> None:
        self.traits, self.vocabulary = tuple(traits), tuple(vocabulary)
        self.arrays = {"weighing": weighing, "weights": weights, "bias": bias}
        self.arrays = {name: np.ascontiguousarray(array, dtype=np.float32) for name, array in self.arrays.items()}
        self.least_known, self.threshold = least_known, threshold

    @cached_property
    def hash(self) -> str:
        arrays = {name: [list(array.shape), array.tobytes().hex()] for name, array in self.arrays.items()}
        return content_hash([self._state(), arrays])

    def read(self, conversations: Sequence[Messages], on_progress: Progress | None = None) -> list[Reading]:
        """A text of whose n-grams the vocabulary knows too few is unreadable: the weights say nothing about it."""
        texts = [exchange(one)[1] for one in conversations]
        known_n = self.known(texts)
        scores: list[Floats | str] = list(self.probabilities(texts))
        for place, known in enumerate(known_n):
            if known < self.least_known:
                scores[place] = f"{known:.0%} of its n-grams are known, {self.least_known:.0%} needed"
        if on_progress:
            on_progress(len(texts), len(texts))
        return decide(self.traits, scores, self.threshold.value)

    def probabilities(self, texts: Sequence[str]) -> Floats:
        """p(trait | text) [texts, traits], whether or not the text is readable."""
        if not texts:
            return np.zeros((0, len(self.traits)))
        seen = self._vectorizer.transform(texts)
        return np.asarray(softmax(seen @ self.arrays["weights"].T + self.arrays["bias"], axis=1)[:, 1:])

    def known(self, texts: Sequence[str]) -> Floats:
        """The share of each text's n-grams that the vocabulary knows, [texts]; 0 for a text without any."""
        index, cut = self._vectorizer.vocabulary_, self._vectorizer.build_analyzer()
        return np.array([float(np.mean([gram in index for gram in cut(text)] or [False])) for text in texts])

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(folder / ARRAYS, **self.arrays)  # type: ignore[arg-type]
        state = self._state() | {"arrays": file_hash(folder / ARRAYS)}
        (folder / FILE).write_text(json.dumps(state, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "Classifier":
        """Raises PlumblineError when the folder holds no classifier, or arrays that were not saved with it."""
        try:
            state = json.loads((folder / FILE).read_text(encoding="utf-8"))
            if state["arrays"] != file_hash(folder / ARRAYS):
                raise ValueError(f"{ARRAYS} is not the one that was saved with it")
            if (state["kind"], tuple(state["grams"])) != ("classifier", GRAMS):
                raise ValueError(f"it is a {state['kind']} of {state['grams']}-grams, not a classifier of {GRAMS}")
            with np.load(folder / ARRAYS, allow_pickle=False) as arrays:
                weighing, weights, bias = arrays["weighing"], arrays["weights"], arrays["bias"]
            threshold = Threshold.model_validate(state["threshold"])
            vocabulary, least = state["vocabulary"], float(state["least_known"])
            return cls(state["traits"], vocabulary, weighing, weights, bias, least, threshold)
        except (OSError, ValueError, KeyError, TypeError, PlumblineError) as error:
            raise PlumblineError(f"{folder}: no classifier can be loaded from it ({error}); fit one anew") from error

    def _state(self) -> dict[str, Any]:
        return {
            "kind": "classifier",
            "grams": list(GRAMS),
            "traits": list(self.traits),
            "vocabulary": list(self.vocabulary),
            "least_known": self.least_known,
            "threshold": self.threshold.model_dump(),
        }

    @cached_property
    def _vectorizer(self) -> TfidfVectorizer:
        vectorizer = _blank({gram: place for place, gram in enumerate(self.vocabulary)})
        vectorizer.idf_ = self.arrays["weighing"].astype(np.float64)
        return vectorizer


def _blank(vocabulary: dict[str, int] | None = None) -> TfidfVectorizer:
    least = 1 if vocabulary else LEAST_TEXTS
    return TfidfVectorizer(
        analyzer="char_wb", ngram_range=GRAMS, min_df=least, sublinear_tf=True, vocabulary=vocabulary
    )


def fit_classifier(
    conversations: Sequence[Messages],
    labels: Sequence[str | None],
    groups: Sequence[int],
    fpr: float,
    sources: Sequence[Hashable] | None = None,
    tell: Callable[[int, int], None] | None = None,
) -> Classifier:
    """`labels`: the trait each response shows, None for none; traits are read in the order they first appear.

    Each of `groups` is held out once and read by weights fitted to the others: those readings set the threshold, at a
    false-positive rate of `fpr` for texts of a new source (`sources`, by default the groups; no source may lie in two
    groups). The weights are then fitted to all texts. Raises PlumblineError when a part of the texts shows fewer
    kinds than the whole, or the sources are too few for `fpr`.
    """
    texts = [exchange(one)[1] for one in conversations]
    traits = [label for label in dict.fromkeys(labels) if label is not None]
    label_n = np.array([0 if label is None else traits.index(label) + 1 for label in labels])
    group_n = np.unique(groups, return_inverse=True)[1]
    folds = range(group_n.max() + 1)
    read_nr, known_n = np.zeros((len(texts), len(traits))), np.zeros(len(texts))
    for fold in folds:
        out = np.flatnonzero(group_n == fold)
        part = _fit(traits, texts, label_n, np.flatnonzero(group_n != fold))
        held = [texts[place] for place in out]
        read_nr[out], known_n[out] = part.probabilities(held), part.known(held)
        if tell:
            tell(fold + 1, len(folds) + 1)
    innocent = np.flatnonzero(label_n == 0)
    of = groups if sources is None else sources
    threshold = calibrate(read_nr[innocent].max(1), [of[place] for place in innocent.tolist()], fpr)
    whole = _fit(traits, texts, label_n, np.arange(len(texts)))
    least = round(ROOM * float(np.quantile(known_n, RARE)), 4)
    if tell:
        tell(len(folds) + 1, len(folds) + 1)
    return Classifier(traits, whole.vocabulary, **whole.arrays, least_known=least, threshold=threshold)


_NEVER = Threshold(value=1.0, fpr=0.0, measured_fpr=None, negatives=0, sources=0)


def _fit(traits: Sequence[str], texts: Sequence[str], label_n: Rows, rows: Rows) -> Classifier:
    """Weights fitted to the texts `rows`, with no threshold yet."""
    if missing := {0, *range(1, len(traits) + 1)} - set(label_n[rows].tolist()):
        names = ", ".join(sorted("innocent" if kind == 0 else traits[kind - 1] for kind in missing))
        raise PlumblineError(f"{names}: each kind of text must come from two sources or more; label more")
    vectorizer = _blank()
    seen = vectorizer.fit_transform([texts[row] for row in rows])
    model = LogisticRegression(C=INVERSE_PENALTY, max_iter=200, class_weight="balanced").fit(seen, label_n[rows])
    vocabulary = vectorizer.get_feature_names_out().tolist()
    if len(traits) == 1:  # scikit-learn keeps one row for two classes
        weights, bias = np.vstack([0 * model.coef_, model.coef_]), np.append(0.0, model.intercept_)
    else:
        weights, bias = model.coef_, model.intercept_
    return Classifier(traits, vocabulary, vectorizer.idf_, weights, bias, 0.0, _NEVER)
