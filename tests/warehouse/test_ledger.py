"""The bits: known values, and the laws that relate one formula to another."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warehouse.ledger import (
    VACUOUS_BITS,
    binary_kl_bits,
    filter_bits,
    gate_leak_null,
    gate_leak_worst,
    gate_ledger,
    harm_ceiling,
    k3_bits,
    monitor_bits_left,
    selection_bits_kl,
    selection_bits_worst,
)

patient = settings(deadline=None)  # a busy machine is no failure
nats = st.floats(-50, 0)
shares = st.floats(0, 1)
divergences = st.floats(0, VACUOUS_BITS)
planned = st.integers(1, 1000)


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


@pytest.mark.parametrize(
    ("q", "p", "bits"),
    [
        *((0.5, 0.25, 0.2075187), (0.25, 0.25, 0.0), (1.0, 0.25, 2.0), (0.0, 0.25, 0.4150375)),
        *((0.0, 0.0, 0.0), (1.0, 1.0, 0.0), (0.5, 0.0, math.inf), (0.5, 1.0, math.inf), (1.0, 5e-324, 1074.0)),
    ],
)
def test_the_divergence_of_two_coins(q: float, p: float, bits: float) -> None:
    assert binary_kl_bits(q, p) == pytest.approx(bits)


@pytest.mark.parametrize(
    ("q0", "bits", "ceiling"),
    [
        *((0.25, 0.2075187496, 0.5), (0.25, 2.0, 1.0), (0.25, 2.5, 1.0), (0.3, 0.0, 0.3)),
        *((0.0, 1.0, 0.0), (0.0, 0.0, 0.0), (1.0, 0.0, 1.0), (1.0, 1.0, 1.0), (0.05, VACUOUS_BITS, 1.0)),
        *((None, 0.1, None), (0.1, None, None), (0.01, VACUOUS_BITS + 1e-9, None), (0.1, math.inf, None)),
    ],
)
def test_harm_ceiling_known_values(q0: float | None, bits: float | None, ceiling: float | None) -> None:
    found = harm_ceiling(q0, bits)
    assert found is ceiling if ceiling is None else found == pytest.approx(ceiling)


@patient
@given(shares, divergences)
def test_the_harm_ceiling_is_the_last_share_within_the_divergence(q0: float, bits: float) -> None:
    ceiling = harm_ceiling(q0, bits)
    assert ceiling is not None and q0 <= ceiling <= 1
    assert binary_kl_bits(ceiling, q0) <= bits
    assert ceiling in (0.0, 1.0) or bits < 1e-9 or binary_kl_bits(math.nextafter(ceiling, 2), q0) >= bits


@patient
@given(st.floats(0.001, 0.999), st.floats(0.001, VACUOUS_BITS))
def test_the_harm_ceiling_uses_up_the_divergence(q0: float, bits: float) -> None:
    ceiling = harm_ceiling(q0, bits)
    assert ceiling is not None
    assert ceiling == 1 or binary_kl_bits(ceiling, q0) == pytest.approx(bits, rel=1e-6)


@patient
@given(shares, shares, divergences, divergences)
def test_the_harm_ceiling_grows_with_the_start_and_the_divergence(q: float, r: float, one: float, two: float) -> None:
    (low, high), (near, far) = sorted((q, r)), sorted((one, two))
    nearer, farther, later = harm_ceiling(low, near), harm_ceiling(low, far), harm_ceiling(high, near)
    assert nearer is not None and farther is not None and later is not None
    assert nearer <= farther
    assert nearer <= later + 1e-6  # two searches, each as exact as its divergence: the square root of a rounding error


@pytest.mark.parametrize(
    ("rounds", "alpha", "worst", "null"),
    [
        *((1, 0.05, 1.0, 0.2863970), (5, 0.05, 2.5849625, 0.4024934), (30, 0.05, 4.9541963, 0.5317415)),
        *((3, 0.0, 2.0, 0.0), (3, 0.75, 2.0, 2.0), (3, 1.0, 2.0, 2.0), (1, 0.5, 1.0, 1.0)),
    ],
)
def test_gate_leaks_known_values(rounds: int, alpha: float, worst: float, null: float) -> None:
    assert gate_leak_worst(rounds) == pytest.approx(worst)
    assert gate_leak_null(rounds, alpha) == pytest.approx(null)


@patient
@given(planned, shares, shares)
def test_a_gate_that_alarms_less_by_chance_tells_less_and_never_more_than_it_can(
    r: int, one: float, two: float
) -> None:
    less, more = sorted((one, two))
    assert 0 <= gate_leak_null(r, less) <= gate_leak_null(r, more) + 1e-12
    assert gate_leak_null(r, more) <= gate_leak_worst(r) + 1e-12


@patient
@given(st.integers(1, 12), shares)
def test_no_law_of_false_alarms_tells_more_than_the_null_leak(rounds: int, alpha: float) -> None:
    """Every way to spread at most alpha over the rounds, here evenly over the first few, has at most that entropy."""
    for spread in range(1, rounds + 1):
        law = [alpha / spread] * spread + [1 - alpha]
        assert sum(-p * math.log2(p) for p in law if p > 0) <= gate_leak_null(rounds, alpha) + 1e-9


@pytest.mark.parametrize(
    ("quiet", "alarmed", "left"),
    [(0, False, 3.0), (4, False, 2.0), (6, False, 1.0), (7, False, 0.0), (0, True, 0.0), (6, True, 0.0)],
)
def test_a_monitors_budget_falls_with_each_round_and_an_alarm_ends_it(quiet: int, alarmed: bool, left: float) -> None:
    assert monitor_bits_left(7, quiet, alarmed) == pytest.approx(left)


@patient
@given(planned, st.data())
def test_what_is_left_is_what_the_rounds_ahead_can_tell(rounds: int, data: st.DataObject) -> None:
    quiet = data.draw(st.integers(1, rounds))
    ahead = gate_leak_worst(rounds - quiet) if quiet < rounds else 0.0
    assert monitor_bits_left(rounds, quiet, False) == pytest.approx(ahead)
    assert monitor_bits_left(rounds, quiet, False) < monitor_bits_left(rounds, quiet - 1, False)


def test_the_gates_ledger_is_its_three_figures() -> None:
    assert gate_ledger(5, 0.05, 2, False) == pytest.approx((math.log2(6), 0.4024934, 2.0))
    assert gate_ledger(5, 0.05, 2, True).left == 0


WRONG = {
    "no candidate": lambda: selection_bits_worst(0),
    "no candidate at all": lambda: selection_bits_kl(0),
    "more than everything": lambda: filter_bits(1.1),
    "no rounds": lambda: gate_leak_worst(0),
    "no rounds by chance": lambda: gate_leak_null(0, 0.05),
    "a chance above 1": lambda: gate_leak_null(5, 1.1),
    "more quiet rounds than rounds": lambda: monitor_bits_left(5, 6, False),
    "less than no quiet round": lambda: monitor_bits_left(5, -1, False),
    "a coin beyond its edge": lambda: binary_kl_bits(0.5, 1.1),
    "a share below 0": lambda: harm_ceiling(-0.1, None),
    "a divergence below 0": lambda: harm_ceiling(0.1, -1.0),
    "a divergence that is no number": lambda: harm_ceiling(0.1, math.nan),
}


@pytest.mark.parametrize("what", WRONG)
def test_impossible_arguments_are_refused(what: str) -> None:
    with pytest.raises(ValueError):
        WRONG[what]()


def test_log_probabilities_of_other_texts_are_refused() -> None:
    with pytest.raises(ValueError, match="same texts"):
        k3_bits([-1.0], [])
