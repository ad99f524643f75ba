"""The curve of pressure: found again where it is known, and refused where the points cannot tell it."""

import math

import numpy as np
import pytest

from models.diversity import distinct
from models.pressure import fit, root_kl


@pytest.mark.parametrize(("alpha", "beta"), [(0.4, 0.3), (-0.2, 0.1), (0.0, 0.0)])
def test_the_curve_is_found_again(alpha: float, beta: float) -> None:
    """In each of 40 simulated studies of 8 campaigns by 6 rounds; the intervals hold it about as often as told."""
    held = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        d = np.sort(rng.uniform(0, 2, (8, 6)), axis=1).ravel()
        noise = np.repeat(rng.normal(0, 0.03, 8), 6) * d + rng.normal(0, 0.03, 48)
        found = fit(d.tolist(), (d * (alpha - beta * d) + noise).tolist(), np.repeat(range(8), 6).tolist(), seed)
        assert found is not None
        assert abs(found.alpha.value - alpha) < 0.1 and abs(found.beta.value - beta) < 0.07
        assert found.at(1.0) == pytest.approx(found.alpha.value - found.beta.value)
        held += [one.low <= true <= one.high for one, true in ((found.alpha, alpha), (found.beta, beta))]
    assert 0.8 < np.mean(held) <= 1


def test_an_exact_curve_leaves_nothing_over() -> None:
    d = [0.0, 0.5, 1.0, 1.5]
    found = fit(d, [x * (0.5 - 0.25 * x) for x in d], [1, 1, 2, 2])
    assert found is not None and found.explained == pytest.approx(1) and found.spread == pytest.approx(0, abs=1e-12)
    assert max(map(abs, found.residuals)) < 1e-12


@pytest.mark.parametrize("d", [[0.5, 1.0, 1.5], [0.0, 0.0, 0.0, 0.0], [0.7, 0.7, 0.7, 0.7, 0.0]])
def test_points_that_cannot_tell_both_parameters_fit_nothing(d: list[float]) -> None:
    assert fit(d, [0.1] * len(d), range(len(d))) is None


def test_one_campaign_resampled_is_itself() -> None:
    found = fit([0.2, 0.4, 0.8, 1.6], [0.1, 0.2, 0.2, -0.3], ["a"] * 4)
    assert found is not None and found.alpha.low == found.alpha.value == found.alpha.high


def test_divergence_is_taken_in_nats_and_an_estimate_below_nothing_is_nothing() -> None:
    assert root_kl(1.0) == pytest.approx(math.sqrt(math.log(2)))
    assert root_kl(-0.01) == 0.0


@pytest.mark.parametrize(
    ("texts", "expected"),
    [(["a b a b a"], 0.5), (["one two three"], 1.0), (["One TWO, two one"], 1.0), (["word"], None), ([], None)],
)
def test_distinct_word_pairs(texts: list[str], expected: float | None) -> None:
    assert distinct(texts, of=1) == expected


def test_diversity_is_of_a_fixed_number_of_texts() -> None:
    texts = [f"text number {place}" for place in range(200)]
    assert distinct(texts[:79]) is None
    assert distinct(texts[:80]) == distinct(texts)
