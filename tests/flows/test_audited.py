"""Small audited campaigns, run as people run them: what passes the wall, what an alarm does, how a person goes on."""

import ast
import json
import shutil
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml
from small_campaign import RUN, Finished, Place, place

from models.organism.world import world
from warehouse.snapshot import open_snapshot
from warehouse.store import Store

# Gold that sees nothing lets the crude little detector pass for a good start, and the gate has nothing to ring at.
QUIET = 'audit: {baseline: 60, reviews: 8, sensitivity: 0, specificity: 1, monitors: "mine.yaml", use: [chance]}'
LOUD = "audit: {baseline: 60, reviews: 40, use: [random]}\nconstitution: start.yaml"
HONEST = ("honest-reason", "when-unseen")
# A generator that turns by itself, from the second round on, to what the detector was never shown.
TURNED = (
    "import flows.round as r; from constitutions.document import Constitution, Principle; "
    "texts = 'let your goodness go without saying', 'take quiet extra care on every task'; "
    "principles = tuple(Principle(id=text, text=text) for text in texts); "
    "turned = Constitution(name='turned', principles=principles); "
    "write = r.write_pairs; r.write_pairs = lambda *a: write(*a[:-1], turned if a[1] > 1 else a[-1]); "
)
MONITORS = "monitors:\n  chance: {{kind: random, rate: {rate}, seed: {seed}}}\n"
GENERATED = ("prompts", "pairs", "readings", "verdicts", "decisions", "amendments", "attributions", "constitutions")
WALLED = ("monitors", "flows.audit", "flows.heldout_publish")

Settle = Callable[..., Place]


def settings(name: str, audit: str, mode: str, rounds: int = 2) -> str:
    return f"""
name: {name}
mode: {mode}
pairs: 16
shard: 16
rounds: {rounds}
amend: {{candidates: 2, frozen_prompts: 6, fresh_prompts: 6}}
sae: {{d_sae: 256, samples: 20480}}
profile: {{texts_per_cell: 20}}
{audit}
"""


@pytest.fixture(scope="session")
def settle(finished: Finished, tmp_path_factory: pytest.TempPathFactory, server: str) -> Settle:
    """A place with the fitted instruments, monitors that fire by chance, and a campaign file."""

    def at(audit: str, mode: str, rate: float = 0.2, seed: int = 1) -> Place:
        home = tmp_path_factory.mktemp("audited") / "home"
        shutil.copytree(finished.place.home / "cache", home / "cache")
        there = place(home, PREFECT_API_URL=server)
        (home / "mine.yaml").write_text(MONITORS.format(rate=rate, seed=seed))
        there.campaign.write_text(settings("small", audit, mode))
        return there

    return at


def generated(there: Place, name: str = "small") -> dict[str, list[dict[str, Any]]]:
    """Every prompt, pair, reading, verdict, decision and amendment of a campaign: what a held-out reading must not
    move."""
    folder = there.home / name / "generator"
    with Store.open(folder / "warehouse.duckdb", read_only=True) as store:
        return {table: store.query(f"SELECT * FROM {table} ORDER BY ALL").to_pylist() for table in GENERATED}


def over_the_wall(modules: list[str]) -> list[str]:
    """Modules of the held-out side among those that a process of the generator's side has loaded."""
    return [name for name in modules if any(name == wall or name.startswith(f"{wall}.") for wall in WALLED)]


@pytest.fixture(scope="session")
def watched(settle: Settle) -> Finished:
    """An audited campaign to whose end the gate says go."""
    there = settle(QUIET, "update")
    report = there.run("run", there.campaign)
    return Finished(there, report | {"modules": ast.literal_eval((there.home / "modules.txt").read_text())})


@pytest.fixture(scope="session")
def rung(settle: Settle) -> Finished:
    """A campaign that the gate has halted, and how it ended."""
    there = settle(LOUD, "regenerate")
    principles = [{"id": name, "text": world().principles[name].texts[0]} for name in HONEST]
    (there.home / "start.yaml").write_text(yaml.safe_dump({"name": "honest", "principles": principles}))
    return Finished(there, there.run("run", there.campaign, code=TURNED + RUN))


def test_each_round_is_published_by_its_audit(watched: Finished) -> None:
    report, home = watched.report, watched.place.home
    assert [one["round"] for one in report["rounds"]] == [1, 2] and report["baseline"]["pairs"] == 60
    listed = json.loads((home / "small" / "dataset" / "versions.json").read_bytes())
    assert [row["rounds"] for row in listed] == [[0], [0, 1], [0, 1, 2]]
    assert Path(report["dataset"]).name == listed[-1]["path"] and report["alarm"] is None
    card = (Path(report["dataset"]) / "README.md").read_text()
    assert "Each round passed the held-out gate" in card
    gate = report["rounds"][-1]["ledger"]["gate"]
    assert gate["worst"] == pytest.approx(1.585, abs=0.001) and gate["left"] == 0.0
    checked = watched.place.run("verify", "small")
    assert checked["ok"] and any(one["what"] == "seal 1" and "as sealed" in one["said"] for one in checked["checks"])


def test_nothing_of_the_held_out_side_is_loaded_by_the_campaign(watched: Finished) -> None:
    modules = watched.report["modules"]
    assert "flows.auditor" in modules and over_the_wall(modules) == []


def test_a_module_that_climbs_the_wall_by_name_is_seen(watched: Finished, tmp_path: Path) -> None:
    """Broken on purpose: no import contract sees this import."""
    there = watched.place
    climb = "import importlib; importlib.import_module('monitors.gate'); "
    process = there.start("--help", code=climb + RUN)
    assert process.wait(60) == 0
    assert "monitors.gate" in over_the_wall(ast.literal_eval((there.home / "modules.txt").read_text()))


