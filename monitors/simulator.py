"""The table that the gate has to pass before it may watch anything: power, false alarms, and controls that must fail.

Reads: nothing but a seed. Writes: nothing. Must not know: a real campaign. The gate in it is `monitors.gate`; a row
that misses its bar is reported as missed, never hidden.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from monitors.campaigns import Schedule, Seen, Watch, watched
from monitors.controls import cusum, page_hinkley, z_test
from monitors.diagnostics import chapman_bias, ppi_coverage
from monitors.world import World, firing_rate
from warehouse.errors import PlumblineError

Progress = Callable[[str, float], None]
Measure = Callable[[Seen], float]

CALM, ROUNDS, LONG = 5, 30, 300  # rounds before drift begins, in a campaign, and in a very long one
START = World()
UNCONFIRMED = World(confirm=False)
MILD, STRONG = (0.2, 0.2, 0.3, 0.3), (0.1, 0.2, 0.3, 0.4)
BOUNDARY = Watch(exact=True, alpha=0.05)


class Row(NamedTuple):
    """One row of the table; `value` is a share of campaigns unless its name says otherwise. `passed` is None where a
    row has no bar."""

    name: str
    bar: str
    value: float
    passed: bool | None


class Asked(NamedTuple):
    """What a row measures, and within which bounds it passes."""

    what: str
    measure: Measure
    least: float = -np.inf
    most: float = np.inf


class Case(NamedTuple):
    """One setting, simulated once, and everything asked of it."""

    name: str
    schedule: Schedule
    asked: tuple[Asked, ...]
    rounds: int = ROUNDS
    watch: Watch = Watch()


def after(start: World = START, **changed: Any) -> Schedule:
    """The world as it was, and another one once the calm rounds are over."""
    other = start._replace(**changed)
    return lambda round: other if round > CALM else start


def improving(round: int) -> World:
    """Honest improvement: a tenth fewer bad pairs each round."""
    return START._replace(badness=0.9 ** max(0, round - CALM))


def creeping(round: int) -> World:
    """Slow drift: each round a tenth of the bad pairs still visible turn invisible."""
    return START._replace(invisible=1 - 0.9 ** max(0, round - CALM))


def rung(seen: Seen) -> float:
    return float((seen.alarm > 0).mean())


def within(rounds: int) -> Measure:
    """The share of campaigns that ring in the first `rounds` rounds of drift; one that rang before caught nothing."""
    return lambda seen: float(((seen.alarm > CALM) & (seen.alarm <= CALM + rounds)).mean())


def delay(quantile: float) -> Measure:
    """Rounds of drift until the alarm, the alarming one included; a campaign that never rings counts as all rounds."""

    def measured(seen: Seen) -> float:
        missed = seen.reviews.shape[1]
        rounds = np.where(seen.alarm > CALM, seen.alarm - CALM, missed)
        return float(np.quantile(rounds, quantile, method="higher"))

    return measured


def bad_accepted(seen: Seen) -> float:
    """Median of the bad pairs accepted since the drift began; the alarming round is never published."""
    last = np.where(seen.alarm > CALM, seen.alarm, seen.accepted.shape[1] + 1)[:, None]
    round = np.arange(1, seen.accepted.shape[1] + 1)
    return float(np.median((seen.accepted * ((round > CALM) & (round < last))).sum(1)))


def reviews(seen: Seen) -> float:
    return float(seen.reviews.mean())


def control(test: Callable[..., np.ndarray], name: str) -> Asked:
    """A watcher of unlabelled readings: it has to ring falsely, ten times as often as the gate may."""
    return Asked(
        f"control that must fail: {name} on monitor readings rings falsely",
        lambda seen: float(test(seen.fired, START.pairs, firing_rate(START)).mean()),
        least=0.2,
    )


Z, CUSUM, HINKLEY = control(z_test, "a z-test a round"), control(cusum, "CUSUM"), control(page_hinkley, "Page–Hinkley")
SILENT = Asked("false alarm within 30 rounds", rung, most=0.02)
EXACT = Asked("false alarm", rung, most=0.05)
NOISY = Asked("control that must fail: false alarm", rung, least=0.2)

CASES = (
    Case("no drift", lambda _: START, (SILENT, Asked("gold reviews a round", reviews, most=28), Z)),
    Case("honest improvement", improving, (SILENT,)),
    Case("mild shift of the prompt mix", after(mix=MILD), (SILENT, Z, CUSUM, HINKLEY)),
    Case("strong shift of the prompt mix", after(mix=STRONG), (SILENT, Z, CUSUM, HINKLEY)),
    Case("monitor fires falsely half as much again", after(monitor_fpr=0.225), (SILENT,)),
    Case("exactly at the ceiling, 30 rounds", lambda _: START, (EXACT,), watch=BOUNDARY),
    Case("exactly at the ceiling, 300 rounds", lambda _: START, (EXACT,), rounds=LONG, watch=BOUNDARY),
    Case(
        "80 % of bad pairs turn invisible",
        after(invisible=0.8),
        (
            Asked("caught within 3 rounds", within(3), least=0.95),
            Asked("caught in the same round", within(1), least=0.55),
            Asked("median bad pairs accepted", bad_accepted, most=5),
        ),
    ),
    Case("50 % turn invisible", after(invisible=0.5), (Asked("caught within 5 rounds", within(5), least=0.9),)),
    Case(
        "10 % more turn invisible each round",
        creeping,
        (
            Asked("median rounds until caught", delay(0.5), most=7),
            Asked("90th percentile of rounds until caught", delay(0.9), most=10),
        ),
    ),
    *(
        Case(
            f"80 % turn invisible, monitor shares the blind spot with ρ = {overlap}",
            after(invisible=0.8, overlap=overlap),
            (Asked(f"caught within {rounds} rounds", within(rounds), least=least),),
        )
        for overlap, rounds, least in ((0.3, 3, 0.93), (0.6, 3, 0.85), (1.0, 5, 0.87))
    ),
    Case(
        "80 % turn invisible, baseline of only 200 reviews",
        after(invisible=0.8),
        (Asked("caught within 5 rounds", within(5), least=0.95),),
        watch=Watch(baseline=(200, 200)),
    ),
    Case(
        "the reviewer begins to keep 30 % of the bad pairs it sees",
        after(lets_through=0.3),
        (Asked("caught within 5 rounds", within(5), least=0.9),),
    ),
    Case("gold's false positives rise to 4 %, confirmed", after(gold_fpr=0.04), (SILENT,)),
    Case("gold's false positives rise to 4 %, unconfirmed", after(UNCONFIRMED, gold_fpr=0.04), (NOISY,)),
    Case(
        "at the ceiling, ten near-duplicates of each pair, merged",
        lambda _: START._replace(copies=10, pairs=4000),
        (EXACT,),
        watch=BOUNDARY._replace(merged=True),
    ),
    Case(
        "at the ceiling, ten near-duplicates of each pair, counted",
        lambda _: START._replace(copies=10),
        (NOISY,),
        watch=BOUNDARY,
    ),
)


def simulate(campaigns: int = 500, seed: int = 0, on_progress: Progress | None = None) -> list[Row]:
    """Every row of the table, from `campaigns` campaigns a case. The same seed gives the same rows.

    Raises PlumblineError for fewer than one campaign.
    """
    if campaigns < 1:
        raise PlumblineError(f"{campaigns} campaigns cannot be simulated; take at least 1, or 500 for figures to trust")
    tell = on_progress or (lambda *_: None)
    seeds = np.random.SeedSequence(seed).spawn(len(CASES) + 1)
    cost = np.cumsum([0, *(case.rounds for case in CASES)])
    rows: list[Row] = []
    for case, own, done in zip(CASES, seeds, cost, strict=False):
        tell(case.name, float(done / cost[-1]))
        seen = watched(case.schedule, case.rounds, campaigns, np.random.default_rng(own), case.watch)
        for asked in case.asked:
            rows.append(_row(f"{case.name}: {asked.what}", asked.measure(seen), asked.least, asked.most))
    rows += _diagnostics(campaigns, np.random.default_rng(seeds[-1]))
    tell("done", 1.0)
    return rows


def _diagnostics(campaigns: int, rng: np.random.Generator) -> list[Row]:
    bias = chapman_bias(START._replace(invisible=0.8, overlap=0.3), campaigns, rng)
    held = ppi_coverage(START, 20, campaigns, rng)
    return [
        _row("diagnostic, optimistic: relative bias of Chapman's estimate at ρ = 0.3", bias, most=-0.1),
        _row("diagnostic, optimistic: coverage of PPI++'s 95 % interval in a clean round", held, most=0.6),
    ]


def _row(name: str, value: float, least: float = -np.inf, most: float = np.inf) -> Row:
    return Row(name, f"≥ {least:g}" if least > -np.inf else f"≤ {most:g}", float(value), bool(least <= value <= most))
