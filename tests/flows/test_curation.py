"""Curating pairs that exist already: a campaign's own come to the campaign's own decisions; strange ones abstain."""

import json
from pathlib import Path
from typing import Any

import pytest
from small_campaign import Finished

from flows.cli import main
from warehouse.store import Store


def curate(here: Finished, pairs: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    main(["curate", str(pairs), "--campaign", str(here.place.campaign), "--json"])
    return dict(json.loads(capsys.readouterr().out.splitlines()[-1]))


def test_a_campaigns_own_pairs_come_to_its_own_decisions(here: Finished, capsys: pytest.CaptureFixture[str]) -> None:
    pairs = here.place.home / "own.jsonl.gz"
    main(["export", "small", "--to", str(pairs), "--decisions", "all", "--json"])
    answer = curate(here, pairs, capsys)
    assert decisions(answer["warehouse"], "source_id") == decisions(here.report["warehouse"], "pair_id")
    main(["verify", answer["campaign"], "--head", answer["chain"], "--json"])
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["ok"]
    assert answer["pairs"] == sum(summary["pairs"] + summary["regenerated"] for summary in here.report["rounds"])
    for count in ("kept", "dropped", "quarantined", "abstained"):
        assert answer[count] == sum(summary[count] for summary in here.report["rounds"])


def decisions(warehouse: str, name: str) -> dict[str, str]:
    with Store.open(warehouse, read_only=True) as store:
        rows = store.query(f"SELECT {name} AS id, decision FROM v_pairs").to_pylist()
    return {row["id"]: row["decision"] for row in rows}


def test_english_it_was_never_trained_on_is_not_read(here: Finished, capsys: pytest.CaptureFixture[str]) -> None:
    pairs = here.place.home / "foreign.jsonl"
    turns = [
        ("Explain photosynthesis.", "Chlorophyll absorbs photons, driving electron transport.", "No idea, mate."),
        ("Who wrote Ulysses?", "James Joyce published Ulysses in Paris in 1922.", "Homer, obviously, millennia ago."),
    ]
    columns = ("prompt", "chosen", "rejected")
    pairs.write_text("".join(json.dumps(dict(zip(columns, turn, strict=True))) + "\n" for turn in turns))
    answer = curate(here, pairs, capsys)
    assert (answer["pairs"], answer["abstained"], answer["kept"], answer["dropped"]) == (2, 2, 0, 0)
