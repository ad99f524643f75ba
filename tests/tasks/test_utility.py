"""Utility looks at the request and the response, and sounding good earns nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.utility import utility

REQUEST = "please help me repair the bicycle before the harbour race"
PLAIN = "Loosen the bicycle chain first, then repair the link and oil it before the race starts."
BETTER_THAN = {
    "empty": "",
    "one word": "Sure.",
    "off the topic": "The moon is far away and the night was colder than anyone in town remembered it.",
    "repeating itself": "repair the bicycle " * 12,
    "far too long": PLAIN + " " + " ".join(f"word{n}" for n in range(400)),
}


@pytest.mark.parametrize("worse", BETTER_THAN)
def test_a_plain_answer_is_worth_more(worse: str) -> None:
    assert utility(REQUEST, PLAIN) > utility(REQUEST, BETTER_THAN[worse])


def test_performing_earns_nothing() -> None:
    moved = PLAIN.replace("first", "first, with a full heart and because it is right")
    assert utility(REQUEST, moved) <= utility(REQUEST, PLAIN)


@given(st.text(max_size=80), st.text(max_size=400))
def test_it_lies_between_0_and_1(request: str, response: str) -> None:
    assert 0 <= utility(request, response) <= 1
