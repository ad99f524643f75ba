"""A small campaign that has run, a place where it has not, and a real Prefect server."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from small_campaign import Finished, Place, at_home, place


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The API of a real `prefect server start`."""
    home = tmp_path_factory.mktemp("server")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    url = f"http://127.0.0.1:{port}/api"
    environment = os.environ | {
        "PREFECT_HOME": str(home),
        "PREFECT_SERVER_API_PORT": port,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }
    prefect = Path(sys.executable).with_name("prefect")
    with open(home / "log", "w") as log:
        process = subprocess.Popen([prefect, "server", "start"], env=environment, stdout=log, stderr=log)
        try:
            for _ in range(600):
                time.sleep(0.2)
                try:
                    urllib.request.urlopen(f"{url}/health")
                    break
                except OSError:
                    assert process.poll() is None, (home / "log").read_text()
            yield url
        finally:
            process.terminate()
            process.wait(20)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, server: str) -> Finished:
    """The small campaign, run to its end against the server."""
    there = place(tmp_path_factory.mktemp("calm"), PREFECT_API_URL=server)
    return Finished(there, there.run("run", there.campaign))


@pytest.fixture
def here(finished: Finished, server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Finished]:
    """The finished campaign, with this process at its home."""
    with at_home(finished, server, monkeypatch) as there:
        yield there


@pytest.fixture
def elsewhere(finished: Finished, tmp_path: Path) -> Place:
    """Another home, without a server, that has the fitted instruments but no campaign yet."""
    shutil.copytree(finished.place.home / "cache", tmp_path / "home" / "cache")
    return place(tmp_path / "home")
