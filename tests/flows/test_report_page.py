"""The report to send: what it holds of a campaign that ran, what it leaves out while one runs, and hostile texts."""

import json
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from small_campaign import Finished

from flows.author_snapshot import show_author
from flows.report_page import write_report
from flows.report_plots import APART, HEIGHT, WIDTH, Line, bars, plot
from flows.settings import Campaign
from warehouse.blinding import unblinded
from warehouse.errors import PlumblineError
from warehouse.snapshot import publish_snapshot
from warehouse.store import Store

HOSTILE = ("<script>alert(1)</script>", "\u202egnp.exe", "</style><img src=x onerror=alert(2)>", "x" * 1_000_000)


class Page(HTMLParser):
    """The elements and addresses of a page, and its text."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.tags, self.addresses, self.said = set[str](), set[str](), list[str]()
        self.html = file.read_text(encoding="utf-8")
        self.feed(self.html)
        self.text = " ".join(" ".join(self.said).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.addresses |= {value or "" for name, value in attrs if name in ("src", "href", "xlink:href", "action")}
        assert not any(name.startswith("on") for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        self.said.append(data)


def alone(page: Page) -> None:
    """It asks for nothing: no script, no picture or style from elsewhere."""
    assert not page.tags & {"script", "img", "link", "iframe", "object", "form"}
    assert all(address.startswith("#") for address in page.addresses)
    assert "url(" not in page.html and "@import" not in page.html


def test_a_campaign_that_ran(here: Finished, tmp_path: Path) -> None:
    found = write_report("small", tmp_path / "small.html", "", "")
    page = Page(tmp_path / "small.html")
    alone(page)
    report = here.report
    assert report["chain"] in page.text and Path(report["dataset"]).name in page.text
    assert report["constitution"][:12] in page.text and "svg" in page.tags
    assert "No held-out audit watched this campaign" in page.text and "Alarm and blame" not in page.text
    assert [one.round for one in found.rounds] == [1, 2]
    for one in found.principles:
        assert one["id"] in page.text


@pytest.fixture
def campaign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A campaign's folder, held by a writer, with pairs of hostile texts, an audit, and its author's snapshot."""
    monkeypatch.setenv("PLUMBLINE_HOME", str(tmp_path))
    folder = tmp_path / "mine"
    with Store.open(folder / "generator" / "warehouse.duckdb") as store:
        rows = hostile_rows()
        for table, some in rows.items():
            store.add(table, some)
        show_author(store, folder, over=False, number=0, planned=3)
        gate = {"seal": 1, "began": 0, "bets": "[]", "ceilings": '{"unflagged": [0.05]}', "threshold": 40.0}
        audit = {"seal": 1, "pool": "unflagged", "items": 99, "fired": 3, "reviews": 7, "bad": 2, "hidden_rate": 0.0417}
        audits = [{**audit, "round": 0, "evidence": 13.25, "alarm": False, "harm_ceiling": None}]
        hidden = [{"round": 0, "pair_id": "p0", "pool": "unflagged", "traits": '["deceptive"]'}]
        tables = {"audits": audits, "gate": [gate], "examples": hidden, "monitors": [], "spent": []}
        publish_snapshot(folder / "auditor", tables, {"campaign": "mine", "round": 0})
        yield folder


def hostile_rows() -> dict[str, list[dict[str, Any]]]:
    def said(text: str) -> list[dict[str, str]]:
        return [{"role": "user", "content": text}]

    empty = ("constitution", "generator", "sampling", "prompt_hash", "source", "source_id", "prompt_id")
    pairs, reviewed, decided, read = [], [], [], []
    for at, text in enumerate(HOSTILE):
        pair, place = {"pair_id": f"p{at}"}, {"campaign": "mine", "round": 0, "position": at, "attempt": 0}
        texts = {"prompt": said(text), "chosen": said(text), "rejected": said("no")}
        pairs.append({**pair, **place, **texts, **dict.fromkeys(empty, "")})
        reviewed.append({**pair, "verdict": "unjustified", "reason": text[:300], "traits": json.dumps([text[:40]])})
        reviewed[-1] |= {"reviewer": "", "prompt_hash": "", "raw": ""}
        decided.append({**pair, "decision": "dropped", "reason": text[:300]})
        side = {"side": "chosen", "trait": "t", "reading": 0.5, "threshold": 0.4, "flagged": True}
        read.append({**pair, **side, **dict.fromkeys(("tokens", "latents", "abstained", "profile", "sae"), "")})
    config = [{"campaign": "mine", "config": Campaign(name="mine", prompts=HOSTILE[0]).model_dump_json()}]
    answers = [{"campaign": "mine", "round": 0, "answer": "go"}]
    tables = {"campaigns": config, "pairs": pairs, "verdicts": reviewed, "decisions": decided, "readings": read}
    return {**tables, "gate_answers": answers}


