"""Snapshots: a reader finds the newest whole one, and the one before stays while it reads."""

from pathlib import Path

import pyarrow as pa
import pytest

from warehouse.errors import PlumblineError
from warehouse.snapshot import publish_snapshot, read_snapshot


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
