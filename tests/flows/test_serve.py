"""One machine's Prefect, brought up as people do: a scheduled campaign, its audit in the other pool, a kill."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import ArtifactFilter, FlowRunFilter, WorkPoolFilter
from prefect.client.schemas.objects import FlowRun
from prefect.settings import PREFECT_API_URL, PREFECT_LOGGING_TO_API_ENABLED, temporary_settings
from prefect.states import Scheduled
from small_campaign import Finished, Place, place

from flows import lifeline
from flows.auditor_deployed import DeployedAuditor
from flows.cli import main
from flows.heldout_deployed import audit
from flows.progress import Progress
from warehouse.errors import PlumblineError
from warehouse.store import Store

SETTINGS = """
name: {name}
pairs: 16
shard: 16
rounds: 1
amend: {{candidates: 2, frozen_prompts: 6, fresh_prompts: 6}}
sae: {{d_sae: 256, samples: 20480}}
profile: {{texts_per_cell: 20}}
audit: {{baseline: 60, reviews: 8, sensitivity: 0, specificity: 1, monitors: "mine.yaml", use: [chance]}}
"""
MONITORS = "monitors:\n  chance: {kind: random, rate: 0.2, seed: 1}\n"
# In a process of its own: Prefect's worker for events holds on to the first server that a process has told of one.
RINGS = """
import sys
from prefect.client.orchestration import get_client
from prefect.context import FlowRunContext
from flows.gate import _emit
with get_client(sync_client=True) as client:
    ran = client.read_flow_run(sys.argv[1])
with FlowRunContext.model_construct(flow_run=ran):
    _emit("small", 1)
"""
MADE = ("prompts", "pairs", "readings", "verdicts", "decisions", "amendments", "constitutions", "gate_answers", "seals")


class Up(NamedTuple):
    there: Place
    facts: dict[str, Any]
    process: subprocess.Popen[str]

    @contextlib.contextmanager
    def client(self) -> Iterator[SyncPrefectClient]:
        with temporary_settings({PREFECT_API_URL: self.facts["api"]}), get_client(sync_client=True) as client:
            yield client


def ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [one.getsockname()[1] for one in held]


def bring_up(there: Place, webhook: str = "") -> Up:
    port, page = ports(2)
    arguments = ["serve", "--port", str(port), "--dashboard-port", str(page), "--json"]
    command = [sys.executable, "-c", "from flows.cli import main; main()", *arguments]
    environment = there.environment | ({"PLUMBLINE_WEBHOOK": webhook} if webhook else {})
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, env=environment, stdout=pipe, stderr=pipe, text=True)
    assert process.stdout and process.stderr
    line = process.stdout.readline()
    assert line, process.stderr.read()
    return Up(there, json.loads(line), process)


def until(found: Callable[[], Any], seconds: float = 600) -> Any:
    deadline = time.monotonic() + seconds
    while not (got := found()):
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.2)
    return got


@pytest.fixture(scope="module")
def told() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A webhook's address, and what it was told."""
    heard: list[dict[str, Any]] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Hook) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/", heard
        server.shutdown()


def settle(cache: Path, home: Path, **environment: str) -> Place:
    """A place with the fitted instruments and two campaign files, `small.yaml` and `long.yaml`."""
    shutil.copytree(cache, home / "cache")
    there = place(home, **environment)
    (home / "mine.yaml").write_text(MONITORS)
    there.campaign.write_text(SETTINGS.format(name="small"))
    (home / "long.yaml").write_text(SETTINGS.format(name="long").replace("pairs: 16", "pairs: 4000"))
    return there


