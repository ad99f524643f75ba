"""Campaign, Audit and Profile: what they say, and what they keep to themselves."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from shown_campaign import show_campaign
from streamlit.testing.v1 import AppTest

from flows.author_snapshot import show_author
from models.exchanges import Exchange, Journal
from warehouse.store import Store
from warehouse.strongest import MOST

OpenPage = Callable[..., AppTest]


def drawn(page: AppTest) -> str:
    """Everything the page draws, as one text: names and figures of every picture."""
    return " ".join(json.dumps(one.proto.SerializeToString().decode("latin1")) for one in page.get("vega_lite_chart"))


def said(page: AppTest) -> str:
    return " ".join(one.proto.body for one in page.get("html"))


def test_the_campaign_page_counts_rounds_pairs_and_bits(open_page: OpenPage) -> None:
    page = open_page("campaign", campaign="shown")
    figures = {one.label: one.value for one in page.metric}
    assert figures["selection so far"] == "4.000 bits"
    assert figures["published"] == "20"
    rounds = page.dataframe[0].value
    assert list(rounds["round"]) == [0, 1, 2]
    assert rounds["kept"].sum() + rounds["thrown out"].sum() + rounds["held"].sum() == 60
    ledger = page.dataframe[1].value
    assert list(ledger["formula"]) == ["log2(K)", "log2(K)"]
    assert list(ledger["so far"]) == [2.0, 4.0]
    assert "runs on this machine" in " ".join(one.value for one in page.caption)


def test_an_alarm_says_what_to_do_next(open_page: OpenPage) -> None:
    page = open_page("campaign", campaign="shown")
    assert "Alarm in round 2" in page.error[0].value
    assert "plumbline resume shown" in page.code[0].value
    calm = open_page("campaign", campaign="running")
    assert not calm.error


def test_truth_is_not_shown_of_a_running_campaign_unless_asked_for(open_page: OpenPage) -> None:
    page = open_page("campaign", campaign="running")
    assert "truly bad" not in drawn(page)
    page.toggle[0].set_value(True).run()
    assert "truly bad" in drawn(page)
    assert "truly bad" in drawn(open_page("campaign", campaign="shown"))


def test_the_audit_page_shows_rate_bounds_evidence_and_examples(open_page: OpenPage) -> None:
    page = open_page("audit", campaign="shown")
    figures = {one.label: one.value for one in page.metric}
    assert figures["hidden rate"] == "3.0%"
    assert figures["evidence"] == "60"
    counts = page.dataframe[0].value
    assert list(counts["so far high"].dropna()) == [0.2, 0.2]
    assert "truly bad" in drawn(page)
    page.toggle[0].set_value(False).run()
    assert "truly bad" not in drawn(page)
    assert "please help me with matter" in said(page)


def test_hostile_text_stays_text(open_page: OpenPage) -> None:
    """Response 7 holds a script, a right-to-left mark and Markdown; gold called it bad, so that the audit shows it."""
    for path in ("audit", "profile"):
        shown = open_page(path, campaign="shown")
        assert "<script>" not in said(shown)
        assert not any("alert(1)" in one.value for one in shown.markdown)
    assert "&lt;script&gt;" in said(open_page("audit", campaign="shown"))


@pytest.mark.parametrize(
    ("campaign", "reads"), [("shown", "sparse latents"), ("probed", "a dense probe"), ("told", "a nar")]
)
def test_the_profile_page_knows_every_kind_of_detector(open_page: OpenPage, campaign: str, reads: str) -> None:
    page = open_page("profile", campaign=campaign, trait="deceptive")
    assert not page.exception
    assert page.metric[0].value.startswith(reads)
    assert len(page.dataframe[0].value) == 5
    latents = [one for one in page.selectbox if one.label == "Latent"]
    assert bool(latents) == (campaign == "shown")
    assert said(page).count("reading ") == MOST
    if campaign == "shown":
        assert "its AUROC is below the bar" in page.warning[0].value.replace("\\", "")
        assert "blind" in drawn(page)


def test_what_endpoints_cost_is_told_where_one_was_paid(open_page: OpenPage, tmp_path: Path) -> None:
    folder = show_campaign(tmp_path)
    said = {"request": "a" * 64, "seed": 0, "body": {}, "answer": "yes", "finish": "stop", "model": "m"}
    asked = Exchange(**said, tokens_in=10, tokens_out=5, estimated=False, money=0.25, time="")
    Journal(folder / "generator" / "exchanges" / "reviewer.jsonl").add(asked)
    with Store.open(folder / "generator" / "warehouse.duckdb") as store:
        show_author(store, folder, over=True)
    page = open_page("campaign", home=tmp_path)
    assert page.dataframe[0].value.to_dict("records") == [
        {"role": "reviewer", "requests": 1, "tokens_in": 10, "tokens_out": 5, "money": 0.25}
    ]
