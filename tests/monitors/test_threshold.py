"""The threshold keeps its promise for texts of a new source, where one that counts texts does not."""

import numpy as np
import pytest

from monitors.threshold import calibrate, conformal
from warehouse.errors import PlumblineError

FPR, SOURCES, EACH = 0.2, 12, 40


def readings(rng: np.random.Generator, sources: int) -> np.ndarray:
    """[sources, EACH]: texts of one source resemble each other far more than those of two."""
    return rng.normal(size=(sources, 1)) * 2 + rng.normal(size=(sources, EACH)) * 0.3


def new_source_fires(grouped: bool) -> float:
    """The chance that a text of a thirteenth source is above a threshold set by twelve."""
    rng, number = np.random.default_rng(0), np.repeat(np.arange(SOURCES), EACH)
    shares = []
    for _ in range(600):
        drawn = readings(rng, SOURCES + 1)
        known = drawn[:-1].ravel()
        limit = conformal(known, number if grouped else np.arange(known.size), FPR)
        shares.append((drawn[-1] > limit).mean())
    return float(np.mean(shares))


def test_a_new_source_fires_no_more_often_than_promised() -> None:
    assert new_source_fires(grouped=True) < FPR


def test_control_counting_texts_instead_of_sources_breaks_the_promise() -> None:
    assert new_source_fires(grouped=False) > FPR + 0.01


def test_with_one_text_a_source_it_is_split_conformal() -> None:
    values = np.random.default_rng(1).permutation(99).astype(float)
    for fpr, above in ((0.05, 94), (0.2, 79), (0.01, 98)):
        assert conformal(values, np.arange(99), fpr) == above  # the ceil(100 (1 - fpr))-th smallest


def test_a_large_source_counts_no_more_than_a_small_one() -> None:
    sources = np.array([0] * 1000 + [1, 2, 3])
    values = np.concatenate([np.zeros(1000), [1.0, 2.0, 3.0]])
    assert conformal(values, sources, 0.4) == 2.0


def test_too_few_sources_are_refused_with_what_would_do() -> None:
    with pytest.raises(PlumblineError, match=r"4 sources .* at least 9 sources, or allow 0.200"):
        conformal(np.arange(400.0), np.arange(400) % 4, 0.1)


def test_the_measured_rate_is_that_of_each_source_judged_by_the_others() -> None:
    rng = np.random.default_rng(2)
    drawn = readings(rng, SOURCES)
    found = calibrate(drawn.ravel(), np.repeat([f"source {n}" for n in range(SOURCES)], EACH).tolist(), FPR)
    assert (found.fpr, found.sources, found.negatives) == (FPR, SOURCES, drawn.size)
    assert found.measured_fpr is not None and 0 < found.measured_fpr < 2 * FPR
    assert calibrate(drawn[:4].ravel(), np.repeat(range(4), EACH).tolist(), FPR).measured_fpr is None
