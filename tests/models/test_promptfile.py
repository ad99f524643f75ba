"""Prompts from a file: splits that never meet and never change, each prompt once before any again, and bad rows."""

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.promptfile import SHARES, PromptFile
from warehouse.errors import PlumblineError

CUT = gzip.compress(b"{}" * 99, mtime=0)[:20]
ASKED = [f"Please help me with matter {n}." for n in range(400)]


def written(folder: Path, rows: list[object], name: str = "prompts.jsonl") -> Path:
    file = folder / name
    data = "".join(json.dumps(row) + "\n" for row in rows).encode()
    file.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return file


def test_both_shapes_read_the_same(tmp_path: Path) -> None:
    strings = [{"prompt": text, "source": "me"} for text in ASKED]
    turns = [{"messages": [{"role": "user", "content": text}], "id": 3} for text in ASKED]
    one = PromptFile.read(written(tmp_path, strings), 7)
    other = PromptFile.read(written(tmp_path, turns[::-1], "other.jsonl.gz"), 7)
    assert one.splits == other.splits and one.hash == other.hash and one.different == len(ASKED)
    assert {name: len(found) for name, found in one.splits.items()} == pytest.approx(
        {name: 4 * (high - low) for name, (low, high) in SHARES.items()}, abs=25
    )


@settings(deadline=None, max_examples=30)
@given(st.sets(st.integers(0, 400), min_size=2), st.integers(0, 9))
def test_a_prompt_never_changes_its_split(tmp_path_factory: pytest.TempPathFactory, some: set[int], seed: int) -> None:
    folder = tmp_path_factory.mktemp("splits")
    few = PromptFile.read(written(folder, [{"prompt": f"ask {n}"} for n in sorted(some)]), seed)
    all_of_them = PromptFile.read(written(folder, [{"prompt": f"ask {n}"} for n in range(401)]), seed)
    assert sorted(text for found in few.splits.values() for text in found) == sorted(f"ask {n}" for n in some)
    for name, found in few.splits.items():
        assert [text for text in all_of_them.splits[name] if text in found] == list(found)


def test_what_differs_in_spaces_or_capitals_alone_is_one_prompt(tmp_path: Path) -> None:
    found = PromptFile.read(written(tmp_path, [{"prompt": text} for text in ("Why?", " why? ", "WHY?", "How?")]), 1)
    assert sorted(text for split in found.splits.values() for text in split) == ["How?", "Why?"]
    assert found.repeated == 2


def test_another_seed_splits_otherwise(tmp_path: Path) -> None:
    file = written(tmp_path, [{"prompt": text} for text in ASKED])
    assert PromptFile.read(file, 1).splits["sealed"] != PromptFile.read(file, 2).splits["sealed"]


@given(st.lists(st.integers(1, 20), min_size=1, max_size=12))
def test_each_comes_once_before_any_comes_again(counts: list[int]) -> None:
    there = tuple(map(str, range(20)))
    file = PromptFile(Path("f"), {"campaign": there, "frozen": (), "fresh": (), "sealed": ()}, 0, "")
    drawn, asked = list[str](), 0
    for count in counts:
        now = file.draw("campaign", count, asked)
        assert len(set(now)) == count
        drawn, asked = drawn + now, asked + count
    times = [drawn.count(text) for text in there]
    assert max(times) - min(times) <= 1


def test_too_few_are_refused_in_one_line(tmp_path: Path) -> None:
    file = PromptFile.read(written(tmp_path, [{"prompt": text} for text in ASKED]), 7)
    there = len(file.splits["sealed"])
    with pytest.raises(
        PlumblineError, match=f"prompts.jsonl: sealed_prompts asks for 99 .*, and {there} of the file's 400"
    ):
        file.draw("sealed", 99, setting="sealed_prompts")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "row 2: is not JSON"),
        ('{"prompt": "a", "prompt": "b"}', "row 2: is not JSON, or has one key twice"),
        ("3", "row 2: holds no prompt"),
        ('{"text": "a"}', "row 2: holds no prompt"),
        ('{"prompt": " "}', "row 2: holds no prompt"),
        ('{"prompt": "\\ud800"}', "row 2: its prompt holds half of a surrogate pair"),
        ('{"messages": [{"role": "system", "content": "a"}]}', "row 2: holds no prompt"),
        ('{"messages": [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}]}', "row 2: holds 2 turns"),
    ],
)
def test_a_row_without_a_prompt_is_named(tmp_path: Path, line: str, message: str) -> None:
    file = tmp_path / "prompts.jsonl"
    file.write_text(f'{{"prompt": "why?\u2028"}}\n{line}\n')
    with pytest.raises(PlumblineError, match=f"prompts.jsonl {message}"):
        PromptFile.read(file, 1)


@pytest.mark.parametrize(
    ("data", "message"),
    [(b"\n\n", "holds no prompts"), (b"\xff", "not UTF-8"), (CUT, "cannot be read")],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, data: bytes, message: str) -> None:
    (tmp_path / "prompts.jsonl").write_bytes(data)
    with pytest.raises(PlumblineError, match=f"prompts.jsonl: .*{message}"):
        PromptFile.read(tmp_path / "prompts.jsonl", 1)
    with pytest.raises(PlumblineError, match="none: cannot be read"):
        PromptFile.read(tmp_path / "none", 1)
