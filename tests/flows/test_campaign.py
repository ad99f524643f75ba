"""A small real campaign: what it answers, what it writes, and what Prefect shows of it."""

import ast
import json
import math
import urllib.request
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from small_campaign import Finished

from flows.alone import alone
from flows.cli import main
from flows.prefect_setup import configured_server
from warehouse.store import Store


def test_it_answers_with_every_round(finished: Finished) -> None:
    report = finished.report
    assert report["campaign"] == "small" and [summary["round"] for summary in report["rounds"]] == [1, 2]
    for summary in report["rounds"]:
        counted = sum(summary[name] for name in ("kept", "dropped", "held", "abstained", "quarantined"))
        assert counted == summary["pairs"] + summary["regenerated"]
        assert summary["mode"] == "update" and summary["pairs"] == 16
        assert summary["selection_bits"] == pytest.approx(1.585, abs=0.001)
        assert summary["reviewed"] >= summary["dropped"]
        chosen = summary["amended"]
        assert chosen["moved"] == 0 if summary["amendment"] == "keep it as it is" else chosen["moved"] > 0
        assert 0 <= chosen["frozen_unjustified_rate"] <= 1 and 0 <= chosen["fresh_unjustified_rate"] <= 1
        assert 0 <= summary["truth"]["bad"] <= 1


def test_every_round_says_what_all_choices_so_far_can_have_told(finished: Finished) -> None:
    """The summaries and the warehouse's view tell the same, and no campaign without an audit has figures of a gate."""
    with Store.open(finished.report["warehouse"], read_only=True) as store:
        rows = store.query("SELECT * FROM v_ledger").to_pylist()
    view = {(row["round"], row["entry"], row["formula"]): row for row in rows}
    first, second = (summary["ledger"] for summary in finished.report["rounds"])
    for number, ledger in ((1, first), (2, second)):
        assert ledger["worst"] == view[number, "amendment", "log2 K"]["cumulative"]
        assert ledger["kl"] == view[number, "amendment", "(ln K - (K-1)/K) / ln 2"]["cumulative"]
        assert ledger["from_start"] == view[number, "from the start", "k3, bits a response"]["cumulative"]
        assert ledger["gate"] is None
        assert view[number, "amendment", "k3, bits a response"]["cumulative"] is None
        assert view[number, "from the start", "k3, bits a response"]["detail"] == "6 fresh responses, one a pair"
    assert second["worst"] == 2 * first["worst"] == pytest.approx(2 * math.log2(3))
    assert 0 < first["kl"] < first["worst"] and second["kl"] == 2 * first["kl"]
    # Whatever the first amendment chose, it moved away from the start, or stayed there.
    assert first["from_start"] == view[1, "amendment", "k3, bits a response"]["bits"]
    assert second["from_start"] >= 0


def test_the_dataset_holds_what_was_kept(finished: Finished) -> None:
    rows = pq.read_table(Path(finished.report["dataset"]) / "train.parquet")
    assert rows.num_rows == sum(summary["kept"] for summary in finished.report["rounds"])
    assert set(rows["campaign"].to_pylist()) == {"small"}


def test_the_record_is_whole_and_its_head_is_printed(here: Finished, capsys: pytest.CaptureFixture[str]) -> None:
    def verify(*arguments: str) -> dict[str, Any]:
        main(["verify", "small", *arguments, "--json"])
        return dict(json.loads(capsys.readouterr().out.splitlines()[-1]))

    report, answer = here.report, verify()
    assert answer["ok"] and answer["chain"] == report["chain"] and len(report["chain"]) == 64
    said = {check["what"]: check["said"] for check in answer["checks"]}
    steps = [f"round {number}, {step}" for number in (1, 2) for step in ("examined", "finished")]
    assert [what for what in said if what.startswith("round")] == steps
    assert said["seal"] == "the campaign was never sealed"
    card = (Path(report["dataset"]) / "README.md").read_text()
    printed = card.partition("Hash chain `")[2].partition("`")[0]
    assert said["round 2, examined"].endswith(f"link {printed[:12]}")
    assert verify("--head", printed)["ok"]


def test_nothing_of_the_held_out_side_is_loaded(finished: Finished) -> None:
    modules = ast.literal_eval((finished.place.home / "modules.txt").read_text())
    assert "tasks.amend" in modules
    assert not [name for name in modules if name.split(".")[0] == "monitors"]
    assert not (finished.place.home / "small" / "heldout").exists()


def test_a_pair_is_traced_to_its_constitution(here: Finished, capsys: pytest.CaptureFixture[str]) -> None:
    main(["trace", here.report["example"]])
    tree = capsys.readouterr().out
    for link in ("decision", "readings", "generated", "seed", "prompt", "constitution", "profile", "sae"):
        assert link in tree
    with pytest.raises(SystemExit):
        main(["trace", "nothing"])
    assert "nearest: " in capsys.readouterr().err


def test_prefect_shows_named_runs_and_artifacts(finished: Finished) -> None:
    runs = ask(finished, "flow_runs/filter", {})
    assert {run["name"] for run in runs} >= {"small", "small round 1", "small amend 1", "small round 2"}
    assert {run["state_type"] for run in runs if run["name"].startswith("small")} == {"COMPLETED"}
    tasks = {run["name"]: run for run in ask(finished, "task_runs/filter", {})}
    steps = {f"{step} r1-a0-s0" for step in ("generate", "validate", "score", "review")}
    assert steps <= set(tasks)
    # Flow runs carry the campaign's tag; a step that did would ask the server for a slot before each shard.
    assert all(run["tags"] for run in runs) and not any(tasks[name]["tags"] for name in steps)
    shown = {(found["key"], found["type"]) for found in ask(finished, "artifacts/filter", {})}
    assert shown >= {
        ("small-round-1", "markdown"),
        ("small-round-1-table", "table"),
        ("small-round-2", "markdown"),
        ("small-progress", "progress"),
    }


def ask(finished: Finished, path: str, body: dict[str, Any]) -> list[dict[str, Any]]:
    url = f"{finished.place.environment['PREFECT_API_URL']}/{path}"
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return list(json.load(answer))


def test_a_users_own_server_is_found_in_the_profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    assert configured_server() == ""
    profile = '[profiles.mine]\nPREFECT_API_URL = "http://box:4200/api"\n[profiles.ephemeral]\n'
    (tmp_path / "profiles.toml").write_text(f'active = "mine"\n{profile}')
    assert configured_server() == "http://box:4200/api"
    monkeypatch.setenv("PREFECT_PROFILE", "ephemeral")
    assert configured_server() == ""


def test_two_runs_of_one_campaign_do_not_meet(here: Finished, capsys: pytest.CaptureFixture[str]) -> None:
    with alone(here.place.home / "small" / "generator", "small"), pytest.raises(SystemExit):
        main(["run", str(here.place.campaign)])
    assert "campaign small is running already" in capsys.readouterr().err


def test_a_campaign_with_other_settings_does_not_mix_in(
    here: Finished, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(here.place.campaign.read_text() + "seed: 8\n")
    with pytest.raises(SystemExit):
        main(["run", str(other)])
    assert "begun with another setting seed" in capsys.readouterr().err
