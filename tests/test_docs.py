"""What the pages say exists does: links, benchmarks, commands; and the method's figures carry theirs."""

import re
from pathlib import Path

import pytest

from flows.cli import app

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")
AUTOMATIONS = {"alarm", "silence"}  # "plumbline alarm" is what one of them is called
COMMAND = re.compile(r"`plumbline ([a-z]+(?: [a-z]+)?)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_a_page_names_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    links = [link for link in LINK.findall(text) if "://" not in link]
    assert not [link for link in links if not (page.parent / link).exists()]
    scripts = set(re.findall(r"benchmarks/\w+\.py", text))
    assert not [script for script in scripts if not (ROOT / script).is_file()]
    assert not [told for told in COMMAND.findall(text) if told.split()[0] not in app and told not in AUTOMATIONS]


def test_every_figure_of_the_method_carries_its_command() -> None:
    """A paragraph or row with a measured figure names the command that makes it."""
    method = (ROOT / "docs" / "method.md").read_text(encoding="utf-8")
    blocks = re.split(r"\n\n|\n(?=\| )|\n(?=- )", method)
    measured = [block for block in blocks if re.search(r"(?<![\d.])\.\d\d|\d+ of \d+|\d %", block)]
    assert len(measured) > 5
    assert not [block for block in measured if not re.search(r"`(plumbline|python) |the same \|$", block)]
