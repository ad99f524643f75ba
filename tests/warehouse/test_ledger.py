"""The bits: known values, and the laws that relate one formula to another."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warehouse.ledger import filter_bits, k3_bits, selection_bits_kl, selection_bits_worst

patient = settings(deadline=None)  # a busy machine is no failure
nats = st.floats(-50, 0)


@pytest.mark.parametrize(("k", "worst", "kl"), [(1, 0.0, 0.0), (2, 1.0, 0.2786525), (4, 2.0, 0.9179787)])
def test_selection_bits_known_values(k: int, worst: float, kl: float) -> None:
    assert selection_bits_worst(k) == pytest.approx(worst)
    assert selection_bits_kl(k) == pytest.approx(kl)


@patient
@given(st.integers(1, 10**9))
def test_the_kl_bound_never_exceeds_the_worst_case(k: int) -> None:
    assert 0 <= selection_bits_kl(k) <= selection_bits_worst(k)


@patient
@given(st.floats(0.001, 1), st.floats(0.001, 1))
def test_filtering_twice_adds_up(one: float, other: float) -> None:
    first, second, both = filter_bits(one), filter_bits(other), filter_bits(one * other)
    assert first is not None and second is not None
    assert both == pytest.approx(first + second)


def test_keeping_everything_costs_nothing_and_keeping_nothing_has_no_figure() -> None:
    assert math.copysign(1, filter_bits(1.0) or 0.0) == 1
    assert filter_bits(0.0) is None


@patient
@given(st.lists(st.tuples(nats, nats), min_size=1))
def test_k3_is_never_negative_and_zero_only_for_the_same_model(rows: list[tuple[float, float]]) -> None:
    bits = k3_bits([p for p, _ in rows], [q for _, q in rows])
    assert bits is not None and bits >= 0
    assert k3_bits([p for p, _ in rows], [p for p, _ in rows]) == 0


def test_k3_estimates_the_divergence_of_two_coins() -> None:
    """Every outcome in its exact share, so the estimate is the KL itself: .5 log2(.5/.25) + .5 log2(.5/.75)."""
    half = math.log(0.5)
    assert k3_bits([half, half], [math.log(0.25), math.log(0.75)]) == pytest.approx(0.2075187)


@pytest.mark.parametrize(
    ("new", "reference"), [([], []), ([None], [-1.0]), ([-1.0, -1.0], [-1.0, None]), ([-9999.0], [0.0])]
)
def test_what_cannot_be_measured_is_unavailable_not_zero(new: list[float | None], reference: list[float]) -> None:
    assert k3_bits(new, reference) is None


def test_impossible_arguments_are_refused() -> None:
    for wrong in (lambda: selection_bits_worst(0), lambda: selection_bits_kl(0), lambda: filter_bits(1.1)):
        with pytest.raises(ValueError):
            wrong()
    with pytest.raises(ValueError, match="same texts"):
        k3_bits([-1.0], [])