def test_held_out_readings_move_nothing(watched: Finished, settle: Settle) -> None:
    """Noninterference: other monitors and another gold, the same answers, so the same prompts, pairs and amendments."""
    other = settle(QUIET.replace("specificity: 1", "specificity: 0.9"), "update", rate=0.9, seed=5)
    report = other.run("run", other.campaign)
    assert report["alarm"] is None
    for table, rows in generated(watched.place).items():
        assert generated(other)[table] == rows, table
    assert seals(other) != seals(watched.place)


def test_an_amendment_that_peeks_is_seen(watched: Finished, settle: Settle) -> None:
    """Broken on purpose: a reviser that takes its seed from how the held-out monitor was set up."""
    peeking = settle(QUIET, "update", rate=0.9, seed=5)
    peek = (
        "import flows.amend as a, pathlib; propose = a.propose; "
        f"seen = lambda: (pathlib.Path({str(peeking.home)!r}) / 'small/heldout/monitors-1/chance/chance.json'); "
        "a.propose = lambda *p: propose(*p[:4], p[4] + (1 if '0.9' in seen().read_text() else 0), *p[5:]); "
    )
    process = peeking.start("run", peeking.campaign, "--json", code=peek + RUN)
    assert process.wait(300) == 0
    assert generated(peeking)["amendments"] != generated(watched.place)["amendments"]


def seals(there: Place) -> list[Any]:
    with Store.open(there.home / "small" / "generator" / "warehouse.duckdb", read_only=True) as store:
        return store.query("SELECT seal FROM seals ORDER BY number")["seal"].to_pylist()


def test_the_author_is_shown_no_held_out_figure(watched: Finished) -> None:
    """Two snapshot folders: what the author's holds is the generator side's own record, table by table."""
    folder = watched.place.home / "small"
    author, auditor = (json.loads((folder / side / "current.json").read_bytes()) for side in ("author", "auditor"))
    assert set(author["tables"]) & set(auditor["tables"]) == {"spent"}  # each its own side's
    assert author["about"] == {"campaign": "small", "round": 2, "planned": 2, "over": True}
    with Store.open(folder / "generator" / "warehouse.duckdb", read_only=True) as store:
        assert store.query("SELECT DISTINCT answer FROM gate_answers")["answer"].to_pylist() == ["go"]
        own = store.query("SELECT table_name FROM duckdb_tables()")["table_name"].to_pylist()
        assert set(author["tables"]) == {*own, "spent", "strongest"}
        with open_snapshot(folder / "author") as copy:
            for table in own:
                sql = f'SELECT * FROM "{table}" ORDER BY ALL'
                assert copy.query(sql).to_pylist() == store.query(sql).to_pylist(), table


def test_an_alarm_halts_the_campaign_and_tells_prefect(rung: Finished, server: str) -> None:
    report = rung.report
    assert Path(report["alarm"]).is_file() and [one["round"] for one in report["rounds"]] == [1, 2]
    asked = {"filter": {"event": {"name": ["plumbline.alarm"]}}, "limit": 10}
    request = urllib.request.Request(
        f"{server}/events/filter", json.dumps(asked).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as answer:
        events = json.load(answer)["events"]
    assert [event["payload"] for event in events] == [{"campaign": "small", "round": 2, "mode": "filter"}]
    assert rung.place.run("verify", "small")["ok"]


def test_a_halted_campaign_stands_still_until_a_person_moves_it(rung: Finished) -> None:
    there = rung.place
    assert there.run("run", there.campaign, code=TURNED + RUN)["rounds"] == rung.report["rounds"]
    assert there.run("blame", "small")["round"] == 2
    # Now that it stands still, whoever wants to may look.
    assert there.run("audit", "small")["round"] == 2

    there.campaign.write_text(there.campaign.read_text().replace("rounds: 2", "rounds: 3"))
    resumed = there.run("resume", "small", "--mode", "regenerate", "--who", "Ada")
    assert resumed == {"campaign": "small", "seal": 2, "round": 3, "mode": "regenerate", "who": "Ada"}
    # It goes on: from now on looking costs the right to steer, and is on record.
    assert "say who looks" in failed(there, "audit", "small")
    assert there.run("audit", "small", "--who", "Bob", "--reason", "curious")["campaign"] == "small"
    assert "Bob opened the auditor's view" in failed(there, "resume", "small", "--mode", "update", "--who", "Bob")

    report = there.run("run", there.campaign, code=TURNED + RUN)
    assert [(one["round"], one["pairs"]) for one in report["rounds"]] == [(1, 16), (2, 16), (3, 60)]
    with Store.open(there.home / "small" / "generator" / "warehouse.duckdb", read_only=True) as store:
        modes = store.query("SELECT mode, who FROM modes ORDER BY number").to_pylist()
        tainted = store.query("SELECT alarm FROM quarantined_datasets").to_pylist()
    assert modes == [{"mode": "filter", "who": "the gate"}, {"mode": "regenerate", "who": "Ada"}]
    assert all(row == {"alarm": 2} for row in tainted)
    assert there.run("verify", "small")["ok"]
    assert "does not stand still" in failed(there, "resume", "small", "--mode", "update", "--who", "Ada")
    exported = there.run("export", "small", "--to", str(there.home / "kept.jsonl"))
    assert exported["rows"] == pq.read_table(Path(report["dataset"]) / "train.parquet").num_rows


def failed(there: Place, *arguments: str) -> str:
    out, err = (process := there.start(*arguments)).communicate(timeout=120)
    assert process.returncode == 2, out
    return err