@pytest.fixture(scope="module")
def up(finished: Finished, told: tuple[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    served = bring_up(settle(finished.place.home / "cache", tmp_path_factory.mktemp("up") / "home"), told[0])
    yield served
    served.process.kill()


@pytest.fixture(scope="module")
def ran(up: Up) -> FlowRun:
    """The small campaign, scheduled two seconds ahead and run to its end by the workers."""
    with up.client() as client:
        deployment = client.read_deployment_by_name("campaign/generator")
        assert [schedule.active for schedule in deployment.schedules] == [False]
        ahead = Scheduled(scheduled_time=datetime.now(UTC) + timedelta(seconds=2))
        run = client.create_flow_run_from_deployment(deployment.id, parameters={"file": "small.yaml"}, state=ahead)
        return until(lambda: ended(client, run))


def ended(client: SyncPrefectClient, run: FlowRun) -> FlowRun | None:
    now = client.read_flow_run(run.id)
    return now if now.state and now.state.is_final() else None


def log(up: Up, name: str) -> str:
    return Path(up.facts["logs"], f"{name}.log").read_text()


def test_a_scheduled_campaign_runs_in_two_pools(up: Up, ran: FlowRun) -> None:
    assert ran.state and ran.state.is_completed(), f"{ran.state}\n{log(up, 'generator')}\n{log(up, 'auditor')}"
    assert (
        ran.work_pool_name == "generator"
        and ran.name == "small"
        and str(ran.state.message).startswith("small: 1 rounds, chain ")
    )
    with up.client() as client:
        audits = client.read_flow_runs(
            flow_run_filter=FlowRunFilter.model_validate({"parent_flow_run_id": {"any_": [str(ran.id)]}}),
            work_pool_filter=WorkPoolFilter.model_validate({"name": {"any_": ["auditor"]}}),
        )
        assert sorted(run.parameters["round"] for run in audits) == [0, 1]
        # Nothing but the word and the seals' hashes came back.
        answers = [json.loads(str(run.state.message)) for run in audits if run.state]
        assert all(answer["answer"] == "go" and set(answer) == {"answer", "seals"} for answer in answers)
        keys = ArtifactFilter.model_validate({"key": {"like_": "small-round-1"}})
        artifacts = client.request(
            "POST", "/artifacts/filter", json={"artifacts": keys.model_dump(mode="json", exclude_unset=True)}
        ).json()
        assert {one["key"] for one in artifacts} == {"small-round-1", "small-round-1-table"}
        assert {one["flow_run_id"] for one in artifacts} == {str(ran.id)}


def test_a_campaign_is_the_same_however_it_is_audited(up: Up, ran: FlowRun, server: str, tmp_path: Path) -> None:
    there = settle(up.there.home / "cache", tmp_path / "home", PREFECT_API_URL=server)
    there.run("run", there.campaign)
    assert made(there)["seals"] and made(there) == made(up.there)


def made(there: Place) -> dict[str, list[dict[str, Any]]]:
    with Store.open(there.home / "small" / "generator" / "warehouse.duckdb", read_only=True) as store:
        return {table: store.query(f"SELECT * FROM {table} ORDER BY ALL").to_pylist() for table in MADE}


def test_an_alarm_is_told_and_pauses_its_schedule(up: Up, ran: FlowRun, told: tuple[str, list[dict[str, Any]]]) -> None:
    with up.client() as client:
        before = client.read_deployment_by_name("campaign/generator")
        assert not before.paused
        environment = up.there.environment | {"PREFECT_API_URL": up.facts["api"]}
        subprocess.run([sys.executable, "-c", RINGS, str(ran.id)], env=environment, check=True)
        (message,) = until(lambda: told[1])
        assert (
            message["campaign"] == "small"
            and message["round"] == "1"
            and "has halted campaign small" in message["text"]
        )
        until(lambda: client.read_deployment_by_name("campaign/generator").paused)
        client.resume_deployment(before.id)


def test_a_kill_ends_all_and_a_second_start_keeps_what_people_set(
    up: Up, ran: FlowRun, capsys: pytest.CaptureFixture[str]
) -> None:
    with up.client() as client:
        deployment = client.read_deployment_by_name("campaign/generator")
        client.update_deployment_schedule(deployment.id, deployment.schedules[0].id, active=True)
        run = client.create_flow_run_from_deployment(deployment.id, parameters={"file": "long.yaml"})
        lock = up.there.home / "long" / "generator" / "lock"
        until(lambda: lock.is_file() and lock.read_text())
        with pytest.raises(SystemExit), pytest.MonkeyPatch.context() as patch:
            patch.setenv("PLUMBLINE_HOME", str(up.there.home))
            main(["serve", "--port", str(ports(1)[0])])
        assert "served already" in capsys.readouterr().err
    campaign = int(lock.read_text())
    os.kill(up.process.pid, signal.SIGKILL)
    up.process.wait(20)
    until(lambda: gone(campaign) and all(port_free(up.facts[name]) for name in ("server", "dashboard")), 20)

    again = bring_up(up.there)
    try:
        assert again.facts["deployed"] == [] and again.facts["automations"] == up.facts["automations"]
        with again.client() as client:
            assert client.read_deployment_by_name("campaign/generator").schedules[0].active
            state = client.read_flow_run(run.id).state
            assert state and state.is_crashed()
    finally:
        again.process.send_signal(signal.SIGINT)
        assert again.process.wait(20) == 0
    until(lambda: port_free(again.facts["server"]), 20)


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def port_free(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=2).close()
    except OSError:
        return True
    return False


def test_a_taken_port_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLUMBLINE_HOME", str(tmp_path))
        for option, other in (("--port", "--dashboard-port"), ("--dashboard-port", "--port")):
            with pytest.raises(SystemExit):
                main(["serve", other, str(ports(1)[0]), option, str(taken.getsockname()[1])])
            err = capsys.readouterr().err
            assert err.count("\n") == 1 and "cannot be had" in err and f"with {option}\n" in err


def test_a_lifeline_has_one_holder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifeline, "PATIENCE", 0.2)
    with (
        lifeline.lifeline(tmp_path / "lock"),
        pytest.raises(PlumblineError, match="served already"),
        lifeline.lifeline(tmp_path / "lock"),
    ):
        pass


def test_an_unknown_deployment_is_refused_before_anything_is_asked(server: str, tmp_path: Path) -> None:
    with (
        temporary_settings({PREFECT_API_URL: server}),
        pytest.raises(PlumblineError, match="knows no deployment 'audit/nobody'; type prefect"),
    ):
        DeployedAuditor(tmp_path, "audit/nobody", Progress(quiet=True))


@pytest.mark.parametrize(("home", "said"), [("runs", "needs the whole path"), ("/nowhere", "no round 3 here")])
def test_an_audit_in_the_wrong_place_says_so(
    home: str, said: str, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLUMBLINE_HOME", home)
    with temporary_settings({PREFECT_API_URL: server, PREFECT_LOGGING_TO_API_ENABLED: False}):
        state = audit("small", 3, return_state=True)
    assert state.is_failed() and said in str(state.message)
