"""What a study has found: a row for each round, a line for each arm, the curves of pressure, the gate's delays.

Reads: the cells of a study and what their campaigns told. Writes: nothing. Must not know: how it is shown.
"""

import statistics
from collections.abc import Sequence
from typing import Any

from scipy.stats import binomtest

from flows.study import Results
from flows.study_cell import RoundTold, Told
from flows.study_settings import Cell
from flows.summary import Facts
from models.pressure import Fit, fit, root_kl
from models.shift import Shift, mean

LEVEL = 0.95
CURVES = {"flagged": "flag_rate", "truly bad": "bad", "hidden": "hidden"}
"""What a curve is fitted to: how far the figure has fallen since the start, but for `hidden`, how far it has risen."""


class ArmFigures(Facts):
    """Means over the arm's campaigns with 95 % bootstrap intervals over them, None where none has the figure. `first`
    and `last` are rounds: the first after any baseline, and the last that was run. `filter_bits` are the last round's,
    a pair; `published` is what stands at the end, in `pairs` a campaign."""

    arm: str
    strength: str
    campaigns: int
    stopped: int
    flagged_first: Shift | None
    flagged_last: Shift | None
    hidden_first: Shift | None
    hidden_last: Shift | None
    bad_last: Shift | None
    quiet_last: Shift | None
    published_bad: Shift | None
    pairs: Shift | None
    bits: Shift | None
    divergence: Shift | None
    filter_bits: Shift | None
    utility: Shift | None
    diversity: Shift | None


class Point(Facts):
    """One round: `d` is √KL of its constitution from the first; `moved` by curve, None where it is not known."""

    campaign: str
    round: int
    d: float
    moved: dict[str, float | None]


class Pressure(Facts):
    """An arm's points and the curve fitted to each of CURVES through them."""

    points: tuple[Point, ...]
    fits: dict[str, Fit | None]


class Share(Facts):
    """`count` of `of`, with its exact 95 % interval (Clopper & Pearson 1934)."""

    count: int
    of: int
    low: float
    high: float


class GateFigures(Facts):
    """Of an audited arm. A round has *crossed* the ceiling that its campaign's baseline set where its hidden rate lies
    above it, and *surely* where chance would bring that about once in forty times at the most.
    `false`: alarms before which nothing had crossed at all. `missed`: sure crossings that no alarm followed. `delays`:
    rounds from the first sure crossing to the alarm, 0 where the alarm was there first."""

    alarms: Share
    false: Share
    crossed: int
    surely: int
    missed: int
    delays: tuple[int, ...]
    median_delay: float | None


class Found(Facts):
    arms: tuple[ArmFigures, ...]
    pressure: dict[str, Pressure]
    gate: dict[str, GateFigures]


def table(study: str, cells: Sequence[Cell], results: Results) -> list[dict[str, Any]]:
    """A row for each arm, strength, seed and round, as the Parquet file has them."""
    return [
        {
            "study": study, "arm": cell.arm, "candidates": cell.candidates, "seed": cell.seed,
            "campaign": cell.settings.name, **one.model_dump(exclude={"publishes"}),
            **{f"published_{name}": value for name, value in one.publishes[cell.publishes].model_dump().items()},
            "alarm": results[cell.settings.name].alarm == one.round, "ceiling": results[cell.settings.name].ceiling,
        }
        for cell in cells
        for one in results[cell.settings.name].rounds
    ]  # fmt: skip


def figures(cells: Sequence[Cell], results: Results) -> Found:
    """Everything the page says of them."""
    arms: dict[tuple[str, str], list[Cell]] = {}
    for cell in cells:
        arms.setdefault((cell.arm, cell.strength), []).append(cell)
    lines = [_line(*key, [(one, results[one.settings.name]) for one in some]) for key, some in arms.items()]
    start = _start(results)
    amending = {cell.arm for cell in cells if cell.candidates}
    watched = {cell.arm for cell in cells if cell.settings.audit.gold != "off" and cell.publishes == "kept"}
    by_arm = {arm: [results[cell.settings.name] for cell in cells if cell.arm == arm] for arm in (*amending, *watched)}
    order = list(dict.fromkeys(cell.arm for cell in cells))
    return Found(
        arms=tuple(lines),
        pressure={arm: _pressure(by_arm[arm], start) for arm in order if arm in amending},
        gate={arm: _gate(by_arm[arm]) for arm in order if arm in watched},
    )


