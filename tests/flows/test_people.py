"""People steer a small campaign: it waits for them, survives being killed meanwhile, obeys, and forgets nothing.

Its reviewer is a random little model whose answers cannot be read, so every flagged pair is held for a person.
"""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter
from prefect.flow_runs import resume_flow_run
from prefect.settings import PREFECT_API_URL, temporary_settings
from small_campaign import Finished, Place, place

from flows.cli import main
from warehouse.blinding import unblind
from warehouse.errors import PlumblineError
from warehouse.inbox import put, waiting
from warehouse.lineage import trace
from warehouse.people import in_force, may_steer, say_revert, waiting_proposals
from warehouse.reviews import agreement, to_review
from warehouse.snapshot import open_snapshot
from warehouse.store import Store

SETTINGS = """
name: small
pairs: 24
shard: 24
rounds: {rounds}
mode: {mode}
models: {{reviewer: {reviewer}}}
amend: {{candidates: 1, frozen_prompts: 2, fresh_prompts: 2, chooser: random, approval: person}}
sae: {{d_sae: 256, samples: 20480}}
profile: {{texts_per_cell: 20}}
audit: {{{audit}}}
"""
QUIET = "baseline: 40, reviews: 8, sensitivity: 0, specificity: 1, monitors: mine.yaml, use: [chance]"
MONITORS = "monitors:\n  chance: {kind: random, rate: 0.2, seed: 1}\n"

Settle = Callable[..., Place]


@pytest.fixture
def settle(finished: Finished, tiny_model: Path, tmp_path: Path) -> Settle:
    """A home with the fitted instruments and the campaign's file."""

    def at(audit: str = 'gold: "off"', mode: str = "update", rounds: int = 1, **environment: str) -> Place:
        shutil.copytree(finished.place.home / "cache", tmp_path / "home" / "cache")
        there = place(tmp_path / "home", **environment)
        (there.home / "mine.yaml").write_text(MONITORS)
        there.campaign.write_text(SETTINGS.format(reviewer=tiny_model, audit=audit, mode=mode, rounds=rounds))
        return there

    return at


def proposal(process: subprocess.Popen[str], folder: Path, but: str = "") -> str:
    """The hash of the proposal that the campaign stands still for, other than `but`."""
    while True:
        assert process.poll() is None, process.communicate()
        if (folder / "author" / "current.json").is_file():
            with open_snapshot(folder / "author") as store:
                found = [one.constitution for one in waiting_proposals(store, folder.name)]
            if found and found[0] != but:
                return found[0]
        time.sleep(0.1)


def until(there: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 300
    while not there():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def ended(process: subprocess.Popen[str]) -> dict[str, Any]:
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return dict(json.loads(out.splitlines()[-1])) | {"err": err}


def test_a_campaign_waits_for_people_and_does_as_they_say(
    settle: Settle, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    there = settle(rounds=3)
    folder = there.home / "small"
    monkeypatch.setenv("PLUMBLINE_HOME", str(there.home))
    process = there.start("run", there.campaign, "--json")
    first = proposal(process, folder)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=10)

    unblind(folder, "Bob", 1, "the auditor's view", "")
    with pytest.raises(SystemExit):  # refused at once, and once more by the campaign
        main(["approve", "small", "--who", "Bob"])
    assert "Bob opened the auditor's view" in capsys.readouterr().err
    process = there.start("run", there.campaign, "--json")
    until(lambda: not waiting(folder, "approval"))
    assert proposal(process, folder) == first  # it goes on waiting
    with open_snapshot(folder / "author") as store:
        held = to_review(store, folder, "Ada")
    put(folder, "verdict", "Ada", {"pair_id": held[0].pair_id, "verdict": "justified", "shown": held[0].shown})
    put(folder, "verdict", "Ada", {"pair_id": "nobody", "verdict": "justified"})
    main(["approve", "small", "--who", "Ada"])

    second = proposal(process, folder, first)
    say_revert(folder, "Ada", start := versions(folder)[0][:6], "it was better")
    main(["approve", "small", "--who", "Cleo", "--reject", "--note", "too vague"])
    third = proposal(process, folder, second)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=10)
    main(["approve", "small", "--who", "Cleo"])  # found in the inbox when it runs again
    report = ended(there.start("run", there.campaign, "--json"))
    assert report["constitution"] == third

    with Store.open(folder / "generator" / "warehouse.duckdb") as store:
        answers = store.query("SELECT round, approve, who, note FROM approvals ORDER BY round").to_pylist()
        assert [tuple(row.values()) for row in answers] == [
            (1, True, "Ada", ""),
            (2, False, "Cleo", "too vague"),
            (3, True, "Cleo", ""),
        ]
        refused = store.query("SELECT kind, who FROM refusals ORDER BY number").to_pylist()
        assert refused == [{"kind": "approval", "who": "Bob"}, {"kind": "verdict", "who": "Ada"}]
        wrote = store.query("SELECT DISTINCT round, constitution FROM pairs ORDER BY round")["constitution"].to_pylist()
        assert wrote[1] == first and wrote[0] == wrote[2] and wrote[0].startswith(start)
        assert in_force(store, "small") == [wrote[0], first, wrote[0], third]
        ledger = store.query("SELECT round, bits, detail FROM ledger WHERE entry = 'revert'").to_pylist()
        assert [(row["round"], row["bits"]) for row in ledger] == [(3, 0.0)] and "Ada went back" in ledger[0]["detail"]
        said = store.query(
            "SELECT formula, bits, detail FROM ledger WHERE round = 2 AND entry = 'amendment'"
        ).to_pylist()
        assert all("rejected by Cleo" in row["detail"] for row in said)
        assert [row["bits"] for row in said if row["formula"].startswith("k3")] == [0.0]
        tree = str(trace(store, held[0].pair_id))
        assert "person's verdict  justified, Ada" in tree and "settled  kept by Ada" in tree
        sql = "SELECT pair_id FROM v_pairs WHERE round = 2 AND decision = 'kept' AND verdict IS NULL"
        second_pair = store.query(sql)["pair_id"][0].as_py()
        assert "approved  by Ada, round 1" in str(trace(store, second_pair))
        published = store.query(
            "SELECT round FROM datasets JOIN dataset_pairs USING (version) WHERE pair_id = ? ORDER BY round",
            held[0].pair_id,
        )["round"].to_pylist()
        assert published == [2, 3]  # from the round after it was said

    given = there.home / "given.jsonl"
    judged = [held[0].pair_id, second_pair]  # the other was never held: it changes nothing
    given.write_text("".join(json.dumps({"pair_id": pair, "verdict": "unjustified"}) + "\n" for pair in judged))
    capsys.readouterr()
    main(["review", "small", "--who", "Dana", "--verdicts", str(given), "--json"])
    facts = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (facts["given"], facts["verdicts"], facts["running"]) == (2, 2, False)
    assert facts["dataset"] != Path(report["dataset"]).name
    main(["export", "small", "--to", str(there.home / "kept.jsonl")])
    kept = (there.home / "kept.jsonl").read_text()
    assert held[0].pair_id not in kept and second_pair in kept
    with open_snapshot(folder / "author") as store:
        assert [(one.one, one.other, one.pairs, one.agreed) for one in agreement(store, "small")] == [
            ("the reviewer model", "Ada", 1, 0),
            ("the reviewer model", "Dana", 1, 0),
            ("Ada", "Dana", 1, 0),
        ]
    assert there.run("verify", "small")["ok"]
    again = there.run("run", there.campaign)
    assert Path(again["dataset"]).name == facts["dataset"]
    with pytest.raises(PlumblineError, match="no next round"):
        say_revert(folder, "Ada", start)


