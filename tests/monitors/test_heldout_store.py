"""The held-out store: tables of its own, every column explained, and nothing in it is ever overwritten."""

import datetime
import re
from pathlib import Path
from typing import Any

import duckdb
import pytest

from monitors.baseline import Baseline
from monitors.gate import State, design, from_json, started, to_json
from monitors.store import FILE, MIGRATIONS, open_heldout
from warehouse.errors import PlumblineError
from warehouse.store import Store

READING = {"seal": 1, "pair_id": "p", "round": 1, "monitor": "ngram", "reading": 0.5, "threshold": 0.4, "fired": True}
COIN = {"seal": 1, "round": 1, "pair_id": "p", "pool": "unflagged", "block": 0, "stratum": 2, "fired": True}
TOSS = {"propensity": 0.25, "coin": 0.1, "reviewed": True}
VERDICT = {"seal": 1, "pair_id": "p", "turn": 1, "round": 1, "verdict": "unjustified", "traits": "[]"}
SAID = {"reason": "r", "reviewer": "gold", "prompt_hash": "h", "raw": "…"}
BASELINE = Baseline("unflagged", 200, (1, 0), (50, 50, 50, 50), 300.0, 40.0)
STATE = started(design([BASELINE], [20.0], 0.2))
ROWS: dict[str, list[dict[str, Any]]] = {
    "heldout_prompts": [
        {"prompt_id": "q", "purpose": "audit", "prompt": [{"role": "user", "content": "hello"}], "keyed": "k"}
    ],
    "monitor_readings": [READING],
    "coins": [COIN | TOSS],
    "gold_verdicts": [VERDICT | SAID, VERDICT | SAID | {"turn": 2, "verdict": "justified"}],
    "baselines": [
        {
            **{name: value for name, value in BASELINE._asdict().items() if not isinstance(value, tuple)},
            **{"seal": 1, "bad": "[1,0]", "strata": "[50,50,50,50]"},
        }
    ],
    "gate_states": [
        {"seal": 1, "round": 1, "read": 0, "pool": "", "evidence": 1.0, "alarm": False, "state": to_json(STATE)}
    ],
    "unblindings": [
        {"who": "me", "opened": datetime.datetime(2026, 1, 2), "round": 1, "seen": "the auditor's view", "reason": "r"}
    ],
}


def test_rows_go_in_once_and_stay(tmp_path: Path) -> None:
    with open_heldout(tmp_path / "heldout") as store:
        for table, rows in ROWS.items():
            assert store.add(table, rows) == len(rows)
            assert store.add(table, rows) == 0
        assert store.add("gold_verdicts", [VERDICT | SAID | {"verdict": "unsure"}]) == 0
        history = store.query("SELECT verdict FROM gold_verdicts WHERE pair_id = 'p' ORDER BY turn")
        assert history["verdict"].to_pylist() == ["unjustified", "justified"]
        state = from_json(State, store.query("SELECT state FROM gate_states")["state"][0].as_py())
        assert to_json(state) == to_json(STATE)
    with open_heldout(tmp_path / "heldout", read_only=True) as store:
        assert store.query("SELECT count(*) AS n FROM coins")["n"][0].as_py() == 1


@pytest.mark.parametrize(
    ("table", "row"),
    [
        ("coins", COIN | TOSS | {"propensity": 0.0}),
        ("coins", COIN | TOSS | {"coin": 0.9}),  # then it was not reviewed
        ("coins", COIN | TOSS | {"pool": "rejected"}),
        ("gold_verdicts", VERDICT | SAID | {"verdict": "fine"}),
        ("monitor_readings", READING | {"reading": float("inf")}),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, table: str, row: dict[str, Any]) -> None:
    with open_heldout(tmp_path / "heldout") as store, pytest.raises(duckdb.ConstraintException):
        store.add(table, [row])


def test_it_is_no_warehouse_and_a_warehouse_is_not_it(tmp_path: Path) -> None:
    open_heldout(tmp_path).close()
    with pytest.raises(PlumblineError, match="is not the one in this version"):
        Store.open(tmp_path / FILE)
    (tmp_path / FILE).unlink()
    Store.open(tmp_path / FILE).close()
    with pytest.raises(PlumblineError, match="is not the one in this version"):
        open_heldout(tmp_path)


def test_a_store_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(PlumblineError, match="heldout.duckdb: there is no held-out store here"):
        open_heldout(tmp_path / "heldout", read_only=True)
    assert not (tmp_path / "heldout").exists()


def test_every_table_says_what_it_is_for() -> None:
    sql = "".join(file.read_text() for file in sorted(MIGRATIONS.glob("*.sql")))
    tables = re.findall(r"((?:--[^\n]*\n)*)CREATE TABLE (\w+) \((.*?)\n\);", sql, re.DOTALL)
    assert {name for _, name, _ in tables} >= ROWS.keys()
    for comment, name, columns in tables:
        assert comment or "--" in columns or name == "migrations", name
