import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.exchanges import Exchange, Journal, request_hash, spent_in
from models.spending import Spent
from warehouse.errors import PlumblineError


def exchange(number: int, answer: str = "yes", seed: int = 0) -> Exchange:
    body = {"messages": [{"role": "user", "content": f"question {number} ü\u2028 \n"}]}
    request = request_hash("http://here", seed, body)
    return Exchange(request, seed, body, answer, "stop", "m-1", 10, 5, False, 0.25, "2026-01-01T00:00:00Z")


def test_what_was_kept_is_found_again_and_costs_what_it_cost(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "role.jsonl"
    journal = Journal(path)
    kept = [journal.add(exchange(number)) for number in range(3)]
    for opened in (journal, Journal(path)):
        assert [opened.get(one.request) for one in kept] == kept == list(opened)
        assert opened.get(exchange(9).request) is None
        assert opened.spent == Spent(3, 30, 15, 0.75)
    assert spent_in(path.parent) == {"role": journal.spent}
    line = json.loads(path.read_bytes().split(b"\n")[0])
    assert line["request"] == request_hash("http://here", line["seed"], line["body"]) == kept[0].request
    assert line["response"] == kept[0].response


def test_the_same_words_with_another_seed_or_to_another_server_are_another_request() -> None:
    body = {"messages": []}
    hashes = {request_hash(url, seed, body) for url in ("http://a", "http://b") for seed in (0, 1)}
    assert len(hashes) == 4


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_a_journal_torn_at_any_byte_keeps_all_whole_lines(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("torn") / "role.jsonl"
    journal = Journal(path)
    ends = [path.stat().st_size for number in range(3) if journal.add(exchange(number))]
    cut = data.draw(st.integers(0, ends[-1]))
    path.write_bytes(path.read_bytes()[:cut])
    opened = Journal(path)
    assert len(opened) == opened.spent.requests == sum(end <= cut for end in ends)
    for number in range(3):
        opened.add(exchange(number))
    assert [one.request for one in Journal(path)] == [exchange(number).request for number in range(3)]


def test_the_first_answer_stands_and_both_are_paid_for(tmp_path: Path) -> None:
    one, other = Journal(tmp_path / "role.jsonl"), Journal(tmp_path / "role.jsonl")
    assert one.add(exchange(0, "first")).answer == other.add(exchange(0, "second")).answer == "first"
    assert len(other) == 1 and other.spent.requests == 2
    one.refresh()
    assert one.spent == other.spent


@pytest.mark.parametrize(
    ("before", "after", "complaint"),
    [('"answer":"yes"', '"answer":"no"', "byte 0: the answer was changed"), ('"seed":0', '"seed"', "byte 0: not an")],
)
def test_a_changed_line_is_named(tmp_path: Path, before: str, after: str, complaint: str) -> None:
    path = tmp_path / "role.jsonl"
    kept = Journal(path).add(exchange(0))
    path.write_text(path.read_text().replace(before, after))
    with pytest.raises(PlumblineError, match=complaint):
        Journal(path).get(kept.request)


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(PlumblineError, match="cannot be written"):
        Journal(tmp_path / "file" / "role.jsonl")


def _write(path: Path, writer: int) -> None:
    journal = Journal(path)
    for number in range(50):
        journal.add(exchange(100 * writer + number, answer="long " * 2000))


def test_several_processes_may_write_to_one_journal(tmp_path: Path) -> None:
    path, here = tmp_path / "role.jsonl", Path(__file__)
    code = "import sys; sys.path[:0] = sys.argv[3:]; import pathlib, test_exchanges as test; "
    code += "test._write(pathlib.Path(sys.argv[1]), int(sys.argv[2]))"
    folders = (str(here.parent), str(here.parents[1]), str(here.parents[2]))
    writers = [
        subprocess.Popen([sys.executable, "-c", code, str(path), str(writer), *folders], stderr=subprocess.PIPE)
        for writer in range(3)
    ]
    said = [process.communicate()[1].decode() for process in writers]
    assert [process.returncode for process in writers] == [0, 0, 0], said
    journal = Journal(path)
    assert len(journal) == journal.spent.requests == 150
    assert all(one.answer == "long " * 2000 for one in journal)