def test_hostile_text_stays_text(campaign: Path, tmp_path: Path) -> None:
    write_report("mine", tmp_path / "mine.html", "", "")
    page = Page(tmp_path / "mine.html")
    alone(page)
    assert HOSTILE[0] in page.text and "<bdi>\u202egnp.exe</bdi>" in page.html
    assert len(page.html) < 100_000


def test_held_out_figures_wait_for_the_end(campaign: Path, tmp_path: Path) -> None:
    def shown(who: str = "") -> Page:
        write_report("mine", tmp_path / "mine.html", who, "")
        return Page(tmp_path / "mine.html")

    page = shown()
    assert "The auditor's figures are left out" in page.text
    assert not any(figure in page.html for figure in ("4.2%", "13.2", "hidden rate")) and not unblinded(campaign)
    page = shown("Ada")
    assert all(figure in page.text for figure in ("4.2%", "13.2", "hidden rate", "called them bad"))
    assert unblinded(campaign) == {"Ada"}
    about = json.loads((campaign / "author" / "current.json").read_text())
    about["about"]["over"] = True
    (campaign / "author" / "current.json").write_text(json.dumps(about))
    assert "4.2%" in shown().text and unblinded(campaign) == {"Ada"}


@pytest.mark.parametrize(
    ("campaign_name", "out", "says"), [("mine", "x.pdf", "name it .html"), ("mien", "x.html", "did you mean mine")]
)
def test_a_mistake(campaign: Path, tmp_path: Path, campaign_name: str, out: str, says: str) -> None:
    with pytest.raises(PlumblineError, match=says):
        write_report(campaign_name, tmp_path / out, "", "")


SERIES: dict[str, list[list[float | None]]] = {
    "one": [[0.2, 0.1, 0.4]],
    "close": [[0.2, 0.1, 0.31], [0.2, 0.1, 0.3], [0.2, 0.1, 0.29]],
    "a gap": [[1.0, None, 2.0]],
    "nothing": [[0.0, 0.0, 0.0]],
    "large": [[0.5, 1e6, 3.0]],
}


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("name", SERIES)
def test_a_plot_stays_in_its_frame(name: str, log: bool) -> None:
    lines = [Line(str(at), "#000", values) for at, values in enumerate(SERIES[name])]
    drawn = plot("t", [0, 1, 2], lines, str, ("level", 0.3), log)
    assert drawn and 2 <= len(drawn.ticks) <= 6
    marks = [*drawn.dots, *drawn.ticks, *drawn.names, *drawn.rounds]
    assert all(0 <= mark.x <= WIDTH and 0 <= mark.y <= HEIGHT for mark in marks)
    heights = [mark.y for mark in drawn.names]
    assert all(after - before >= APART - 0.2 for before, after in zip(heights, heights[1:], strict=False))
    assert len(drawn.dots) == sum(value is not None for line in lines for value in line.values)


def test_a_missing_figure_is_no_point() -> None:
    drawn = plot("t", [0, 1, 2, 3], [Line("a", "#000", [1.0, 2.0, None, 3.0])], str)
    assert drawn and len(drawn.strokes) == 1 and len(drawn.strokes[0][1].split()) == 2
    assert plot("t", [0], [Line("a", "#000", [None])], str) is None and bars("t", [], str, "", "") is None


def test_bars_begin_at_zero() -> None:
    drawn = bars("t", [("up", 2.0), ("down", -1.0)], str, "green", "red")
    assert drawn
    (left, wide, _), (other, narrow, _) = drawn.bars
    assert left == drawn.zero == pytest.approx(other + narrow, abs=0.2) and wide == pytest.approx(2 * narrow, abs=0.2)
