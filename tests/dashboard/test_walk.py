"""A walk through the dashboard in a real Chromium: the rounds, a pair, its constitution, what came of it, and back."""

from collections.abc import Iterator

import pytest
from browser import opened, served
from shown_campaign import show_campaign

PAIR = f"{5:016x}"
PATIENCE = 60_000  # milliseconds


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A dashboard over a made-up campaign."""
    home = tmp_path_factory.mktemp("walk")
    show_campaign(home, 60, 3)
    with served(home) as address:
        yield address


def test_from_a_pair_to_its_constitution_and_back(url: str) -> None:
    with opened() as page:
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
        page.get_by_role("button", name="+ 20 pairs").last.focus()  # the picture before it may still stand
        page.keyboard.press("Enter")
        page.wait_for_url("**list=down*")
        page.get_by_role("heading", name="20 pairs").wait_for()

        page.go_back()
        page.get_by_role("heading", name="Thrown out").wait_for()
        assert "list=" not in page.url
