"""The simulated world is what it says, the gate rings and keeps silent where it should, and the naive watchers fail.

Small and seeded: the whole table is measured by `plumbline simulate`.
"""

import numpy as np
import pytest

from monitors import simulator
from monitors.campaigns import Seen, Watch, watched
from monitors.controls import cusum, page_hinkley, z_test
from monitors.diagnostics import chapman_bias, ppi_coverage
from monitors.planning import plan
from monitors.simulator import BOUNDARY, CASES, MILD, START, STRONG, Case, after, bad_accepted, delay, rung, within
from monitors.world import KEPT, UNFLAGGED, World, draw, firing_rate, gold, pool
from warehouse.errors import PlumblineError

SILENT = ["no drift", "honest improvement", "mild shift of the prompt mix", "strong shift of the prompt mix"]
SILENT += ["monitor fires falsely half as much again", "gold's false positives rise to 4 %, confirmed"]
MONITORS = [(1.0, 1.0), (0.0, 0.0), (0.0, 0.9), (1.0, 0.0), (0.5, 0.5)]


def case(name: str) -> Case:
    return next(one for one in CASES if one.name == name)


def run(one: Case, campaigns: int = 60, rounds: int | None = None) -> Seen:
    return watched(one.schedule, rounds or one.rounds, campaigns, np.random.default_rng(7), one.watch)


@pytest.mark.parametrize("which", [UNFLAGGED, KEPT])
@pytest.mark.parametrize("world", [START, START._replace(mix=STRONG, confirm=False, gold_fpr=0.05, badness=0.5)])
def test_a_pool_is_what_the_rates_make_of_it(which: int, world: World) -> None:
    rng = np.random.default_rng(1)
    drawn, known = draw(world, 4000, rng), pool(world, which)
    inside = ~drawn.flagged if which == UNFLAGGED else drawn.kept
    strata = [inside & (drawn.stratum == stratum) for stratum in range(4)]
    assert inside.mean() == pytest.approx(known.share, rel=0.02)
    assert drawn.fires[inside].mean() == pytest.approx(known.fires, rel=0.03)
    assert [one.sum() / inside.sum() for one in strata] == pytest.approx(known.mix.tolist(), rel=0.04)
    said = gold(world, drawn.bad[inside], rng).bad.mean()
    assert said == pytest.approx(known.mix @ known.gold_bad, rel=0.08)
    assert drawn.fires.mean() == pytest.approx(firing_rate(world), rel=0.01)


def test_what_turns_invisible_hides_from_the_detector_and_with_overlap_from_the_monitor() -> None:
    rng = np.random.default_rng(2)
    half = draw(START._replace(invisible=0.5), 500, rng)
    blind = draw(START._replace(invisible=1.0, overlap=1.0), 500, rng)
    assert half.flagged[half.bad].mean() == pytest.approx(0.45, abs=0.01)
    assert half.fires[half.bad].mean() == pytest.approx(0.70, abs=0.01)
    assert not blind.flagged[blind.bad].any() and not blind.fires[blind.bad].any()


@pytest.mark.parametrize("name", SILENT)
def test_no_false_alarm(name: str) -> None:
    assert rung(run(case(name))) == 0


@pytest.mark.parametrize("monitor", MONITORS)
def test_at_the_ceiling_no_monitor_makes_the_gate_ring_too_often(monitor: tuple[float, float]) -> None:
    """Perfect, dead, inverted or random: a bad monitor costs power, never validity."""
    start = START._replace(monitor_tpr=monitor[0], monitor_fpr=monitor[1])
    seen = watched(lambda _: start, 30, 200, np.random.default_rng(3), BOUNDARY)
    assert rung(seen) <= 0.05


def test_just_above_the_ceiling_is_seen_in_time() -> None:
    """The other side of the boundary, or silence would prove nothing."""
    seen = watched(after(badness=2.5), 30, 60, np.random.default_rng(3), BOUNDARY)
    assert rung(seen) > 0.9


@pytest.mark.parametrize(
    ("name", "rounds", "least"),
    [
        ("80 % of bad pairs turn invisible", 3, 0.9),
        ("50 % turn invisible", 5, 0.85),
        ("80 % turn invisible, monitor shares the blind spot with ρ = 1.0", 5, 0.8),
        ("the reviewer begins to keep 30 % of the bad pairs it sees", 5, 0.85),
    ],
)
def test_drift_is_caught(name: str, rounds: int, least: float) -> None:
    assert within(rounds)(run(case(name), 100, rounds=12)) >= least


def test_a_confirmed_gold_forgives_what_an_unconfirmed_does_not() -> None:
    assert rung(run(case("gold's false positives rise to 4 %, unconfirmed"))) > 0.3


