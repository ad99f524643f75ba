"""A real browser and a real `plumbline ui` for it. A test that imports this is skipped where there is no Playwright, or
no Chromium: the one named in PLUMBLINE_CHROMIUM, else one on the PATH."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = os.environ.get("PLUMBLINE_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
if not CHROMIUM:
    pytest.skip("no Chromium on the PATH; name one in PLUMBLINE_CHROMIUM", allow_module_level=True)
playwright = pytest.importorskip("playwright.sync_api", reason="no Playwright; pip install -e '.[dev]'")


@contextlib.contextmanager
def served(home: Path) -> Iterator[str]:
    """The address of a `plumbline ui` over the campaigns in `home`."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-c", "from flows.cli import main; main()", "ui", "--port", str(port)]
    with open(home / "log", "w") as log:
        environment = os.environ | {"PLUMBLINE_HOME": str(home)}
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
        try:
            for _ in range(300):
                time.sleep(0.2)
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health")
                    break
                except OSError:
                    assert process.poll() is None, (home / "log").read_text()
            yield f"http://127.0.0.1:{port}"
        finally:
            os.killpg(process.pid, 15)
            process.wait(20)


@contextlib.contextmanager
def opened() -> Iterator[Any]:
    """An empty page of the browser."""
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser.new_page(viewport={"width": 1280, "height": 900})
        browser.close()
