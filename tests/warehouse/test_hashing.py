"""Laws of the hashes: equal things have equal names, different things different ones, on any machine."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warehouse.errors import PlumblineError
from warehouse.hashing import canonical, content_hash, file_hash, folder_hash, keyed_hash, pair_id, short

patient = settings(deadline=None)  # a busy machine is no failure
text = st.text(st.characters(codec=None))  # lone surrogates too
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | text
json_values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(text, inner), max_leaves=12)


def spelled(value: Any) -> str:
    """Another route to "the same JSON value", where 1, 1.0 and True differ."""
    return json.dumps(value, sort_keys=True)


@patient
@given(json_values)
def test_canonical_loses_nothing(value: Any) -> None:
    assert spelled(json.loads(canonical(value).decode("utf-8", "surrogatepass"))) == spelled(value)


@patient
@given(json_values, json_values)
def test_equal_hashes_mean_equal_values(one: Any, other: Any) -> None:
    assert (content_hash(one) == content_hash(other)) == (spelled(one) == spelled(other))


@patient
@given(st.dictionaries(text, scalars))
def test_key_order_does_not_matter(value: dict[str, Any]) -> None:
    assert content_hash(dict(reversed(value.items()))) == content_hash(value)


@patient
@given(text, text, text)
def test_pair_id_tells_the_three_texts_and_the_origin_apart(prompt: str, chosen: str, rejected: str) -> None:
    base = pair_id(prompt, chosen, rejected, ["demo", 0, 0, 0])
    assert len(base) == 16
    assert base != pair_id(prompt, chosen, rejected, ["demo", 0, 0, 1])
    assert (base == pair_id(chosen, prompt, rejected, ["demo", 0, 0, 0])) == (prompt == chosen)
    assert (base == pair_id(prompt, rejected, chosen, ["demo", 0, 0, 0])) == (rejected == chosen)


@patient
@given(st.binary(min_size=1), st.binary(min_size=1), text)
def test_keyed_hash_depends_on_the_key(one: bytes, other: bytes, value: str) -> None:
    # HMAC pads keys with zero bytes, so these are the same key.
    same_key = one.ljust(64, b"\0") == other.ljust(64, b"\0")
    if max(len(one), len(other)) <= 64:
        assert (keyed_hash(one, value) == keyed_hash(other, value)) == same_key


def test_the_spelling_is_fixed() -> None:
    """A changed spelling would rename every record, so it is written out here."""
    assert canonical({"b": [1, 2.5, None], "a": "é\u2028\ud800"}) == (
        b'{"a":"\xc3\xa9\xe2\x80\xa8\xed\xa0\x80","b":[1,2.5,null]}'
    )
    assert short(content_hash([])) == "4f53cda18c2b"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [float("-inf")]])
def test_what_json_cannot_say_is_refused(value: Any) -> None:
    with pytest.raises(ValueError):
        canonical(value)


def test_folders_are_named_by_names_and_contents(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for folder in (one, other):
        (folder / "deep").mkdir(parents=True)
        (folder / "deep" / "b").write_bytes(b"2")
        (folder / "a").write_bytes(b"1")
    assert folder_hash(one) == folder_hash(other)
    (other / "a").rename(other / "c")
    assert folder_hash(one) != folder_hash(other)
    (other / "c").rename(other / "a")
    (other / "deep" / "b").write_bytes(b"3")
    assert folder_hash(one) != folder_hash(other)
    assert file_hash(one / "a") == "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"


def test_missing_files_and_folders_are_one_line(tmp_path: Path) -> None:
    for missing in (lambda: file_hash(tmp_path / "no"), lambda: folder_hash(tmp_path / "no")):
        with pytest.raises(PlumblineError, match="no.*check the path") as caught:
            missing()
        assert "\n" not in str(caught.value)