def test_near_duplicates_have_to_be_merged() -> None:
    counted = run(case("at the ceiling, ten near-duplicates of each pair, counted"))
    merged = run(case("at the ceiling, ten near-duplicates of each pair, merged"))
    assert rung(merged) <= 0.05 < 0.3 < rung(counted)


def test_a_refused_baseline_never_starts() -> None:
    """And of those that start, reviews are counted, second ones too."""
    seen = watched(lambda _: START, 3, 400, np.random.default_rng(0), Watch(baseline=(40, 200)))
    assert 0.1 < seen.refused < 0.9 and len(seen.alarm) == round(400 * (1 - seen.refused))
    assert 18 < seen.reviews.mean() < 28
    with pytest.raises(PlumblineError, match="every simulated baseline is refused"):
        watched(lambda _: START, 3, 10, np.random.default_rng(0), Watch(baseline=(10, 200)))


@pytest.mark.parametrize("test", [z_test, cusum, page_hinkley])
def test_watchers_of_readings_ring_at_a_new_mix_of_prompts(test: object) -> None:
    assert callable(test)
    mild, strong = (run(case(f"{name} shift of the prompt mix")).fired for name in ("mild", "strong"))
    assert test(mild, START.pairs, firing_rate(START)).mean() > 0.2
    assert test(strong, START.pairs, firing_rate(START)).mean() > 0.8
    still = np.full((1, 30), round(START.pairs * firing_rate(START)))
    assert not test(still, START.pairs, firing_rate(START)).any()


def test_the_diagnostics_are_optimistic_and_say_what_they_should_without_the_cause() -> None:
    rng = np.random.default_rng(5)
    assert abs(chapman_bias(START, 400, rng)) < 0.02
    assert chapman_bias(START._replace(invisible=0.8, overlap=0.3), 400, rng) < -0.15
    assert ppi_coverage(START, 20, 200, rng) < 0.5
    assert ppi_coverage(START._replace(rates=(0.8,) * 4), 60, 200, rng) > 0.85


def seen_with(alarm: list[int], accepted: int = 2, rounds: int = 12) -> Seen:
    counts = np.full((len(alarm), rounds), accepted)
    return Seen(np.array(alarm), counts, counts, counts, 0.0)


def test_how_a_row_is_counted() -> None:
    """Drift begins in round 6. An alarm before it catches nothing, and the alarming round is never published."""
    seen = seen_with([6, 8, 0, 3])
    assert (within(1)(seen), within(3)(seen), rung(seen)) == (0.25, 0.5, 0.75)
    assert (delay(0.0)(seen), delay(0.25)(seen), delay(0.5)(seen)) == (1, 3, 12)
    assert [bad_accepted(seen_with([ring])) for ring in (6, 8, 0, 3)] == [0, 4, 14, 14]


def test_the_table_repeats_itself_and_hides_no_miss(monkeypatch: pytest.MonkeyPatch) -> None:
    short = tuple(one._replace(rounds=8) for one in CASES)
    monkeypatch.setattr(simulator, "CASES", short)
    told: list[float] = []
    rows = simulator.simulate(8, 3, lambda _, share: told.append(share))
    assert rows == simulator.simulate(8, 3) != simulator.simulate(8, 4)
    assert told == sorted(told) and told[-1] == 1
    assert len({row.name for row in rows}) == len(rows)
    for row in rows:
        sign, bound = row.bar.split()
        met = row.value >= float(bound) if sign == "≥" else row.value <= float(bound)
        assert row.passed is met
    assert any(row.passed is False for row in rows)


def test_planning_tells_more_from_more_reviews_and_fewer_from_a_shared_blind_spot() -> None:
    def caught(**asked: float) -> float:
        rows = plan(campaigns=60, seed=1, **asked)
        assert all(row.passed is None and row.bar == "" for row in rows)
        return next(row.value for row in rows if row.name == "80 % turn invisible: caught within 3 rounds")

    usual = caught()
    assert caught(budget=6, overlap=1) < caught(overlap=1) < usual and caught(rate=0.05) < usual


@pytest.mark.parametrize("asked", [{"budget": 0}, {"rate": 0}, {"rate": 0.7}, {"overlap": 1.1}, {"campaigns": 0}])
def test_what_cannot_be_planned_is_said_in_one_line(asked: dict[str, float]) -> None:
    with pytest.raises(PlumblineError, match="cannot plan with"):
        plan(**asked)


def test_the_mixes_are_mixes() -> None:
    assert sum(MILD) == pytest.approx(1) and sum(STRONG) == pytest.approx(1) and sum(START.mix) == pytest.approx(1)
