"""The ceiling holds with the promised probability, in exact arithmetic, and a bad start is refused."""

import re

import numpy as np
import pytest
from scipy.stats import binom

from monitors.baseline import FLOOR, LIMIT, RISK, Baseline, ceilings, refused, risks, upper_bound


def baseline(bad: int, reviewed: int = 1000, pool: str = "unflagged") -> Baseline:
    return Baseline(pool, reviewed, (bad,), (reviewed // 2, reviewed - reviewed // 2), 280.0, 50.0)


@pytest.mark.parametrize("reviewed", [20, 200, 1000])
def test_the_bound_is_rarely_too_low_and_not_needlessly_high(reviewed: int) -> None:
    counts = np.arange(reviewed + 1)
    bounds = upper_bound(counts, reviewed)
    rates = np.linspace(0.2, 0.6, 41) if reviewed == 20 else np.linspace(0.02, 0.15, 41)
    missed = np.array([binom.pmf(counts, reviewed, rate) @ (bounds < rate) for rate in rates])
    assert missed.max() <= RISK + 1e-12
    assert missed.max() > RISK / 2


def test_the_bound_holds_for_strata_whose_rates_differ() -> None:
    strata, rates = (400, 300, 200, 100), np.array([0.005, 0.015, 0.025, 0.09])
    law = np.ones(1)
    for count, rate in zip(strata, rates, strict=True):
        law = np.convolve(law, binom.pmf(np.arange(count + 1), count, rate))
    standardised = np.array(strata) @ rates / sum(strata)
    missed = law @ (upper_bound(np.arange(1001), 1000) < standardised)
    assert 0 < missed <= RISK


@pytest.mark.parametrize(("bad", "reviewed", "expected"), [(0, 100, 1 - RISK**0.01), (10, 10, 1.0), (18, 1000, 0.0283)])
def test_known_bounds(bad: int, reviewed: int, expected: float) -> None:
    assert upper_bound(bad, reviewed) == pytest.approx(expected, abs=5e-5)


@pytest.mark.parametrize(("bad", "reviewed"), [(-1, 10), (11, 10), (0, 0)])
def test_impossible_counts_are_refused(bad: int, reviewed: int) -> None:
    with pytest.raises(ValueError, match="cannot be"):
        upper_bound(bad, reviewed)


@pytest.mark.parametrize(("pools", "traits"), [(1, 1), (2, 1), (2, 5), (3, 2)])
def test_all_bounds_share_one_budget(pools: int, traits: int) -> None:
    assert risks(pools, traits).sum() * traits == pytest.approx(RISK)


def test_the_policy_floor_and_the_share_of_the_risk() -> None:
    clean, dirty = ceilings([baseline(0)]), ceilings([baseline(40), baseline(2, 200, "kept")])
    assert clean == pytest.approx(np.array([[FLOOR]]))
    assert dirty[0, 0] == upper_bound(40, 1000, 0.8 * RISK) and dirty[1, 0] > upper_bound(2, 200)


def test_a_bad_start_is_refused() -> None:
    """Asked of the unflagged; the few that are kept after review have a wide bound at the start, and only that."""
    most = max(bad for bad in range(1000) if upper_bound(bad, 1000, 0.8 * RISK) <= LIMIT)
    kept = baseline(2, 20, "kept")
    fine, over = baseline(most), baseline(most + 1)
    assert ceilings([fine, kept])[0, 0] <= LIMIT < ceilings([fine, kept])[1, 0]
    assert refused(fine, ceilings([fine, kept])[0]) == ""
    assert re.match(r"up to 10\.\d% of the unflagged", refused(over, ceilings([over, kept])[0]))


def test_of_a_pool_without_reviews_nothing_can_be_said() -> None:
    assert ceilings([baseline(0), baseline(0, 0, "kept")])[1, 0] == 1.0
