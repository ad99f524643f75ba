"""Every kind of file that people bring ends in pairs and rejects that add up, or in one clear line."""

import gzip
import io
import json
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.ingest import REJECTED_BY, Ingested, ingest
from warehouse.errors import PlumblineError
from warehouse.hashing import content_hash
from warehouse.shapes import PAIRS, QUARANTINE


def turn(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


def pair(number: int = 0, **changes: Any) -> dict[str, Any]:
    row = {
        "prompt": [turn("user", f"What is {number} and one?")],
        "chosen": [turn("assistant", f"It is {number + 1}.")],
        "rejected": [turn("assistant", "Guess\u2028yourself.")],
    }
    return row | changes


def line(row: Any, **options: Any) -> bytes:
    return json.dumps(row, ensure_ascii=False, **options).encode() + b"\n"


ONE, TWO, THREE = (line(pair(number)) for number in range(3))
CSV = b"prompt,chosen,rejected\r\n"
MANY = b"".join(line(pair(number)) for number in range(500))
BOM = b"\xef\xbb\xbf"
SINGLE = line({"prompt": "q", "response": "a"})
ASKED = [turn("user", "Something else?"), turn("assistant", "Yes.")]

# name of the file, its bytes, pairs found, and for each rejected row its place and what the detail says
READABLE = {
    "plain": ("a.jsonl", ONE + TWO, 2, {}),
    "no last newline": ("a.jsonl", ONE + TWO.strip(), 2, {}),
    "blank lines": ("a.jsonl", b"\n \t\n" + ONE + b"\r\n\n" + TWO + b"\n", 2, {}),
    "crlf and bom": ("a.jsonl", BOM + (ONE + TWO).replace(b"\n", b"\r\n"), 2, {}),
    "bom between joined files": ("a.jsonl", ONE + BOM + TWO, 2, {}),
    "utf-16": ("a.jsonl", (ONE + TWO).decode().encode("utf-16"), 2, {}),
    "utf-16 without bom": ("a.jsonl", (ONE + TWO).decode().encode("utf-16-be"), 2, {}),
    "gzip by content": ("a.jsonl", gzip.compress(ONE + TWO), 2, {}),
    "gzip of two members": ("a.jsonl.gz", gzip.compress(ONE) + gzip.compress(TWO), 2, {}),
    "not gzip despite its name": ("a.jsonl.gz", ONE, 1, {}),
    "array": ("a.json", b" [" + ONE + b"," + TWO + b"]\n", 2, {}),
    "objects on one line": ("a.jsonl", (ONE + TWO + THREE).replace(b"\n", b""), 3, {}),
    "objects over many lines": ("a.jsonl", line(pair(0), indent=2) + line(pair(1), indent=2) + THREE, 3, {}),
    "nan in a column not read": ("a.jsonl", line(pair(score=float("nan"), other=1e308 * 10)), 1, {}),
    "escaped nul": ("a.jsonl", line(pair(chosen=[turn("assistant", "a\0b")])), 1, {}),
    "a very long line": ("a.jsonl", line(pair(chosen=[turn("assistant", "long " * 400_000)])), 1, {}),
    "empty answers are for validation": ("a.jsonl", line(pair(chosen=[turn("assistant", "")], rejected=[])), 1, {}),
    "cut in the last line": ("a.jsonl", ONE + TWO[:-40], 1, {"2": "not JSON"}),
    "cut in the middle": ("a.jsonl", ONE + TWO[:40] + b"\n" + THREE, 2, {"2": "not JSON"}),
    "cut before objects": ("a.jsonl", ONE[:9] + b"\n" + TWO + line(pair(2), indent=1), 2, {"1": "not JSON"}),
    "trailing garbage": ("a.jsonl", ONE.strip() + b" #\n" + TWO, 2, {"1.2": "not JSON"}),
    "array cut short": ("a.json", b"[" + ONE + b"," + TWO[:50], 1, {"2": "not JSON"}),
    "array not closed": ("a.json", b"[" + ONE + b"," + TWO, 2, {"3": "neither closed nor continued"}),
    "array and more": ("a.json", b"[" + ONE + b"]" + TWO, 1, {"2": "behind the array's closing bracket"}),
    "not utf-8": ("a.jsonl", ONE + TWO.replace(b"What", b"Wh\xe5t") + THREE, 2, {"2": "not UTF-8"}),
    "nul bytes": ("a.jsonl", ONE.replace(b" ", b"\0") + TWO, 1, {"1": "NUL bytes"}),
    "half a surrogate pair": ("a.jsonl", ONE.replace(b"What", b"\\ud800") + TWO, 1, {"1": r"prompt .*\(\\ud800\)"}),
    "half a pair in the id": ("a.jsonl", b'{"id": "\\udfff", ' + ONE[1:] + TWO, 1, {"1": r"id .*\(\\udfff\)"}),
    "key twice": ("a.jsonl", ONE[:-2] + b', "chosen": []}\n' + TWO, 1, {"1": "key 'chosen' twice"}),
    "key twice in a message": ("a.jsonl", ONE.replace(b'{"role', b'{"role": 1, "role') + TWO, 1, {"1": "'role' twice"}),
    "nested too deeply": ("a.jsonl", b'{"a":' * 90_000 + b"\n" + ONE, 1, {"1": "nested too deeply"}),
    "number too long": ("a.jsonl", b'{"a":' + b"9" * 9000 + b"}\n" + ONE, 1, {"1": "not JSON"}),
    "no object": ("a.jsonl", b"3\n" + ONE, 1, {"1": "is a number"}),
    "null answer": ("a.jsonl", line(pair(rejected=None)) + ONE, 1, {"1": "no rejected .*'prompt', 'chosen'"}),
    "answer of a wrong kind": ("a.jsonl", line(pair(chosen=3)) + ONE, 1, {"1": "its chosen is a number"}),
    "no content": ("a.jsonl", line(pair(prompt=[{"role": "user"}])) + ONE, 1, {"1": "without a text role and content"}),
    "no prompt": ("a.jsonl", line({"chosen": "a", "rejected": "b"}) + ONE, 1, {"1": "add the column prompt"}),
    "foreign prompt": ("a.jsonl", line(pair(chosen=ASKED, rejected=ASKED)) + ONE, 1, {"1": "its prompt is not"}),
    "csv": ("a.csv", CSV + b'"a\nb",c,"d ""e"""\r\n\r\nf,g,h', 2, {}),
    "csv with stray commas": ("a.csv", CSV + b"a,b,c,d\na,b,c\na,b\n", 1, {"2": "4 cells", "4": "2 cells"}),
    "csv with an open quote": ("a.csv", CSV + b'a,b,c\na,"b,c\nd,e,f\n', 1, {"3": "close every quoted cell"}),
}

DAMAGED = gzip.compress(MANY, mtime=0).replace(b"\0", b"\1")
LINES = {
    "empty": ("a.jsonl", b"", "row 1: the file holds no rows"),
    "blank": ("a.jsonl", b" \n\n", "row 1: the file holds no rows"),
    "empty array": ("a.json", b"[]", "row 1: the file holds no rows"),
    "empty gzip": ("a.jsonl.gz", gzip.compress(b""), "row 1: the file holds no rows"),
    "cut in the gzip header": ("a.jsonl.gz", gzip.compress(ONE)[:12], "row 1: the gzip stream breaks off"),
    "damaged gzip": ("a.jsonl.gz", DAMAGED, "cannot be read .*fetch it again"),
    "too much inside": ("a.jsonl.gz", gzip.compress(MANY * 20), "holds more than 1 MiB; split it"),
    "single responses": ("a.jsonl", SINGLE * 3, "row 1: has no chosen and no rejected .*none of its 3 rows"),
    "no rejected": ("a.jsonl", line({"chosen": "a"}), "row 1: has no rejected .*a single response is none"),
    "texts only": ("a.json", b'["", "null", "<b>"]', "row 1: is a text; .*none of its 3 rows"),
    "not utf-16 after all": ("a.jsonl", b"\xff\xfe{\0\0\xd8a\0", "row 1: begins like utf-16 .*save the file as UTF-8"),
    "csv of something else": ("a.csv", b"a,b,c\n1,2,3\n", "row 2: has no chosen and no rejected"),
    "csv header twice": ("a.csv", b"chosen,chosen\n1,2\n", "row 1: the header names a column twice"),
    "csv header only": ("a.csv", CSV, "row 1: the file holds no rows"),
    "damaged parquet": ("a.parquet", b"PAR1 no", "damaged Parquet .*fetch or write the file again"),
}


def read(folder: Path, name: str, data: bytes, **options: Any) -> Ingested:
    path = folder / name
    path.write_bytes(data)
    found = ingest(path, **options)
    assert found.pairs.schema == PAIRS and found.rejects.schema == QUARANTINE
    assert found.pairs.num_rows + found.rejects.num_rows == found.rows
    positions = found.pairs["position"].to_pylist() + found.rejects["position"].to_pylist()
    assert sorted(positions) == list(range(found.rows))
    pq.write_table(found.pairs, io.BytesIO())
    pq.write_table(found.rejects, io.BytesIO())
    return found


@pytest.mark.parametrize(("name", "data", "pairs", "rejects"), READABLE.values(), ids=READABLE)
def test_a_damaged_row_spoils_itself_and_no_other(
    tmp_path: Path, name: str, data: bytes, pairs: int, rejects: dict[str, str]
) -> None:
    found = read(tmp_path, name, data)
    assert found.pairs.num_rows == pairs
    assert found.rejects["source"].to_pylist() == [f"{name}:{place}" for place in rejects]
    for row, detail in zip(found.rejects.to_pylist(), rejects.values(), strict=True):
        assert re.search(detail, row["detail"]) and "\n" not in row["detail"]
        assert row["expectation"] == REJECTED_BY


def test_a_rejected_row_is_kept_as_it_stood(tmp_path: Path) -> None:
    spoiled = ONE.replace(b"What", b"\xff\\ud800")
    found = read(tmp_path, "a.jsonl", TWO + spoiled + SINGLE)
    assert found.rejects["row"].to_pylist() == [spoiled.decode("utf-8", "replace").replace("\ufffd", "\\udcff").strip(),
                                                SINGLE.decode().strip()]  # fmt: skip


@pytest.mark.parametrize(("name", "data", "message"), LINES.values(), ids=LINES)
def test_a_file_without_a_pair_ends_in_one_line(tmp_path: Path, name: str, data: bytes, message: str) -> None:
    with pytest.raises(PlumblineError, match=message) as caught:
        read(tmp_path, name, data, max_bytes=1 << 20)
    assert str(caught.value).startswith(str(tmp_path / name)) and "\n" not in str(caught.value)


def test_what_is_no_file_ends_in_one_line(tmp_path: Path) -> None:
    for path, message in ((tmp_path / "no", "no such file"), (tmp_path, "not a plain file")):
        with pytest.raises(PlumblineError, match=message):
            ingest(path)


def test_a_broken_gzip_keeps_every_whole_row(tmp_path: Path) -> None:
    whole = gzip.compress(MANY, mtime=0)
    found = read(tmp_path, "a.jsonl.gz", whole[: len(whole) // 2])
    (cut,) = found.rejects.to_pylist()
    assert 50 < found.pairs.num_rows < 450
    assert cut["source"] == f"a.jsonl.gz:{found.rows}" and "breaks off" in cut["detail"]
    assert MANY.decode().split("\n")[found.pairs.num_rows].startswith(cut["row"])


BEFORE = [turn("system", "Be brief."), turn("user", "Hello?"), turn("assistant", "Yes?"), turn("user", "Who?")]
GOOD, BAD = [turn("assistant", "Nobody.\n\nReally.")], [turn("assistant", "You!")]
SPOKEN = "\n\nHuman: Hello?\n\nAssistant: Yes?\n\nHuman: Who?\n\nAssistant:"
SHAPES = {
    "conversational": ({"prompt": BEFORE, "chosen": GOOD, "rejected": BAD}, BEFORE),
    "conversational with single messages": ({"prompt": BEFORE, "chosen": GOOD[0], "rejected": BAD[0]}, BEFORE),
    "text": ({"prompt": "Who?", "chosen": "Nobody.\n\nReally.", "rejected": "You!"}, BEFORE[3:]),
    "text after a transcript": ({"prompt": SPOKEN, "chosen": "Nobody.\n\nReally.", "rejected": "You!"}, BEFORE[1:]),
    "conversation": ({"chosen": BEFORE + GOOD, "rejected": BEFORE + BAD}, BEFORE),
    "conversation beside its prompt": ({"prompt": "Hello?", "chosen": BEFORE + GOOD, "rejected": BEFORE + BAD}, BEFORE),
    "transcript": ({"chosen": SPOKEN + " Nobody.\n\nReally.", "rejected": SPOKEN + " You!"}, BEFORE[1:]),
}


@pytest.mark.parametrize("name", SHAPES)
def test_every_shape_gives_the_same_pair(tmp_path: Path, name: str) -> None:
    row, prompt = SHAPES[name]
    found = read(tmp_path, "a.jsonl", line(row | {"id": 7}))
    (got,) = found.pairs.to_pylist()
    assert found.shape == name.split()[0]
    assert (got["prompt"], got["chosen"], got["rejected"]) == (prompt, GOOD, BAD)
    assert got["source"] == "a.jsonl:1" and got["source_id"] == "7"
    assert got["prompt_id"] == content_hash(prompt)[:16]


def test_conversations_that_part_early_keep_all_their_turns(tmp_path: Path) -> None:
    other = [turn("assistant", "No?"), turn("user", "Why?"), *BAD]
    row = {"chosen": BEFORE + GOOD, "rejected": BEFORE[:2] + other}
    (got,) = read(tmp_path, "a.jsonl", line(row)).pairs.to_pylist()
    assert got["prompt"] == BEFORE[:2]
    assert got["chosen"] == BEFORE[2:] + GOOD and got["rejected"] == other


def test_parquet_and_its_own_ids(tmp_path: Path) -> None:
    rows = [pair(number, pair_id=f"p{number}", id="other", decision="kept") for number in range(3)]
    path = tmp_path / "a.parquet"
    pq.write_table(pa.Table.from_pylist(rows), path)
    found = read(tmp_path, "a.parquet", path.read_bytes())
    assert found.pairs["source_id"].to_pylist() == ["p0", "p1", "p2"]
    assert found.pairs["source"].to_pylist() == [f"a.parquet:{number}" for number in (1, 2, 3)]
    assert len(set(found.pairs["pair_id"].to_pylist())) == 3


def test_a_hostile_file_takes_no_longer_than_a_plain_one(tmp_path: Path) -> None:
    found = read(tmp_path, "a.jsonl", ONE + b'{"a":[\n' * 20_000)
    assert (found.pairs.num_rows, found.rejects.num_rows) == (1, 20_000)


texts = st.text(st.characters(exclude_categories=["Cs"]))
fast = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@fast
@given(st.lists(st.tuples(texts, texts, texts), min_size=1, max_size=5), st.sampled_from([None, 2]), st.booleans())
def test_every_text_comes_back_as_it_was(
    tmp_path: Path, rows: list[tuple[str, str, str]], indent: int | None, escaped: bool
) -> None:
    wanted = [{"prompt": [turn("user", p)], "chosen": [turn("assistant", c)], "rejected": [turn("assistant", r)]}
              for p, c, r in rows]  # fmt: skip
    data = "".join(json.dumps(row, indent=indent, ensure_ascii=escaped) + "\n" for row in wanted).encode()
    found = read(tmp_path, "a.jsonl", data)
    assert found.pairs.select(["prompt", "chosen", "rejected"]).to_pylist() == wanted


@fast
@given(st.data(), st.sampled_from(["a.jsonl", "a.json", "a.csv", "a.jsonl.gz"]))
def test_any_damage_ends_in_rows_that_add_up_or_in_one_line(tmp_path: Path, data: st.DataObject, name: str) -> None:
    others = {"a.json": b"[" + ONE + b"," + TWO + b"]", "a.csv": CSV + b'a,"b\nb",c\nd,e,f\n'}
    good = others.get(name, ONE + TWO + THREE)
    spoiled = bytearray(gzip.compress(good, mtime=0) if name.endswith("gz") else good)
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(spoiled)))
        spoiled[start : start + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=4))
    try:
        read(tmp_path, name, bytes(spoiled))
    except PlumblineError as error:
        assert str(error).startswith(str(tmp_path)) and "\n" not in str(error)
