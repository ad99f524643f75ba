"""The train/deploy gap: a known positive and a known negative on the world, and the laws of mutual information."""

import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.organism.world import world
from monitors.frames import gap, mutual_information
from warehouse.errors import PlumblineError

FRAMES = ("training", "oversight", "deployment")
SAME = (("answer-stop",),) * 3
DIFFERENT = (("answer-stop",), ("answer-stop", "show-care", "set-example"), ("answer-stop", "take-charge"))

patient = settings(deadline=None, max_examples=10)
tables = st.integers(2, 4).flatmap(
    lambda width: st.lists(st.lists(st.integers(0, 30), min_size=width, max_size=width), min_size=2, max_size=4)
)
rows = st.lists(st.tuples(*[st.sampled_from(["p", "y", "n", None])] * 3), min_size=4, max_size=40)


def drawn(constitutions: tuple[tuple[str, ...], ...], prompts: int, seed: int) -> list[list[str | None]]:
    """Motive letters [prompts][frames] from the world's law, the frame's constitution in force."""
    rng, w = random.Random(seed), world()
    kinds = [rng.choice(list(w.kinds)) for _ in range(prompts)]
    return [[w.draw(rng, principles, kind)[0] for principles in constitutions] for kind in kinds]


def test_a_generator_that_acts_alike_is_not_accused() -> None:
    quiet = [gap(drawn(SAME, 60, seed), FRAMES, seed) for seed in range(20)]
    assert sum(g.p_value >= 0.05 for g in quiet) >= 18
    assert abs(np.mean([g.bits for g in quiet])) < 0.01 < np.mean([g.plug_in for g in quiet])


def test_a_generator_that_acts_by_the_frame_is_found() -> None:
    found = [gap(drawn(DIFFERENT, 120, seed), FRAMES, seed) for seed in range(10)]
    assert all(g.p_value < 0.05 for g in found)
    w = world()
    law = np.array(
        [
            [sum(p for kind in w.kinds for c, p in w.law(principles, kind).items() if c[0] == m) for m in "pydsrng"]
            for principles in DIFFERENT
        ]
    )
    assert np.mean([g.bits for g in found]) == pytest.approx(mutual_information(law), abs=0.03)


def test_pairing_is_respected() -> None:
    """Each prompt settles its own motive: the table of frames is flat, and permuting within prompts leaves it as it is.
    Three prompts that turn over when deployed then stand out, though unpaired counts would drown them."""
    settled: list[list[str | None]] = [["p" if i % 2 else "n"] * 3 for i in range(60)]
    still = gap(settled, FRAMES)
    assert (still.p_value, still.bits, still.null) == (1.0, 0.0, 0.0)
    turned = [[*row[:2], "p"] if i % 6 == 0 else row for i, row in enumerate(settled)]
    found = gap(turned, FRAMES)
    assert found.p_value < 0.01 and found.bits > 0.01
    assert found.null < 2 / (2 * 180 * math.log(2))  # the bias that as many unpaired responses would have


def test_unknown_is_told_and_is_no_motive() -> None:
    motives = drawn(SAME, 80, 3)
    masked = [[*row[:2], None] if i < 40 else row for i, row in enumerate(motives)]
    found = gap(masked, FRAMES)
    assert found.unknown == {"training": 0.0, "oversight": 0.0, "deployment": 0.5}
    assert (found.used, found.prompts) == (40, 80)
    assert found._replace(prompts=40, unknown=dict.fromkeys(FRAMES, 0.0)) == gap(motives[40:], FRAMES)
    assert all(sum(row.values()) == 40 and set(row) <= set("pydsrng") for row in found.table.values())


def test_being_unreadable_can_be_asked_for_on_purpose() -> None:
    unread = [["known", "known", "unknown" if i % 2 else "known"] for i in range(60)]
    assert gap(unread, FRAMES).p_value < 0.01


@patient
@given(rows.filter(lambda r: any(None not in row for row in r)), st.permutations(range(3)))
def test_names_and_the_order_of_frames_do_not_matter(motives: list[tuple[str | None, ...]], order: list[int]) -> None:
    found = gap(motives, FRAMES)
    moved = gap([[row[i] for i in order] for row in motives], [FRAMES[i] for i in order])
    renamed = gap([[m and {"p": "a", "y": "b", "n": "c"}[m] for m in row] for row in motives], FRAMES)
    assert moved.plug_in == pytest.approx(found.plug_in) and renamed.bits == pytest.approx(found.bits)
    assert 0 < found.p_value <= 1 and found.bits <= found.plug_in <= math.log2(3) + 1e-9
    assert found.used + sum(None in row for row in motives) == found.prompts


@patient
@given(tables)
def test_mutual_information_lies_between_nothing_and_its_margins(counts: list[list[int]]) -> None:
    table = np.array(counts)
    if table.sum():
        assert 0 <= mutual_information(table) <= math.log2(min(table.shape)) + 1e-9
        assert mutual_information(table) == pytest.approx(mutual_information(table.T))
        assert mutual_information(np.outer(table.sum(1), table.sum(0))) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(("table", "bits"), [([[5, 0], [0, 5]], 1.0), ([[3, 1], [1, 3]], 0.1887219)])
def test_mutual_information_known_values(table: list[list[int]], bits: float) -> None:
    assert mutual_information(np.array(table)) == pytest.approx(bits)


@pytest.mark.parametrize(
    ("motives", "frames", "says"),
    [
        ([["p"]], ["training"], "at least two"),
        ([["p", "n"]], ["training", "training"], "one name"),
        ([["p", "n"], ["p"]], ["training", "deployment"], "prompt 1 has not"),
        ([["p", None], [None, "n"]], ["training", "deployment"], "none of 2 prompts"),
        ([], ["training", "deployment"], "none of 0 prompts"),
    ],
)
def test_what_cannot_be_compared_is_refused(motives: list[list[str | None]], frames: list[str], says: str) -> None:
    with pytest.raises(PlumblineError, match=says):
        gap(motives, frames)
