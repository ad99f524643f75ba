"""A share and a mean beside those of texts of like length: what is exact, what covers, and what length alone makes."""

from itertools import count

import numpy as np
import pytest

from models.matched import Figure, Shown, Texts, alone, beside, strata

NEW = count()


def texts(readings: list[float], lengths: list[int] | None = None, clusters: str | None = None) -> Texts:
    """Flagged above 0; each a cluster of its own unless told."""
    reading_n = np.array(readings, dtype=float)
    length_n = np.array(lengths or [20] * len(readings))
    own = [next(NEW) for _ in readings]
    return Texts((reading_n > 0).astype(float), reading_n, length_n, list(clusters) if clusters else own)


def bounds(figure: Figure) -> tuple[float, float]:
    assert figure.low is not None and figure.high is not None
    return figure.low, figure.high


def by_length(many: int, middle: float, seed: int) -> Texts:
    """Readings that follow the logarithm of the length, and chance, and nothing else; flagged above a bar."""
    rng = np.random.default_rng(seed)
    length_n = np.maximum(1, np.exp(rng.normal(middle, 0.5, many)).astype(int))
    reading_n = np.log(length_n) + rng.normal(0, 0.3, many)
    return Texts((reading_n > 4.6).astype(float), reading_n, length_n, [f"{seed} {place}" for place in range(many)])


def test_length_alone_makes_no_difference_among_texts_of_like_length() -> None:
    """Both intervals hold 0 as often as they say, where those of the texts as they are lie apart each time."""
    held, apart, runs = [0, 0], 0, 40
    for run in range(runs):
        source, control = by_length(200, 4.5, run), by_length(200, 4.0, 1000 + run)
        found = beside(source, control, run)
        assert found is not None and found.matched + found.unmatched == 200 and found.unmatched < 40
        for place, figure in enumerate((found.difference.rate, found.difference.strength)):
            low, high = bounds(figure)
            held[place] += low <= 0 <= high
        apart += bounds(alone(source).strength)[0] > bounds(alone(control).strength)[1]
    assert min(held) >= 0.85 * runs and apart == runs


def test_what_is_not_length_stays() -> None:
    source, control = by_length(200, 4.5, 1), by_length(200, 4.0, 2)
    found = beside(source._replace(reading_n=source.reading_n + 0.5), control)
    assert found is not None
    low, high = bounds(found.difference.strength)
    assert low > 0.3 and high < 0.7


def test_the_control_is_weighed_to_the_lengths_of_the_source() -> None:
    """Three long texts for each short one, the other way round in the control, and some that have no match."""
    source = texts([2.0] * 3 + [1.0] + [9.0] * 5, [40] * 3 + [20] + [90] * 5)
    control = texts([-1.0] + [1.0] * 3, [40] + [20] * 3)
    found = beside(source, control)
    assert found is not None and (found.matched, found.unmatched) == (4, 5)
    assert found.control.strength.value == pytest.approx((3 * -1 + 1) / 4) and found.control.rate.value == 0.25
    assert found.difference.strength.value == pytest.approx(7 / 4 + 2 / 4) and found.difference.rate.value == 0.75
    assert beside(texts([1.0], [20]), texts([1.0], [40])) is None


def test_lengths_of_a_stratum_differ_by_less_than_a_tenth() -> None:
    lengths = np.arange(1, 2000)
    of = strata(lengths)
    assert of[0] == 0 and (np.diff(of) >= 0).all()
    assert all(lengths[of == one].max() < 1.1 * lengths[of == one].min() for one in np.unique(of))


def test_texts_of_one_prompt_are_one_draw() -> None:
    rng = np.random.default_rng(3)
    values = rng.normal(0, 1, 40)
    copied = texts(np.repeat(values, 5).tolist())
    together = copied._replace(clusters=np.repeat(np.arange(40), 5).tolist())
    (low, high), (near, far) = bounds(alone(copied).strength), bounds(alone(together).strength)
    assert far - near > 1.8 * (high - low)
    shared = [f"prompt {place}" for place in range(40)]
    one = texts((values + rng.normal(0.2, 0.1, 40)).tolist())._replace(clusters=shared)
    paired, apart = beside(one, texts(values.tolist())._replace(clusters=shared)), beside(one, texts(values.tolist()))
    assert paired is not None and apart is not None
    assert bounds(paired.difference.strength)[0] > 0 > bounds(apart.difference.strength)[0]


NOBODY = {
    "none of thirty": ([-1.0] * 30, (0.0, 0.116)),  # Clopper and Pearson's bound, by hand: 1 - 0.025 ** (1 / 30)
    "all of thirty": ([1.0] * 30, (0.884, 1.0)),
}


@pytest.mark.parametrize("readings, interval", NOBODY.values(), ids=NOBODY)
def test_a_share_of_none_or_all_is_not_certain(readings: list[float], interval: tuple[float, float]) -> None:
    found = alone(texts(readings)).rate
    assert bounds(found) == pytest.approx(interval, abs=0.001)
    nothing = beside(texts(readings), texts(readings))
    assert nothing is not None and nothing.difference.rate.value == 0
    reach = interval[1] - interval[0]
    assert bounds(nothing.difference.rate) == pytest.approx((-reach, reach), abs=0.001)


def test_copies_of_one_prompt_do_not_make_a_share_more_certain() -> None:
    assert bounds(alone(texts([-1.0] * 30, clusters="abc" * 10)).rate)[1] == pytest.approx(0.708, abs=0.001)


def test_one_prompt_tells_nothing_of_others() -> None:
    nothing = Figure(value=1.0, low=None, high=None)
    assert alone(texts([1.0, 1.0], clusters="aa")) == Shown(rate=nothing, strength=nothing)
    found = beside(texts([1.0, 3.0], clusters="aa"), texts([0.5] * 9))
    assert found is not None and found.difference.strength == Figure(value=1.5, low=None, high=None)


def test_the_same_seed_gives_the_same_figures() -> None:
    source, control = by_length(60, 4.2, 5), by_length(60, 4.0, 6)
    assert beside(source, control, 1) == beside(source, control, 1) != beside(source, control, 2)
