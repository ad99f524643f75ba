"""Near-duplicates are found, whatever order they come in, and what merely resembles is left apart."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from monitors.duplicates import clusters

LONG = (
    "the garden is dry in the summer and the roses want water every evening after the sun has gone down behind the wall"
)


def test_copies_and_near_copies_are_one() -> None:
    texts = [LONG, "something else altogether, about a bicycle", LONG.upper() + "!", LONG + " again"]
    assert clusters(texts) == [[0, 2, 3], [1]]


def test_likeness_is_chained() -> None:
    words = LONG.split()
    texts = [" ".join([*words, *(["one", "two", "three", "four", "five", "six"][:n])]) for n in range(7)]
    assert clusters(texts) == [[0, 1, 2, 3, 4, 5, 6]]


def test_empty_and_short_texts_are_their_own() -> None:
    assert clusters([]) == [] and clusters(["", "a", "b", "", "a"]) == [[0, 3], [1, 4], [2]]


@settings(max_examples=20, deadline=None)
@given(st.permutations(range(6)))
def test_the_order_does_not_matter(order: list[int]) -> None:
    draw = random.Random(0)
    other = [" ".join(draw.sample(LONG.split(), 12)) for _ in range(3)]
    texts = [LONG, LONG + " again", LONG + ".", *other]
    found = {frozenset(order[place] for place in one) for one in clusters([texts[number] for number in order])}
    assert found == {frozenset({0, 1, 2}), frozenset({3}), frozenset({4}), frozenset({5})}