def versions(folder: Path) -> list[str]:
    with open_snapshot(folder / "author") as store:
        return in_force(store, folder.name)


def test_prefects_own_page_answers_too(settle: Settle, server: str) -> None:
    there = settle(PREFECT_API_URL=server)
    process = there.start("run", there.campaign, "--json")
    proposed = proposal(process, there.home / "small")
    name = {"name": {"any_": ["small amend 1"]}, "state": {"type": {"any_": ["PAUSED"]}}}
    with temporary_settings({PREFECT_API_URL: server}), get_client(sync_client=True) as client:
        runs: list[Any] = []
        until(lambda: runs.extend(client.read_flow_runs(flow_run_filter=FlowRunFilter.model_validate(name))) or runs)
        time.sleep(1)  # the form is up just after the pause
        with pytest.raises(RuntimeError):  # the form is typed
            resume_flow_run(runs[0].id, run_input={"approve": "perhaps", "who": "Ada"})
        resume_flow_run(runs[0].id, run_input={"approve": True, "who": "Ada", "note": "on the page"})
    assert ended(process)["constitution"] == proposed
    with Store.open(there.home / "small" / "generator" / "warehouse.duckdb", read_only=True) as store:
        (answer,) = store.query("SELECT approve, who, note FROM approvals").to_pylist()
    assert answer == {"approve": True, "who": "Ada", "note": "on the page"}


def test_what_is_settled_in_a_watched_campaign_is_published_by_its_audit(
    settle: Settle, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    there = settle(QUIET, mode="filter")
    folder = there.home / "small"
    there.run("run", there.campaign)
    monkeypatch.setenv("PLUMBLINE_HOME", str(there.home))
    with open_snapshot(folder / "author") as store:
        held = to_review(store, folder)
    put(folder, "verdict", "Ada", {"pair_id": held[0].pair_id, "verdict": "justified"})
    capsys.readouterr()
    main(["review", "small", "--json"])
    facts = json.loads(capsys.readouterr().out.splitlines()[-1])
    listed = json.loads((folder / "dataset" / "versions.json").read_bytes())
    assert facts["dataset"] == listed[-1]["path"] and listed[-1]["rows"] == listed[-2]["rows"] + 1
    with open_snapshot(folder / "author") as store:
        sql = "SELECT version FROM dataset_pairs WHERE pair_id = ?"
        assert store.query(sql, held[0].pair_id)["version"].to_pylist() == [listed[-1]["version"]]
    assert there.run("verify", "small")["ok"]


@pytest.mark.parametrize(("who", "told"), [("", "say who you are"), (" Bob ", "Bob opened the auditor's view")])
def test_who_may_not_steer(who: str, told: str, tmp_path: Path) -> None:
    unblind(tmp_path, "Bob", 1, "the auditor's view", "")
    may_steer(tmp_path, "Ada")
    with pytest.raises(PlumblineError, match=told):
        may_steer(tmp_path, who)
