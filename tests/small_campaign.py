"""A small real campaign on the shipped organism, run as people run it: by the command line, in processes of its own."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from prefect.settings import PREFECT_API_URL, PREFECT_LOGGING_TO_API_ENABLED, temporary_settings

SETTINGS = """
name: small
pairs: 16
shard: 8
rounds: 2
amend: {candidates: 2, frozen_prompts: 6, fresh_prompts: 6}
sae: {d_sae: 256, samples: 20480}
profile: {texts_per_cell: 20}
audit: {gold: "off"}
"""
# Which modules a run loads is part of what is tested: a contract cannot see an import made by name.
RUN = "import sys; from flows.cli import main; main(); print(sorted(sys.modules), file=open(sys.argv[0], 'w'))"


class Place(NamedTuple):
    """A PLUMBLINE_HOME with a campaign file, and the environment of a command run there."""

    home: Path
    campaign: Path
    environment: dict[str, str]

    def start(self, *arguments: str | Path, code: str = RUN) -> subprocess.Popen[str]:
        code = code.replace("sys.argv[0]", repr(str(self.home / "modules.txt")))
        command = [sys.executable, "-c", code, *map(str, arguments)]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, env=self.environment, stdout=pipe, stderr=pipe, text=True)

    def run(self, *arguments: str | Path, code: str = RUN) -> dict[str, Any]:
        """The command's JSON answer. Fails with what it printed when it ends otherwise."""
        out, err = (process := self.start(*arguments, "--json", code=code)).communicate(timeout=300)
        assert process.returncode == 0, err
        return dict(json.loads(out.splitlines()[-1]))


def place(home: Path, **environment: str) -> Place:
    home.mkdir(parents=True, exist_ok=True)
    (home / "small.yaml").write_text(SETTINGS)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    own = {"PLUMBLINE_HOME": str(home), "PREFECT_PROFILES_PATH": str(home / "none"), "OMP_NUM_THREADS": "1"}
    return Place(home, home / "small.yaml", clean | own | environment)


class Finished(NamedTuple):
    place: Place
    report: dict[str, Any]


@contextlib.contextmanager
def at_home(ran: Finished, server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Finished]:
    """The finished campaign, with this process at its home."""
    monkeypatch.setenv("PLUMBLINE_HOME", str(ran.place.home))
    monkeypatch.setenv("PREFECT_API_URL", server)
    with temporary_settings({PREFECT_API_URL: server, PREFECT_LOGGING_TO_API_ENABLED: False}):
        yield ran
