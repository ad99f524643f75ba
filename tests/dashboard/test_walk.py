"""A walk through the dashboard in a real Chromium: the rounds, a pair, its constitution, what came of it, and back."""

import os
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from time import sleep

import pytest
from shown_campaign import show_campaign

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ROOT = Path(__file__).parents[2]
PAIR = f"{5:016x}"
PATIENCE = 60_000  # milliseconds


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A dashboard over a made-up campaign, in a process of its own."""
    home = tmp_path_factory.mktemp("walk")
    show_campaign(home, 60, 3)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    told = {"server.port": port, "server.address": "127.0.0.1", "server.headless": "true"}
    told |= {"server.fileWatcherType": "none", "browser.gatherUsageStats": "false"}
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "dashboard" / "app.py")]
    command += [part for name, value in told.items() for part in (f"--{name}", str(value))]
    environment = os.environ | {"PLUMBLINE_HOME": str(home), "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health")
                break
            except OSError:
                assert process.poll() is None
                sleep(0.2)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")
def test_from_a_pair_to_its_constitution_and_back(url: str) -> None:
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(PATIENCE)
        page.goto(url)
        page.get_by_role("heading", name="What became of the pairs").wait_for()
        page.get_by_role("link", name="Pairs").click()
        page.get_by_label("Id begins with").fill(PAIR)
        page.keyboard.press("Enter")
        page.get_by_text("1 pair", exact=True).wait_for()
        page.goto(f"{url}/pairs?campaign=shown&pair={PAIR}")
        page.get_by_role("link", name="its lineage").click()
        page.get_by_role("button", name=f"pair {PAIR[:9]}").wait_for()

        page.get_by_role("button", name="constitution").first.click()
        page.wait_for_url("**node=constitution*")
        page.get_by_role("link", name="See what it changed").click()
        page.get_by_role("button", name="v1 reword be-warm").click()
        page.wait_for_url("**/constitution?**constitution=*")
        page.get_by_role("link", name="What came of it").click()
        page.get_by_role("button", name="+ 20 pairs").focus()
        page.keyboard.press("Enter")
        page.wait_for_url("**list=down*")
        page.get_by_role("heading", name="20 pairs").wait_for()

        page.go_back()
        page.get_by_role("heading", name="Thrown out").wait_for()
        assert "list=" not in page.url
        browser.close()
