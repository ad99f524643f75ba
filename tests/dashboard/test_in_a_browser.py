"""Pairs and Review in a real browser, over pairs that hold ten thousand hostile strings: keys lead from pair to pair, a
verdict is given, nothing is run and nothing is asked of any other machine."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from browser import opened, served
from hostile import Snapshot, publish

from warehouse.inbox import waiting

STRANGE = "script, iframe, object, embed, link, form, meta, base, img, svg[onload], a[href^='javascript']"
OURS = "[data-testid=stHtml]"


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    return publish(tmp_path_factory.mktemp("hostile"))


@pytest.fixture(scope="module")
def url(snapshot: Snapshot) -> Iterator[str]:
    with served(snapshot.home) as address:
        yield address


class Watched:
    """A page of the browser, and whatever should never have come from it."""

    def __init__(self, page: Any) -> None:
        self.page, self.wrong = page, list[str]()
        page.on("dialog", self._dialog)
        page.on("pageerror", lambda error: self.wrong.append(f"error {error}"))
        page.on("request", self._request)
        page.on("console", self._console)

    def _dialog(self, dialog: Any) -> None:
        self.wrong.append(f"dialog {dialog.message}")
        dialog.dismiss()

    def _request(self, request: Any) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in ("data", "blob") and parts.hostname != "127.0.0.1":
            self.wrong.append(f"request {request.url}")

    def _console(self, message: Any) -> None:
        # Opened below a path, Streamlit first looks for its server there, and then one level up.
        looked_for_its_server = "/_stcore/" in (message.location or {}).get("url", "")
        if message.type == "error" and not looked_for_its_server:
            self.wrong.append(f"console {message.text}")

    def settled(self) -> None:
        """Waits until the page has run, and fails where anything foreign came to life on it."""
        self.page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]", timeout=30_000)
        found = self.page.evaluate(
            "([ours, strange]) => [...document.querySelectorAll(ours)].flatMap("
            "box => [...box.querySelectorAll(strange), ...[...box.querySelectorAll('*')].filter("
            "each => [...each.attributes].some(one => one.name.startsWith('on')))]).map(each => each.outerHTML)",
            [OURS, STRANGE],
        )
        assert found == [] and self.wrong == []
        assert self.page.locator("h1").is_visible() and self.page.locator("[data-testid=stException]").count() == 0


@pytest.fixture(scope="module")
def page() -> Iterator[Watched]:
    with opened() as tab:
        yield Watched(tab)


def test_keys_lead_through_ten_thousand_hostile_strings(page: Watched, url: str, snapshot: Snapshot) -> None:
    tab = page.page
    tab.goto(f"{url}/pairs?campaign=hostile&pair={snapshot.pairs[0]}")
    for number, pair in enumerate(snapshot.pairs):
        tab.get_by_text(f"{number + 1} of {len(snapshot.pairs)}", exact=True).wait_for(timeout=30_000)
        tab.locator(f"code:has-text('{pair}')").wait_for(timeout=30_000)
        page.settled()
        if number + 1 < len(snapshot.pairs):
            tab.keyboard.press("ArrowRight")
    assert f"pair={snapshot.pairs[-1]}" in tab.url
    assert "of 1,000,000 characters" in tab.locator("[data-testid=stMain]").inner_text()
    tab.get_by_text("Show long texts whole").click()
    tab.wait_for_function("document.querySelector('[data-testid=stMain]').innerText.length > 1000000", timeout=60_000)
    page.settled()
    tab.locator("h1").click()  # out of the switch, which keeps the keys to itself
    tab.keyboard.press("ArrowLeft")
    tab.get_by_text(f"{len(snapshot.pairs) - 1} of {len(snapshot.pairs)}", exact=True).wait_for(timeout=30_000)
    tab.keyboard.press("Escape")
    tab.get_by_text(f"{len(snapshot.pairs)} pairs", exact=True).wait_for(timeout=30_000)
    page.settled()
    tab.locator("[data-testid=stDataFrame]").click(position={"x": 200, "y": 36 + 18})  # the first row
    tab.get_by_text(f"1 of {len(snapshot.pairs)}", exact=True).wait_for(timeout=30_000)


def test_what_is_selected_is_what_was_written(page: Watched, url: str, snapshot: Snapshot) -> None:
    tab = page.page
    tab.goto(f"{url}/pairs?campaign=hostile&pair={snapshot.pairs[0]}")
    box = tab.locator(f"{OURS} .text").first
    box.wait_for(timeout=30_000)
    script = "box => { getSelection().selectAllChildren(box); return getSelection().toString(); }"
    assert box.evaluate(script).strip() == "<script>alert(1)</script>"


def test_a_verdict_is_given(page: Watched, url: str, snapshot: Snapshot) -> None:
    tab = page.page
    tab.goto(f"{url}/review?campaign=hostile")
    tab.get_by_label("Your name").fill("Ada <script>alert(1)</script>")
    tab.keyboard.press("Enter")
    tab.get_by_text("wait for you").wait_for(timeout=30_000)
    page.settled()
    assert "carried by" not in tab.locator("[data-testid=stMain]").inner_text()
    tab.get_by_text("unjustified", exact=True).click()
    tab.get_by_role("button", name="Give the verdict").click()
    tab.get_by_text("carried by").first.wait_for(timeout=30_000)
    page.settled()
    said = [one for one in waiting(Path(snapshot.home) / "hostile", "verdict") if one.who.startswith("Ada ")]
    assert [one.said["verdict"] for one in said] == ["unjustified"]
