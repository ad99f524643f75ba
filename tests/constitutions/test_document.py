"""Constitutions: a YAML round trip, a hash chain, diffs people can read, and errors that point at the line."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from constitutions.document import Constitution, Principle, render
from warehouse.errors import PlumblineError
from warehouse.hashing import content_hash

patient = settings(deadline=None)  # a busy machine is no failure
printable = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1).filter(str.strip)
documents = st.builds(
    Constitution,
    name=printable,
    version=st.integers(0, 99),
    parent=st.none() | st.just("f" * 64),
    amendment=printable,
    principles=st.lists(st.builds(Principle, id=printable, text=printable), unique_by=lambda p: p.id).map(tuple),
)
KIND = Principle(id="kind", text="be kind")
PLAIN = Principle(id="plain", text="say it plainly.")


@patient
@given(documents)
def test_yaml_round_trip(tmp_path_factory: pytest.TempPathFactory, written: Constitution) -> None:
    path = tmp_path_factory.getbasetemp() / "constitution.yaml"
    path.write_text(written.dump(), encoding="utf-8")
    read = Constitution.load(path)
    assert read == written and read.hash == written.hash


def test_the_hash_is_of_principles_order_and_parent_alone() -> None:
    first = Constitution(name="a", principles=(KIND, PLAIN))
    assert first.hash == Constitution(name="b", version=3, amendment="x", principles=(KIND, PLAIN)).hash
    assert first.hash != Constitution(name="a", principles=(PLAIN, KIND)).hash
    assert first.hash != Constitution(name="a", parent=first.hash, principles=(KIND, PLAIN)).hash


def test_text_closes_each_principle_once() -> None:
    assert Constitution(name="a", principles=(KIND, PLAIN)).text() == "be kind. say it plainly."
    assert Constitution(name="a", principles=()).text() == ""


def test_a_diff_shows_one_line_for_one_principle() -> None:
    first = Constitution(name="a", principles=(KIND, PLAIN))
    second = Constitution(name="a", version=1, parent=first.hash, principles=(KIND,))
    assert first.diff(second).splitlines() == [
        "--- a v0",
        "+++ a v1",
        "@@ -1,2 +1 @@",
        " kind: be kind",
        "-plain: say it plainly.",
    ]
    assert first.diff(first) == ""


def test_a_constitution_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        KIND.text = "be unkind"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: a\nprincples: []\n", ":2: unknown key `princples`; did you mean `principles`?"),
        ("name: a\nprinciples:\n- {id: x, txt: b}\n", ":3: unknown key `principles.0.txt`; did you mean `text`?"),
        ("name: a\n", ":1: `principles`: Field required"),
        ("name: a\nversion: x\nprinciples: []\n", ":2: `version`: Input should be a valid integer"),
        ("name: a\nprinciples:\n- {id: x, text: b}\n- {id: x, text: c}\n", ":2: `principles`: principle id x is used"),
        ("name: a\nname: b\nprinciples: []\n", ":2: `name` appears twice"),
        ("name: a\nprinciples: [", ":2: not valid YAML"),
        ("name: !!python/object:os.system x\nprinciples: []\n", ":1: not valid YAML"),
        ("name: 2024-99-99\nprinciples: []\n", ":1: not valid YAML: month must be in 1..12"),
        ("? [a]\n: 1\n", ":1: not valid YAML"),
        ("- a\n", ": expected keys and values"),
        ("", ": expected keys and values"),
    ],
)
def test_what_does_not_fit_is_one_line_with_file_and_place(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text(text)
    with pytest.raises(PlumblineError) as caught:
        Constitution.load(path)
    assert str(caught.value).startswith(f"{path}{message}")
    assert "\n" not in str(caught.value)


def test_unreadable_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(PlumblineError, match="none.yaml: cannot be read"):
        Constitution.load(tmp_path / "none.yaml")
    (tmp_path / "utf16.yaml").write_text("name: a", encoding="utf-16")
    with pytest.raises(PlumblineError, match="not UTF-8"):
        Constitution.load(tmp_path / "utf16.yaml")


def test_values_are_data_and_missing_ones_are_refused() -> None:
    rendered = render("generator", text="{{ 7 * 7 }} <b>")
    assert rendered.text == "{{ 7 * 7 }} <b>"
    assert rendered.hash == content_hash(rendered.text)
    with pytest.raises(PlumblineError, match="generator.jinja: 'text' is undefined"):
        render("generator")
    with pytest.raises(PlumblineError, match="prompt 'nope' does not exist in .*generator, "):
        render("nope")
