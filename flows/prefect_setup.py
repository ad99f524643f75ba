"""Prefect's surroundings, set before Prefect is imported: a local database below PLUMBLINE_HOME unless the user has a
server of their own, which is then used as it is.

Reads: the environment and `~/.prefect/profiles.toml`. Writes: environment defaults; `<home>/prefect/`. Cleans up after
a killed run: its orphaned server ends, its flow runs are marked crashed. Must not know: what the flows do.
"""

import contextlib
import json
import logging
import os
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from warehouse.errors import PlumblineError

SERVER = "prefect.server.api.server:create_app"
LOCAL = {
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    "PREFECT_LOGGING_TO_API_ENABLED": "false",
    "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL",
}
ALWAYS = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
}


def configured_server() -> str:
    """The API the user has configured, by environment or active profile; "" when there is none."""
    if url := os.environ.get("PREFECT_API_URL"):
        return url
    folder = Path(os.environ.get("PREFECT_HOME") or "~/.prefect").expanduser()
    try:
        profiles = tomllib.loads(Path(os.environ.get("PREFECT_PROFILES_PATH") or folder / "profiles.toml").read_text())
    except (OSError, ValueError):
        return ""
    active = os.environ.get("PREFECT_PROFILE") or profiles.get("active", "")
    return str(profiles.get("profiles", {}).get(active, {}).get("PREFECT_API_URL", ""))


def prepare(home: Path) -> None:
    """Set the defaults; what the user has set stays. To be called before anything imports Prefect.

    Raises PlumblineError when `home` cannot be written.
    """
    defaults = dict(ALWAYS)
    if not configured_server():
        defaults |= LOCAL | {"PREFECT_HOME": str(home.resolve() / "prefect")}
    for name, value in defaults.items():
        os.environ.setdefault(name, value)
    try:
        Path(os.environ.get("PREFECT_HOME", home)).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        mend = "set PLUMBLINE_HOME to a folder of yours"
        raise PlumblineError(f"{home}: cannot be written ({error.strerror}); {mend}") from error


@contextlib.contextmanager
def prefect_for(folder: Path, tag: str) -> Iterator[None]:
    """Prefect around one campaign: what an earlier, killed run of it left behind is cleaned up first.

    `tag` marks its flow runs. Without a server of the user's, flows send no heartbeats (each would cost a second) and
    the local server's process is remembered in `folder`, so that the next run can end it if this one is killed.
    """
    from prefect import tags
    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

    record = folder / "server.json"
    local = not configured_server()
    _end_orphan(record)
    settings = {PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None} if local else {}
    with temporary_settings(settings), tags(tag), get_client(sync_client=True) as client:
        if local:
            _remember_server(record)
        _mark_crashed(client, tag)
        yield
        if local:
            _settle(client, tag)
    record.unlink(missing_ok=True)


def _settle(client: Any, tag: str) -> None:
    """Wait, 5 s at the most, until the local server has written down the last task runs; ended sooner it loses them."""
    counts, deadline = [-1, -2], time.monotonic() + 5
    while len(set(counts[-2:])) > 1 and time.monotonic() < deadline:
        time.sleep(0.3)
        asked = {"flow_runs": {"tags": {"all_": [tag]}}, "task_runs": {"state": {"type": {"any_": ["COMPLETED"]}}}}
        counts.append(client.request("POST", "/task_runs/count", json=asked).json())


def _remember_server(record: Path) -> None:
    children = [child for child in psutil.Process().children() if SERVER in child.cmdline()]
    record.write_text(json.dumps([[child.pid, child.create_time()] for child in children]))


def _end_orphan(record: Path) -> None:
    """End the server a killed run left behind, if it is still the same process."""
    if not record.is_file():
        return
    with contextlib.suppress(ValueError, psutil.Error):
        for pid, created in json.loads(record.read_text()):
            process = psutil.Process(pid)
            if process.create_time() == created and SERVER in process.cmdline():
                process.terminate()
                process.wait(10)


def _mark_crashed(client: Any, tag: str) -> None:
    """Flow runs of this campaign that still count as running belong to a process that is gone: the lock is ours."""
    from prefect.client.schemas.filters import FlowRunFilter
    from prefect.states import Crashed

    try:
        running = {"tags": {"all_": [tag]}, "state": {"type": {"any_": ["RUNNING", "PENDING", "CANCELLING"]}}}
        for run in client.read_flow_runs(flow_run_filter=FlowRunFilter.model_validate(running)):
            client.set_flow_run_state(run.id, Crashed(message="the process was killed"), force=True)
    except Exception:
        logging.getLogger("plumbline").warning("could not tidy the flow runs of an earlier, killed run", exc_info=True)
