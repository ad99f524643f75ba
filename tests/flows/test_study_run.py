"""A real study: killed, and gone on with, as a person would."""

import json
import os
import signal
import sqlite3
import time

import pyarrow.parquet as pq
import pytest
from small_campaign import Place

STUDY = """
name: tiny
seeds: 1
rounds: 2
campaign: small.yaml
candidates: [2]
arms:
  none: {settings: {mode: filter}, publishes: everything}
  filter: {settings: {mode: filter}}
  update: {settings: {mode: update}}
"""


def test_a_killed_study_goes_on_and_finds_what_is_over(elsewhere: Place) -> None:
    (elsewhere.home / "tiny.yaml").write_text(STUDY)
    cells = elsewhere.home / "studies" / "tiny" / "cells"
    process = elsewhere.start("study", elsewhere.home / "tiny.yaml", "--jobs", "1")
    deadline = time.monotonic() + 300
    while not list(cells.glob("tiny-none-*.json")):
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()
        time.sleep(0.2)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    (over,) = cells.glob("*.json")
    found, written = over.read_bytes(), over.stat().st_mtime_ns

    told = elsewhere.run("study", elsewhere.home / "tiny.yaml", "--to", elsewhere.home / "out")
    assert over.read_bytes() == found and over.stat().st_mtime_ns == written
    assert told["campaigns"] == 2 and [one["arm"] for one in told["arms"]] == ["none", "filter", "update"]
    rows = pq.read_table(elsewhere.home / "out" / "study.parquet").to_pylist()
    arms = ("none", "filter", "update")
    assert [(row["arm"], row["round"]) for row in rows] == [(arm, at) for arm in arms for at in (1, 2)]
    assert all(0 <= row["flag_rate"] <= 1 and row["bad"] is not None for row in rows)
    by_arm = {row["arm"]: row for row in rows if row["round"] == 2}
    assert by_arm["none"]["published_pairs"] == 16 >= by_arm["filter"]["published_pairs"]
    assert by_arm["update"]["bits"] == pytest.approx(1.585, abs=0.001) and by_arm["filter"]["bits"] == 0
    assert by_arm["filter"]["divergence"] == 0 and by_arm["update"]["divergence"] is not None

    with sqlite3.connect(elsewhere.home / "prefect" / "prefect.db") as server:
        sql = "SELECT flow.name, parent_task_run_id FROM flow_run JOIN flow ON flow.id = flow_run.flow_id"
        runs = server.execute(sql).fetchall()
    assert sum(name == "campaign" for name, _ in runs) >= 2
    assert all(parent for name, parent in runs if name in ("study campaign", "campaign", "round")), runs

    again = elsewhere.run("study", elsewhere.home / "tiny.yaml", "--to", elsewhere.home / "out")
    assert again == told
    assert json.loads((elsewhere.home / "out" / "study.json").read_text())["spent"] == ""


def test_what_stops_a_campaign_is_told_in_one_line(elsewhere: Place) -> None:
    (elsewhere.home / "tiny.yaml").write_text(
        "name: tiny\nseeds: 1\nsettings: {constitution: no.yaml}\narms:\n  filter: {settings: {mode: filter}}\n"
    )
    process = elsewhere.start("study", elsewhere.home / "tiny.yaml")
    _, err = process.communicate(timeout=300)
    last = err.strip().splitlines()[-1]
    assert process.returncode == 2 and "no.yaml: cannot be read" in last and "tiny-filter-s0" in last, err