def after(told: Told) -> list[RoundTold]:
    """The rounds after any baseline."""
    return [one for one in told.rounds if one.round]


def _line(arm: str, strength: str, some: list[tuple[Cell, Told]]) -> ArmFigures:
    ran = [(cell, told) for cell, told in some if after(told)]
    ends = {"first": [after(told)[0] for _, told in ran], "last": [after(told)[-1] for _, told in ran]}
    standing = [told.dataset[cell.publishes] for cell, told in ran]
    last = [(one, one.publishes[cell.publishes]) for (cell, _), one in zip(ran, ends["last"], strict=True)]
    return ArmFigures(
        arm=arm,
        strength=strength,
        campaigns=len(some),
        stopped=len(some) - len(ran),
        **{
            f"{title}_{end}": mean([getattr(one, name) for one in rounds])
            for title, name in (("flagged", "flag_rate"), ("hidden", "hidden"))
            for end, rounds in ends.items()
        },
        bad_last=mean([one.bad for one in ends["last"]]),
        quiet_last=mean([one.quiet for one in ends["last"]]),
        published_bad=mean([one.bad for one in standing]),
        pairs=mean([one.pairs for one in standing]),
        bits=mean([one.bits for one in ends["last"]]),
        divergence=mean([one.divergence for one in ends["last"]]),
        filter_bits=mean([one.filter_bits for one in ends["last"]]) if ran and ran[0][0].publishes == "kept" else None,
        utility=mean([one.utility for _, one in last]),
        diversity=mean([one.diversity for _, one in last]),
    )


def _start(results: Results) -> dict[str, float | None]:
    """Each figure under the first constitution, over all campaigns: there they all follow the same law."""
    ran = [told.rounds for told in results.values()]
    rounds = [one for some in ran for one in some if one.constitution == some[0].constitution]
    known = {name: [v for one in rounds if (v := getattr(one, name)) is not None] for name in CURVES.values()}
    return {name: statistics.fmean(values) if values else None for name, values in known.items()}


def _pressure(found: Sequence[Told], start: dict[str, float | None]) -> Pressure:
    points = [
        Point(
            campaign=told.campaign,
            round=one.round,
            d=root_kl(one.divergence),
            moved={curve: _moved(curve, getattr(one, name), start[name]) for curve, name in CURVES.items()},
        )
        for told in found
        for one in after(told)
        if one.divergence is not None
    ]
    fits: dict[str, Fit | None] = {}
    for curve in CURVES:
        known = [(one, value) for one in points if (value := one.moved[curve]) is not None]
        d, moved = [one.d for one, _ in known], [value for _, value in known]
        fits[curve] = fit(d, moved, [one.campaign for one, _ in known])
    return Pressure(points=tuple(points), fits=fits)


def _moved(curve: str, value: float | None, start: float | None) -> float | None:
    if value is None or start is None:
        return None
    return value - start if curve == "hidden" else start - value


def _gate(found: Sequence[Told]) -> GateFigures:
    ran = [told for told in found if after(told) and told.ceiling is not None]
    alarms = false = crossed = missed = 0
    delays = []
    for told in ran:
        rang = told.alarm
        above = [one.round for one in after(told) if one.hidden is not None and one.hidden > (told.ceiling or 0)]
        sure = [one.round for one in after(told) if _surely(one, told.ceiling or 0)]
        alarms += rang is not None
        false += rang is not None and not [number for number in above if number <= rang]
        crossed += bool(above)
        missed += bool(sure) and rang is None
        if sure and rang is not None:
            delays.append(max(0, rang - sure[0]))
    surely = missed + len(delays)
    return GateFigures(
        alarms=_share(alarms, len(ran)),
        false=_share(false, len(ran)),
        crossed=crossed,
        surely=surely,
        missed=missed,
        delays=tuple(delays),
        median_delay=statistics.median(delays) if delays else None,
    )


def _surely(one: RoundTold, ceiling: float) -> bool:
    if one.hidden is None or not one.hidden_of:
        return False
    bad = round(one.hidden * one.hidden_of)
    return bool(binomtest(bad, one.hidden_of, ceiling, alternative="greater").pvalue < (1 - LEVEL) / 2)


def _share(count: int, of: int) -> Share:
    if not of:
        return Share(count=0, of=0, low=0.0, high=1.0)
    exact = binomtest(count, of).proportion_ci(LEVEL, method="exact")
    return Share(count=count, of=of, low=float(exact.low), high=float(exact.high))
