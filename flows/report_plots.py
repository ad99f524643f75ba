"""Small pictures for a report: numbers to coordinates of an SVG, which the page's template draws.

Must not know: what is drawn. A figure that is missing leaves a gap in its line, never a zero.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 430, 210, 46, 322, 14, 176
"""Of a line plot, in its own units; right of RIGHT stand the names of the lines."""
APART = 15
"""Between two names, so that none covers another."""
BAR, NAME, SPAN = 24, 168, 230
"""Of a bar plot: height of a bar with its gap, room for the names, and the longest bar's length."""

Show = Callable[[float], str]


class Line(NamedTuple):
    name: str
    colour: str
    values: Sequence[float | None]


class Mark(NamedTuple):
    x: float
    y: float
    label: str
    colour: str = ""


class Plot(NamedTuple):
    """`strokes` are (colour, points) of unbroken stretches, `ticks` stand left, `rounds` below, `names` right;
    `level` is a dashed line across."""

    title: str
    strokes: list[tuple[str, str]]
    dots: list[Mark]
    ticks: list[Mark]
    rounds: list[Mark]
    names: list[Mark]
    level: Mark | None
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = RIGHT


class Bars(NamedTuple):
    """`bars` are (x, width, colour), `zero` the x of nothing."""

    title: str
    bars: list[tuple[float, float, str]]
    names: list[Mark]
    figures: list[Mark]
    zero: float
    width: int
    height: int


def plot(
    title: str,
    rounds: Sequence[int],
    lines: Sequence[Line],
    show: Show,
    level: tuple[str, float] | None = None,
    log: bool = False,
) -> Plot | None:
    """A line over `rounds` for each of `lines`; None where no figure is known. `log`: by powers of ten."""
    known = [value for line in lines for value in line.values if value is not None]
    if not known:
        return None
    reach = [*known, level[1]] if level else known
    steps = _steps(reach, log)
    low, high = (math.log10(step) if log else step for step in (steps[0], steps[-1]))

    def x(number: float) -> float:
        share = (number - rounds[0]) / (rounds[-1] - rounds[0]) if rounds[-1] > rounds[0] else 0.5
        return round(LEFT + 10 + share * (RIGHT - LEFT - 20), 1)

    def y(value: float) -> float:
        at = math.log10(max(value, 10**low)) if log else value
        return round(BOTTOM - (at - low) / (high - low) * (BOTTOM - TOP), 1)

    dots = [
        Mark(x(number), y(value), f"{line.name}, round {number}: {show(value)}", line.colour)
        for line in lines
        for number, value in zip(rounds, line.values, strict=True)
        if value is not None
    ]
    ends = [
        Mark(
            RIGHT + 8,
            next(y(value) for value in reversed(line.values) if value is not None) + 4,
            line.name,
            line.colour,
        )
        for line in lines
        if any(value is not None for value in line.values)
    ]
    marked = Mark(RIGHT + 8, y(level[1]) + 4, level[0], "#667") if level else None
    return Plot(
        title,
        [stroke for line in lines for stroke in _strokes(line, [x(number) for number in rounds], y)],
        dots,
        [Mark(LEFT - 7, y(step) + 4, show(step)) for step in steps],
        [Mark(x(number), BOTTOM + 18, str(number) if number else "start") for number in _some(rounds)],
        _spread([*ends, *([marked] if marked else [])]),
        Mark(RIGHT, y(level[1]), level[0]) if level else None,
    )


def bars(title: str, rows: Sequence[tuple[str, float]], show: Show, up: str, down: str) -> Bars | None:
    """A bar for each of `rows`, to the right in colour `up` and to the left in `down`; None where there are none."""
    if not rows:
        return None
    low, high = min(0.0, *(value for _, value in rows)), max(0.0, *(value for _, value in rows))
    unit = SPAN / ((high - low) or 1.0)
    room = 44 if low < 0 else 8
    zero = NAME + room - low * unit

    def at(value: float) -> Mark:
        edge = zero + value * unit
        return Mark(edge + (6 if value >= 0 else -6), 0.0, show(value), "start" if value >= 0 else "end")

    return Bars(
        title,
        [
            (round(zero + min(0.0, v) * unit, 1), round(max(1.0, abs(v) * unit), 1), up if v >= 0 else down)
            for _, v in rows
        ],
        [Mark(NAME - 8, index * BAR + 16, name) for index, (name, _) in enumerate(rows)],
        [at(value)._replace(y=index * BAR + 16) for index, (_, value) in enumerate(rows)],
        round(zero, 1),
        NAME + room + SPAN + 52,
        len(rows) * BAR + 4,
    )


def _steps(values: Sequence[float], log: bool) -> list[float]:
    """A few round figures that the values lie between: powers of ten, or from zero up."""
    if log:
        exponents = [math.log10(value) for value in values if value > 0] or [0.0]
        low, high = math.floor(min(exponents)), math.ceil(max(exponents))
        stride = max(1, math.ceil((high - low) / 4))
        return [10.0**at for at in range(low, max(high, low + 1) + stride, stride)]
    top = max(values) if max(values) > 0 else 1.0
    unit = 10.0 ** math.floor(math.log10(top / 3))
    step = next(times * unit for times in (1, 2, 2.5, 5, 10) if times * unit >= top / 3)
    return [step * part for part in range(math.ceil(round(top / step, 9)) + 1)]


def _strokes(line: Line, places: Sequence[float], y: Callable[[float], float]) -> list[tuple[str, str]]:
    stretches: list[list[str]] = [[]]
    for at, value in zip(places, line.values, strict=True):
        if value is None:
            stretches.append([])
        else:
            stretches[-1].append(f"{at},{y(value)}")
    return [(line.colour, " ".join(points)) for points in stretches if len(points) > 1]


def _some(rounds: Sequence[int]) -> Sequence[int]:
    return rounds[:: max(1, math.ceil(len(rounds) / 12))]


def _spread(names: list[Mark]) -> list[Mark]:
    """Moved down just so far that no two names overlap."""
    placed: list[Mark] = []
    for name in sorted(names, key=lambda mark: mark.y):
        lowest = placed[-1].y + APART if placed else name.y
        placed.append(name._replace(y=round(max(name.y, lowest), 1)))
    over = max(0.0, placed[-1].y - (BOTTOM + 8)) if placed else 0.0
    return [name._replace(y=round(name.y - over, 1)) for name in placed]
