"""Curating pairs that exist already: a campaign's own come to the campaign's own decisions; strange ones abstain."""

import json

import pytest
from small_campaign import Finished

from flows.cli import main
from warehouse.store import Store


def test_a_campaigns_own_pairs_come_to_its_own_decisions(
    finished: Finished, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    home = finished.place.home
    monkeypatch.setenv("PLUMBLINE_HOME", str(home))
    pairs = home / "own.jsonl.gz"
    main(["export", "small", "--to", str(pairs), "--decisions", "all", "--json"])
    rows = json.loads(capsys.readouterr().out.splitlines()[-1])["rows"]
    answer = finished.place.run("curate", pairs, "--campaign", finished.place.campaign)
    assert answer["pairs"] == rows
    assert decisions(answer["warehouse"], "source_id") == decisions(finished.report["warehouse"], "pair_id")
    for count in ("kept", "dropped", "quarantined", "abstained"):
        assert answer[count] == sum(summary[count] for summary in finished.report["rounds"])


def decisions(warehouse: str, name: str) -> dict[str, str]:
    with Store.open(warehouse, read_only=True) as store:
        rows = store.query(f"SELECT {name} AS id, decision FROM v_pairs").to_pylist()
    return {row["id"]: row["decision"] for row in rows}


def test_english_it_was_never_trained_on_is_not_read(finished: Finished) -> None:
    pairs = finished.place.home / "foreign.jsonl"
    turns = [
        ("Explain photosynthesis.", "Chlorophyll absorbs photons, driving electron transport.", "No idea, mate."),
        ("Who wrote Ulysses?", "James Joyce published Ulysses in Paris in 1922.", "Homer, obviously, millennia ago."),
    ]
    columns = ("prompt", "chosen", "rejected")
    pairs.write_text("".join(json.dumps(dict(zip(columns, turn, strict=True))) + "\n" for turn in turns))
    answer = finished.place.run("curate", pairs, "--campaign", finished.place.campaign)
    assert (answer["pairs"], answer["abstained"], answer["kept"], answer["dropped"]) == (2, 2, 0, 0)
