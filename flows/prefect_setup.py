"""Prefect's surroundings: a local database and server below PLUMBLINE_HOME, unless the user has a server of their own,
which is then used as it is.

Reads: the environment and Prefect's `profiles.toml`. Writes: environment defaults; `<home>/prefect/`. Flow runs that a
killed run left behind are marked crashed. Must not know: what the flows do.
"""

import contextlib
import os
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flows.local_server import LocalServer, local_server
from warehouse.errors import PlumblineError

DEFAULTS = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    # What goes wrong is told in one line at the end; --debug shows the rest.
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
}
LOCAL = {"PREFECT_LOGGING_TO_API_ENABLED": "false"}


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


def prepare(home: Path, debug: bool = False) -> None:
    """Set the defaults; what the user has set stays. To be called before anything imports Prefect.

    Raises PlumblineError when `home` cannot be written.
    """
    quiet(debug)
    if not configured_server():
        for name, value in (LOCAL | {"PREFECT_HOME": str(home.resolve() / "prefect")}).items():
            os.environ.setdefault(name, value)
    try:
        Path(os.environ.get("PREFECT_HOME", home)).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        mend = "set PLUMBLINE_HOME to a folder of yours"
        raise PlumblineError(f"{home}: cannot be written ({error.strerror}); {mend}") from error


def quiet(debug: bool = False) -> None:
    """Set the defaults that hold for every command; what the user has set stays."""
    for name, value in ({} if debug else DEFAULTS).items():
        os.environ.setdefault(name, value)


@contextlib.contextmanager
def server_if_needed() -> Iterator[LocalServer | None]:
    """A server of this command's own, on its way up while other things are loaded; None where the user has one."""
    if configured_server():
        yield None
    else:
        with local_server(Path(os.environ["PREFECT_HOME"])) as server:
            yield server


@contextlib.contextmanager
def prefect_for(tag: str, server: LocalServer | None) -> Iterator[None]:
    """Prefect around one campaign, whose flow runs carry `tag`; no two processes use the same one at a time.

    On a server of our own, flows send no heartbeats: each flow would wait a second for its heartbeat's end.
    """
    from prefect import tags
    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_API_URL, PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

    settings: dict[Any, Any] = {}
    if server:
        server.wait()
        settings = {PREFECT_API_URL: server.url, PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}
    with temporary_settings(settings), tags(tag), get_client(sync_client=True) as client:
        mark_crashed(client, flow_run_filter={"tags": {"all_": [tag]}})
        yield
        if server:
            _settle(client, tag)


def mark_crashed(client: Any, **among: dict[str, Any]) -> None:
    """Flow runs that still count as running, `among` those of a process that was killed: filters by name, as
    `read_flow_runs` takes them."""
    from prefect.client.schemas import filters
    from prefect.states import Crashed

    running = {"state": {"type": {"any_": ["RUNNING", "PENDING", "CANCELLING"]}}}
    among = {**among, "flow_run_filter": among.get("flow_run_filter", {}) | running}
    kinds: dict[str, Any] = {"flow_run_filter": filters.FlowRunFilter, "work_pool_filter": filters.WorkPoolFilter}
    for run in client.read_flow_runs(**{name: kinds[name].model_validate(told) for name, told in among.items()}):
        client.set_flow_run_state(run.id, Crashed(message="its process was killed"), force=True)


def _settle(client: Any, tag: str) -> None:
    """Wait, 5 s at the most, until the server has written down the last task runs; ended sooner it loses them."""
    counts, deadline = [-1, -2], time.monotonic() + 5
    asked = {"flow_runs": {"tags": {"all_": [tag]}}, "task_runs": {"state": {"type": {"any_": ["COMPLETED"]}}}}
    while len(set(counts[-2:])) > 1 and time.monotonic() < deadline:
        time.sleep(0.3)
        counts.append(client.request("POST", "/task_runs/count", json=asked).json())
