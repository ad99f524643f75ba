"""Snapshots: a reader finds the newest whole one, and the one before stays while it reads."""

from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from warehouse.errors import PlumblineError
from warehouse.snapshot import about_snapshot, open_snapshot, publish_snapshot, read_snapshot
from warehouse.store import Store


def test_the_newest_is_read(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        publish_snapshot(tmp_path, {"rounds": [{"round": number}], "none": pa.table({"x": []})}, {"round": number})
        found = read_snapshot(tmp_path)
        assert found.about == {"round": number} and found.tables["rounds"].to_pylist() == [{"round": number}]
        assert found.tables["none"].num_rows == 0
    assert len([folder for folder in tmp_path.iterdir() if folder.is_dir()]) == 2


def test_the_same_snapshot_twice_is_one(tmp_path: Path) -> None:
    for _ in range(2):
        publish_snapshot(tmp_path, {"rounds": [{"round": 1}]}, {})
    assert len([folder for folder in tmp_path.iterdir() if folder.is_dir()]) == 1


def test_where_there_is_none_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(PlumblineError, match="no snapshot yet"):
        read_snapshot(tmp_path)


def test_it_is_asked_like_the_warehouse_it_was_taken_from(tmp_path: Path) -> None:
    with Store.open(tmp_path / "live.duckdb") as live:
        live.add("decisions", [{"pair_id": "a", "decision": "kept", "reason": ""}])
        live.add("ledger", [{"campaign": "c", "round": 1, "entry": "filter", "bits": 0.5, "formula": "f"}])
        names = ("pairs", "decisions", "verdicts", "readings", "ledger")
        tables = {name: live.query(f"SELECT * FROM {name}") for name in names}
        publish_snapshot(tmp_path / "author", tables, {"round": 1})
        with open_snapshot(tmp_path / "author") as copy:
            for sql in ("SELECT * FROM decisions", "SELECT * FROM v_ledger", "SELECT * FROM v_pairs"):
                assert copy.query(sql).to_pylist() == live.query(sql).to_pylist()
            with pytest.raises(duckdb.PermissionException):
                copy.query(f"SELECT * FROM read_csv('{__file__}')")
    assert about_snapshot(tmp_path / "author")["round"] == 1 and not about_snapshot(tmp_path / "nowhere")
