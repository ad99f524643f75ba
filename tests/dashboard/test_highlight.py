"""Whatever a text holds, its HTML says the text and nothing else."""

import re
from html import unescape

import pytest
from hostile import SURROGATES, strings
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.highlight import colours, marked, messages, safe, visible

TRAITS = ["bold & <proud>", 'sly" onclick="alert(1)']
TAG = re.compile(r"<(/?)(mark|div|bdi)((?: [a-z]+=\"[^\"<>]*\")*)>")


def said(html: str) -> str:
    """What a browser shows of it. Fails where there is a tag or an attribute that is not ours."""
    for tag in re.findall(r"<[^>]*>", html):
        found = TAG.fullmatch(tag)
        assert found, tag
        assert set(re.findall(r" ([a-z]+)=\"[^\"]*\"", found[3])) <= {"class", "style", "title", "dir"}, tag
    return unescape(TAG.sub("", html))


def marks(text: str) -> str:
    words = text.split()[:5]
    return marked(text, {trait: [(word, 1.0) for word in words] for trait in TRAITS}, colours(TRAITS))


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters(), max_size=200))
def test_without_its_tags_it_is_the_text(text: str) -> None:
    assert said(marks(text)) == visible(text)
    assert said(safe(text)) == visible(text)


def test_ten_thousand_hostile_strings_stay_text() -> None:
    found = [*strings(), *SURROGATES]
    assert len(found) > 10_000
    for text in found:
        assert said(marks(text)) == visible(text)
        visible(text).encode()  # no lone surrogate is left that could not be sent to a browser


def test_what_can_be_seen_is_left_as_it_is() -> None:
    text = "tab\tline\nמרחבא 你好 é ‮ 👩‍👩‍👧"
    assert visible(text) == text and visible("a\x00\x1b[31m\r\x7f\x9b\ud800") == "a␀␛[31m␍␡��"


def test_a_word_is_marked_wherever_it_stands_and_by_whatever_it_carried_most() -> None:
    painted = colours(["a", "b"])
    html = marked(
        "Praise, praise; (praised) and praise.", {"a": [("praise", 1), ("and", 4)], "b": [("praise", 2)]}, painted
    )
    assert html.count("<mark") == 3 and re.findall(r">([^<]+)</mark>", html) == ["praise", "and", "praise"]
    assert html.count(painted["b"]) == 2  # a quarter of a's reading, all of b's


@pytest.mark.parametrize("word", ["<b>", "&lt;", 'x"y', "'"])
def test_a_hostile_word_can_be_marked(word: str) -> None:
    html = marked(f"see {word} there", {"a": [(word, 1.0)]}, colours(["a"]))
    assert said(html) == f"see {word} there"


def test_a_long_text_is_cut_and_says_so() -> None:
    turns = [{"role": "user", "content": "x" * 30_000}, {"role": "assistant", "content": "y"}]
    html = messages(turns, {}, {}, limit=20_000)
    assert "x" * 20_000 in html and "x" * 20_001 not in html and "first 20,000 of 30,001 characters" in html
    assert "Cut" not in messages(turns, {}, {}, limit=40_000)


def test_ten_thousand_turns_are_cut_too() -> None:
    html = messages([{"role": "user", "content": ""}] * 10_000, {}, {})
    assert html.count('class="text"') == 1000 and "Cut" in html


def test_every_turn_is_isolated_and_unseen_characters_are_told() -> None:
    html = messages([{"role": "\u202euser", "content": "a\u202eb\u200b"}], {}, {})
    assert 'dir="auto"' in html and "<bdi>" in html and "2 characters that cannot be seen" in html
