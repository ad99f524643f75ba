"""One machine's Prefect: a server, the two work pools, their deployments, a worker for each pool, and the dashboard.

Reads: `prefect.yaml`. Writes: everything below `<home>/prefect/served/`: the server's database, a log for each process.
Must not know: what the flows do. All that is brought up ends with this process; what ran when it ended is marked
crashed at the next start, and a campaign goes on when it is asked for again.
"""

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from flows.dashboard import ROOT, arguments
from flows.lifeline import lifeline
from warehouse.errors import PlumblineError

HOST = "127.0.0.1"
DEPLOYMENTS = {"generator": "campaign/generator", "auditor": "audit/auditor"}  # work pool: its deployment
PATIENCE = 120
Children = dict[str, subprocess.Popen[bytes]]


class Served(NamedTuple):
    """`deployed`: the deployments that were new to the server."""

    server: str
    api: str
    dashboard: str
    logs: Path
    deployed: tuple[str, ...]
    automations: tuple[str, ...]
    children: Children

    def wait(self) -> None:
        """Until a process ends that should not: raises PlumblineError naming its log."""
        while True:
            _all_alive(self.children, self.logs)
            time.sleep(0.5)


@contextlib.contextmanager
def served(home: Path, port: int, dashboard_port: int, webhook: str = "") -> Iterator[Served]:
    """Bring everything up; at the end of the context all of it ends.

    Raises PlumblineError when a port is taken, `home` is served already, or something does not come up.
    """
    folder = home.resolve() / "prefect" / "served"
    api = f"http://{HOST}:{port}/api"
    with lifeline(folder / "lock") as tie, contextlib.ExitStack() as stack:
        _free(port, "--port")
        _free(dashboard_port, "--dashboard-port")
        environment = surroundings(home, folder, port) | tie
        children: Children = {}

        def start(name: str, *module: str) -> None:
            children[name] = stack.enter_context(_child(folder / f"{name}.log", environment, module))

        start("server", "prefect", "server", "start", "--host", HOST, "--port", str(port))
        start("dashboard", "streamlit", *arguments(HOST, dashboard_port))
        _until_up(f"{api}/health", children, folder)
        _pools(api)
        for pool in DEPLOYMENTS:
            start(pool, "prefect", "worker", "start", "--pool", pool, "--type", "process", "--name", f"{pool}-here")
        new = _deploy(api, environment)
        made = _automations(api, webhook)
        _until_up(f"http://{HOST}:{dashboard_port}/_stcore/health", children, folder)
        yield Served(f"http://{HOST}:{port}", api, f"http://{HOST}:{dashboard_port}", folder, new, made, children)


def surroundings(home: Path, folder: Path, port: int) -> dict[str, str]:
    """The environment of every process that is brought up; what the user has set stays, where it is not this."""
    kept = {name: value for name, value in os.environ.items() if name != "PREFECT_PROFILE"}
    usual = {
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_UI_API_URL": f"http://{HOST}:{port}/api",
        "PREFECT_WORKER_QUERY_SECONDS": "2",
        # Leases kept in memory would be lost with the server, and the slots they hold never freed.
        "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
        "PREFECT_SERVER_UI_STATIC_DIRECTORY": str(folder / "pages"),
    }
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH", ""))))
    own = {
        "PLUMBLINE_HOME": str(home.resolve()),
        "PYTHONPATH": path,
        "PREFECT_HOME": str(folder),
        "PREFECT_PROFILES_PATH": str(folder / "profiles.toml"),
        "PREFECT_API_URL": f"http://{HOST}:{port}/api",
        "PREFECT_SERVER_API_HOST": HOST,
        "PREFECT_SERVER_API_PORT": str(port),
    }
    return usual | kept | own


def _free(port: int, option: str) -> None:
    try:
        socket.create_server((HOST, port)).close()
    except (OSError, OverflowError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise PlumblineError(f"port {port} cannot be had ({why}); name another with {option}") from error


@contextlib.contextmanager
def _child(log: Path, environment: dict[str, str], module: tuple[str, ...]) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "flows.lifeline", *module]
    with open(log, "ab") as output:
        # In a session of its own: an interrupt is for this process, which then ends them all.
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=environment,
            cwd=ROOT,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _all_alive(children: Children, logs: Path) -> None:
    for name, process in children.items():
        if process.poll() is not None:
            raise PlumblineError(f"{name} ended with code {process.returncode}; see {logs / f'{name}.log'}")


def _until_up(url: str, children: Children, logs: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        _all_alive(children, logs)
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except OSError as error:
            if time.monotonic() > deadline:
                raise PlumblineError(f"{url} does not answer ({error}); see {logs}") from error
            time.sleep(0.2)


def _pools(api: str) -> None:
    """The work pools, made where they are missing; a run of theirs that still counts as running was killed."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.actions import WorkPoolCreate
    from prefect.exceptions import ObjectNotFound
    from prefect.settings import PREFECT_API_URL, temporary_settings
    from prefect.workers.process import ProcessWorker

    from flows.prefect_setup import mark_crashed

    with temporary_settings({PREFECT_API_URL: api}), get_client(sync_client=True) as client:
        for pool in DEPLOYMENTS:
            try:
                client.read_work_pool(pool)
            except ObjectNotFound:
                template = ProcessWorker.get_default_base_job_template()
                client.create_work_pool(WorkPoolCreate(name=pool, type="process", base_job_template=template))
        mark_crashed(client, work_pool_filter={"name": {"any_": list(DEPLOYMENTS)}})


def _deploy(api: str, environment: dict[str, str]) -> tuple[str, ...]:
    """Deploy what the server does not know yet: what people have changed since on its pages stays."""
    from prefect.client.orchestration import get_client
    from prefect.exceptions import ObjectNotFound
    from prefect.settings import PREFECT_API_URL, temporary_settings

    def known(client: Any, name: str) -> bool:
        try:
            return bool(client.read_deployment_by_name(name))
        except ObjectNotFound:
            return False

    with temporary_settings({PREFECT_API_URL: api}), get_client(sync_client=True) as client:
        missing = tuple(name for name in DEPLOYMENTS.values() if not known(client, name))
    if missing:
        names = [part for name in missing for part in ("--name", name.partition("/")[2])]
        command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", *names]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
        if done.returncode:
            raise PlumblineError(f"prefect.yaml could not be deployed: {(done.stdout + done.stderr).strip()}")
    return missing


def _automations(api: str, webhook: str) -> tuple[str, ...]:
    from prefect.settings import PREFECT_API_URL, temporary_settings

    from flows.automations import set_up

    with temporary_settings({PREFECT_API_URL: api}):
        return tuple(set_up(webhook))
