"""A recalled dataset: what is withdrawn with it, what is left, and that no later version brings its pairs back."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from demo_record import demo_record

from flows.cli import main
from tasks.publish import CardFacts, publish
from warehouse.errors import PlumblineError
from warehouse.hashing import short
from warehouse.snapshot import open_snapshot
from warehouse.store import Store


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PLUMBLINE_HOME", str(tmp_path))
    return demo_record(tmp_path)


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    main([*arguments, "--json"])
    return dict(json.loads(capsys.readouterr().out.splitlines()[-1]))


def versions(folder: Path) -> list[str]:
    with Store.open(folder / "generator" / "warehouse.duckdb", read_only=True) as store:
        return store.query("SELECT version FROM datasets ORDER BY round, version")["version"].to_pylist()


def held(folder: Path, version: str) -> list[str]:
    file = folder / "dataset" / short(version) / "train.parquet"
    return pq.read_table(file, partitioning=None)["pair_id"].to_pylist()


def pointed(folder: Path) -> str:
    return str(json.loads((folder / "dataset" / "current.json").read_bytes())["version"])


def test_it_and_what_follows_it_is_withdrawn(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second, third = versions(folder)
    before = {version: held(folder, version) for version in (first, second, third)}
    told = said(capsys, "recall", second[:10], "--reason", "leaked", "--who", "Ada")
    assert told["versions"] == [second, third] and told["new"] and told["trained"] == []
    left = pointed(folder)
    assert left == told["replaced"] and told["rows"] == len(held(folder, left)) > 0
    assert held(folder, left) == [pair for pair in before[third] if pair not in before[second]]
    marks = {file.parent.name: file.read_text() for file in (folder / "dataset").glob("*/RECALLED.md")}
    assert set(marks) == {short(second), short(third)} and all("Ada: leaked" in mark for mark in marks.values())
    assert {version: held(folder, version) for version in before} == before
    checked = said(capsys, "verify", "demo")
    assert checked["ok"] and sum("RECALLED by Ada" in one["said"] for one in checked["checks"]) == 2
    assert any(one["what"] == "round 2, reviewed" for one in checked["checks"])
    assert not any(one["ok"] is None for one in checked["checks"] if one["what"] == "hash chain")
    main(["impact", f"dataset:{first}"])
    assert capsys.readouterr().out.count("RECALLED") == 2
    main(["trace", f"pair:{before[first][0]}"])
    assert capsys.readouterr().out.count("RECALLED by Ada: leaked") == 2
    with open_snapshot(folder / "author") as copy:
        assert copy.query("SELECT * FROM recalls").num_rows == 2


def test_a_second_recall_changes_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    *_, third = versions(folder)
    said(capsys, "recall", third, "--who", "Ada")

    def everything() -> dict[str, Any]:
        files = {file: file.read_bytes() for file in (folder / "dataset").rglob("*") if file.is_file()}
        with Store.open(folder / "generator" / "warehouse.duckdb", read_only=True) as store:
            tables = store.query("SELECT table_name AS name FROM duckdb_tables()")["name"].to_pylist()
            return {"files": files} | {name: store.query(f"SELECT * FROM {name}").to_pylist() for name in tables}

    once = everything()
    told = said(capsys, "recall", third, "--who", "Bob", "--reason", "again")
    assert everything() == once and not told["new"] and told["who"] == "Ada"
    assert told["rows"] == 0 and pointed(folder) == told["replaced"]


def test_recalls_add_up(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second, third = versions(folder)
    left = str(said(capsys, "recall", first, "--who", "Ada")["replaced"])
    told = said(capsys, "recall", left, "--who", "Bob")
    assert told["versions"] == [left] and told["rows"] == 0 and said(capsys, "verify", "demo")["ok"]
    with Store.open(folder / "generator" / "warehouse.duckdb", read_only=True) as store:
        assert store.query("SELECT DISTINCT number FROM recalls ORDER BY 1")["number"].to_pylist() == [1, 2]
        assert store.query("SELECT number FROM chain WHERE step = 'reviewed' ORDER BY 1")["number"].to_pylist() == [
            1,
            2,
        ]


def test_what_an_audit_withheld_stays_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUMBLINE_HOME", str(tmp_path))
    folder = demo_record(tmp_path, withheld=1)
    from flows.recall import recall

    first, *_, last = versions(folder)
    told = recall(first, "Ada", "")
    assert held(folder, told.replaced) == [pair for pair in held(folder, last) if pair not in held(folder, first)]
    with Store.open(folder / "generator" / "warehouse.duckdb", read_only=True) as store:
        kept = store.query("SELECT pair_id FROM v_pairs WHERE decision = 'kept' AND round = 2")["pair_id"].to_pylist()
    withheld = set(kept) - set(held(folder, last))
    assert len(withheld) == 1 and not withheld & set(held(folder, told.replaced))
    assert "passed the held-out gate" in (folder / "dataset" / short(told.replaced) / "README.md").read_text()


def test_no_later_version_holds_its_pairs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second, third = versions(folder)
    gone = held(folder, first)
    told = said(capsys, "recall", first, "--who", "Ada")
    with Store.open(folder / "generator" / "warehouse.duckdb", read_only=True) as store:
        names = ("pairs", "decisions", "readings", "verdicts")
        tables = [store.query(f"SELECT * FROM {name}") for name in names]
    again = publish(*tables, folder / "dataset", CardFacts("demo", "update"))
    assert again.version == third and pointed(folder) == told["replaced"]  # a round done again is not published again
    tables[1] = tables[1].filter([pair != held(folder, second)[-1] for pair in tables[1]["pair_id"].to_pylist()])
    other = publish(*tables, folder / "dataset", CardFacts("demo", "update"))
    assert pointed(folder) == other.version and not set(other.pairs) & set(gone)


@contextlib.contextmanager
def _process(code: str) -> Iterator[None]:
    """Another process that has said it is ready, until it is let go."""
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", code], stdin=pipe, stdout=pipe) as process:
        assert process.stdout and process.stdout.readline()
        yield


def test_a_running_campaign_is_left_alone(folder: Path) -> None:
    from flows.recall import recall

    path = folder / "generator" / "warehouse.duckdb"
    held_elsewhere = (
        f"import duckdb, sys; c = duckdb.connect({str(path)!r}); print('ready', flush=True); sys.stdin.read()"
    )
    first = versions(folder)[0]
    with _process(held_elsewhere):
        with pytest.raises(PlumblineError, match="demo is running; recall its dataset when it has ended"):
            recall(first, "Ada", "")
        main(["sql", "SELECT count(*) AS n FROM pairs", "demo"])  # the snapshot answers
    assert not (folder / "dataset" / "recalled.json").exists()


def test_a_version_that_was_changed_is_not_republished(folder: Path) -> None:
    from flows.recall import recall

    first, *_, last = versions(folder)
    file = folder / "dataset" / short(last) / "train.parquet"
    file.write_bytes(file.read_bytes() + b"!")
    with pytest.raises(PlumblineError, match="is not what was published"):
        recall(first, "Ada", "")


def test_nearest_is_named(folder: Path) -> None:
    from flows.recall import recall

    with pytest.raises(PlumblineError, match=f"no dataset ffff in .*; nearest: .*dataset:{short(versions(folder)[0])}"):
        recall("ffff", "Ada", "")
