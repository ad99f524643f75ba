"""Files of assistant outputs: every shape of one answer a row is read, by source; a bad row is told in one line."""

import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest

from flows.outputs_file import prompt_of, read_outputs
from warehouse.errors import PlumblineError


def turn(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


ASKED, SAID = turn("user", "Why?"), turn("assistant", "Because.")
PAIR = {"prompt": "Why?", "chosen": "Because.", "rejected": "No."}

ANSWERS: dict[str, tuple[dict[str, Any], list[dict[str, str]]]] = {
    "prompt and text": ({"prompt": "Why?", "text": "Because."}, [ASKED, SAID]),
    "response": ({"prompt": "Why?", "response": "Because."}, [ASKED, SAID]),
    "lists": ({"prompt": [ASKED], "completion": [SAID]}, [ASKED, SAID]),
    "messages": ({"messages": [turn("system", "Be kind."), ASKED, SAID]}, [turn("system", "Be kind."), ASKED, SAID]),
    "several turns": ({"messages": [ASKED, SAID, ASKED, SAID]}, [ASKED, SAID, ASKED, SAID]),
    "transcript": ({"text": "\n\nHuman: Why?\n\nAssistant: Because."}, [ASKED, SAID]),
    "no prompt": ({"text": "Because."}, [turn("user", ""), SAID]),
    "no prompt in messages": ({"messages": [SAID]}, [turn("user", ""), SAID]),
    "null prompt": ({"prompt": None, "output": "Because."}, [turn("user", ""), SAID]),
}


def write(path: Path, *rows: Any) -> Path:
    lines = (row if isinstance(row, str) else json.dumps(row) for row in rows)
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
    return path


@pytest.mark.parametrize("row, turns", ANSWERS.values(), ids=ANSWERS)
def test_an_answer(row: dict[str, Any], turns: list[dict[str, str]], tmp_path: Path) -> None:
    assert read_outputs([write(tmp_path / "a.jsonl.gz", row)]) == ({"a": [turns]}, ())


BAD: dict[str, tuple[Any, str]] = {
    "no answer": ({"prompt": "Why?"}, r"row 2: has no answer \(its columns: 'prompt'\); give prompt and text"),
    "no object": ("17", "row 2: is a number; a row is an object with prompt and text"),
    "cut off": ('{"text": "Bec', "row 2: is not JSON"),
    "the user has the last word": ({"messages": [ASKED]}, "row 2: its messages does not end with a turn of the assis"),
    "nothing in it": ({"messages": []}, "row 2: its messages does not end with a turn of the assistant"),
    "not a text": ({"text": 3}, "row 2: its text is a number; write a text or a list of messages"),
    "source": ({"text": "Because.", "source": ["x"]}, r"row 2: its source is \['x'\]; write a name"),
    "pair": (PAIR, "row 2: is a preference pair; --pairs reads its two sides as sources"),
}


@pytest.mark.parametrize("row, told", BAD.values(), ids=BAD)
def test_a_bad_row_is_left_out_and_told(row: Any, told: str, tmp_path: Path) -> None:
    read = read_outputs([write(tmp_path / "a.jsonl.gz", {"text": "Because."}, row)])
    assert len(read.sources["a"]) == 1 and len(read.left_out) == 1
    assert re.match("a.jsonl.gz: 1 of 2 rows left out; " + told, read.left_out[0])
    with pytest.raises(PlumblineError, match="a.jsonl.gz " + told.replace("row 2", "row 1")):
        read_outputs([write(tmp_path / "a.jsonl.gz", row)])


def test_sources(tmp_path: Path) -> None:
    """A row's own, else the file's; the same name in two files is one source, two files of one name are refused."""
    one = write(tmp_path / "old.jsonl.gz", {"text": "a"}, {"text": "b", "source": "x"}, {"text": "c", "source": 4})
    other = write(tmp_path / "new.v2.json", {"text": "d", "source": " x\n"}, {"text": "e", "source": None})
    found = {
        name: [text[-1]["content"] for text in texts] for name, texts in read_outputs([one, other]).sources.items()
    }
    assert found == {"old": ["a"], "x": ["b", "d"], "4": ["c"], "new.v2": ["e"]}
    (tmp_path / "again").mkdir()
    same = write(tmp_path / "again" / "old.jsonl", {"text": "a"})
    with pytest.raises(PlumblineError, match=r"again/old.jsonl: .*/old.jsonl.gz is called the same; rename one"):
        read_outputs([one, same])


def test_pairs_by_their_sides(tmp_path: Path) -> None:
    read = read_outputs([write(tmp_path / "p.jsonl", PAIR | {"source": "hh"}, {"text": "Because."})], pairs=True)
    assert read.sources == {"hh, chosen": [[ASKED, SAID]], "hh, rejected": [[ASKED, turn("assistant", "No.")]]}
    assert "row 2: has no 'chosen'" in read.left_out[0] or "has no chosen" in read.left_out[0]


def test_texts_of_one_prompt_belong_together_and_those_without_do_not() -> None:
    kind = [turn("system", "Be kind."), ASKED, SAID]
    assert prompt_of([ASKED, SAID]) == prompt_of([ASKED, turn("assistant", "No.")]) == prompt_of(kind)
    nothing = turn("user", "")
    assert prompt_of([nothing, SAID]) != prompt_of([nothing, turn("assistant", "No.")])
