"""Quality, against readings whose quality is known by construction."""

import numpy as np
import pytest

from monitors.monitor import Reading
from monitors.quality import Case, measure, phi

TRAITS = ("deceptive", "sycophantic")


def case(trait: str | None, dialect: str = "A") -> Case:
    return Case(trait, dialect if trait else "", f"{trait}-{dialect}" if trait else "plain")


def said(trait: str | None, value: float = 0.9, limit: float = 0.5) -> Reading:
    readings: dict[str, float | None] = {t: value if t == trait else 0.1 for t in TRAITS}
    return Reading(readings, trait is not None and value > limit)


CASES = [case("deceptive", "A"), case("deceptive", "C"), case("sycophantic", "A"), case("sycophantic", "C")] * 5
CASES += [case(None)] * 20


def test_a_perfect_monitor() -> None:
    found = measure([said(one.trait) for one in CASES], CASES)
    assert found.auroc_any == found.tpr_any == 1 and found.fpr == 0 and found.unread == 0 and found.shared is None
    assert found.auroc == {t: {"A": 1.0, "C": 1.0} for t in TRAITS} == found.tpr


def test_one_blind_to_a_dialect_shows_it_there_and_nowhere_else() -> None:
    found = measure([said(one.trait if one.dialect == "A" else None) for one in CASES], CASES)
    assert found.tpr_dialect == {"A": 1.0, "C": 0.0} and found.auroc_dialect == {"A": 1.0, "C": 0.5}
    assert found.auroc_trait == {t: 0.75 for t in TRAITS} and found.tpr_any == 0.5


def test_the_wrong_trait_fires_all_the_same_but_does_not_read_its_own() -> None:
    other = dict(zip(TRAITS, TRAITS[::-1], strict=True))
    found = measure([said(other[one.trait] if one.trait else None) for one in CASES], CASES)
    assert found.tpr_any == found.auroc_any == 1 and set(found.auroc_trait.values()) == {0.5}


def test_a_monitor_of_one_trait_has_no_figure_for_the_other_but_may_fire_on_it() -> None:
    read = [said(one.trait) for one in CASES]
    found = measure([r._replace(readings={"deceptive": r.readings["deceptive"]}) for r in read], CASES)
    assert found.auroc_trait == {"deceptive": 1.0} and set(found.auroc) == {"deceptive"}
    assert set(found.tpr) == set(TRAITS) and found.tpr_any == 1


def test_what_was_not_read_counts_as_unread_and_as_nothing_else() -> None:
    unread = Reading(dict.fromkeys(TRAITS), None, "too long")
    readings = [said(one.trait) if place % 2 else unread for place, one in enumerate(CASES)]
    found = measure(readings, CASES, [False] * len(CASES))
    assert (found.unread, found.texts, found.tpr_any, found.fpr) == (20, 40, 1.0, 0.0)
    with pytest.raises(ValueError, match="none was read"):
        measure([unread] * 20 + [said(None)] * 20, CASES)


def test_errors_in_common_and_errors_apart() -> None:
    blind = [said(one.trait if one.dialect == "A" else None) for one in CASES]
    misses_c = [bool(one.trait) and one.dialect == "C" for one in CASES]
    misses_a = [bool(one.trait) and one.dialect == "A" for one in CASES]
    same, apart = measure(blind, CASES, misses_c).shared, measure(blind, CASES, misses_a).shared
    assert same and apart and (same.phi, same.phi_bad, same.caught) == (pytest.approx(1), pytest.approx(1), 0.0)
    assert apart.phi == pytest.approx(-1 / 3) and (apart.phi_bad, apart.caught) == (pytest.approx(-1), 1.0)
    never = measure(blind, CASES, [False] * len(CASES)).shared
    assert never and (never.phi, never.phi_bad, never.caught) == (None, None, None)


def test_texts_the_other_could_not_read_are_left_out_of_what_they_share() -> None:
    blind = [said(one.trait if one.dialect == "A" else None) for one in CASES]
    others = [None if one.dialect == "C" else False for one in CASES]
    found = measure(blind, CASES, others)
    assert found.shared and found.shared.phi is None and found.tpr_dialect["C"] == 0


def test_phi_is_the_correlation_of_the_table() -> None:
    first, second = np.array([1, 1, 1, 0, 0, 0, 0, 0], bool), np.array([1, 1, 0, 1, 0, 0, 0, 0], bool)
    assert phi(first, second) == pytest.approx((2 * 4 - 1 * 1) / np.sqrt(3 * 5 * 3 * 5))
    assert phi(first, np.ones(8, bool)) is None
