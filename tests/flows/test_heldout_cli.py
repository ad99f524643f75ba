"""`plumbline simulate` answers as every command does: rows as one object, or as a table, progress on standard error."""

import json

import pytest

from flows import heldout_cli
from flows.cli import main
from monitors import simulator
from monitors.simulator import CASES, Row

ROWS = [Row("silent", "≤ 0.02", 0.00125, True), Row("loud", "≥ 0.95", 0.5, False)]


def test_the_table_as_json(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulator, "CASES", tuple(one._replace(rounds=2) for one in CASES[:3]))
    main(["simulate", "--campaigns", "4", "--seed", "2", "--json"])
    out, err = capsys.readouterr()
    answer = json.loads(out.splitlines()[-1])
    assert set(answer) == {"rows"} and len(answer["rows"]) == sum(len(one.asked) for one in CASES[:3]) + 2
    for row in answer["rows"]:
        assert set(row) == {"name", "bar", "value", "pass"}
        assert isinstance(row["pass"], bool) and isinstance(row["value"], float) and row["bar"][0] in "≤≥"
    assert "simulating" in err and "100 %" in err


def test_a_plan_has_no_bars(capsys: pytest.CaptureFixture[str]) -> None:
    main(["simulate", "--campaigns", "4", "--budget", "30", "--json"])
    rows = json.loads(capsys.readouterr().out.splitlines()[-1])["rows"]
    assert rows and all(row["pass"] is None and row["bar"] == "" for row in rows)
    assert next(row for row in rows if row["name"] == "no drift: gold reviews a round")["value"] > 27


def test_the_table_for_people_counts_what_was_missed(capsys: pytest.CaptureFixture[str]) -> None:
    heldout_cli.show_rows(ROWS)
    shown = capsys.readouterr().out
    assert "0.00125" in shown and "pass" in shown and "missed" in shown and "1 of 2 bars met" in shown


def test_figures_are_rounded_for_machines() -> None:
    assert heldout_cli.as_json(ROWS)["rows"][0] == {"name": "silent", "bar": "≤ 0.02", "value": 0.0013, "pass": True}
