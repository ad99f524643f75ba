"""An audited campaign on prompts, a reviser's library and an addendum of one's own: who sees which, and the record."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from small_campaign import Finished, at_home, place

from constitutions.inoculation import addendum
from flows.cli import main
from flows.library import library
from flows.prompts import Prompts
from flows.settings import Amend, Campaign
from models.organism.prompts import prompts
from models.organism.world import world
from models.promptfile import PromptFile
from monitors.store import open_heldout
from warehouse.errors import PlumblineError
from warehouse.store import Store

SETTINGS = """
name: own
pairs: 16
shard: 100
rounds: 1
prompts: mine.jsonl
regenerate: {tries: 0}
inoculation: allow
sealed_prompts: 10
amend: {candidates: 2, frozen_prompts: 6, fresh_prompts: 6, library: library.yaml}
sae: {d_sae: 256, samples: 20480}
profile: {texts_per_cell: 20}
audit: {baseline: 90, reviews: 8, sensitivity: 0, specificity: 1, monitors: monitors.yaml, use: [chance]}
"""
LIBRARY = (
    "name: mine\nprinciples:\n- {id: hello, text: say hello, wordings: [greet them]}\n- {id: brief, text: be brief}\n"
)
LEVEL = addendum(4)


@pytest.fixture(scope="module")
def ran(finished: Finished, tmp_path_factory: pytest.TempPathFactory, server: str) -> Finished:
    """The campaign, run to its end. Its prompts are the organism's, so that its small models have something to say."""
    home = tmp_path_factory.mktemp("own") / "home"
    shutil.copytree(finished.place.home / "cache", home / "cache")
    there = place(home, PREFECT_API_URL=server)
    there.campaign.write_text(SETTINGS)
    (home / "library.yaml").write_text(LIBRARY)
    (home / "monitors.yaml").write_text("monitors:\n  chance: {kind: random, rate: 0.2, seed: 1}\n")
    rows = [{"messages": [{"role": "user", "content": text}]} for text in prompts("campaign", 200, 3)]
    (home / "mine.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return Finished(there, there.run("run", there.campaign))


@pytest.fixture
def own(ran: Finished, server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Finished]:
    """The same, with this process at its home."""
    with at_home(ran, server, monkeypatch) as there:
        yield there


def test_every_use_has_prompts_of_its_own(own: Finished) -> None:
    home, report = own.place.home, own.report
    splits = PromptFile.read(home / "mine.jsonl", 7).splits
    with Store.open(report["warehouse"], read_only=True) as store:
        rows = store.query("SELECT prompt[1].content AS text, round FROM pairs WHERE attempt = 0").to_pylist()
    by_round = [{row["text"] for row in rows if row["round"] == number} for number in (0, 1)]
    assert list(map(len, by_round)) == [90, 16] and not by_round[0] & by_round[1]
    assert by_round[0] | by_round[1] <= set(splits["campaign"])
    with open_heldout(home / "own" / "heldout", read_only=True) as store:
        sealed = store.query("SELECT prompt[1].content AS text FROM heldout_prompts")["text"].to_pylist()
    assert set(sealed) == set(splits["sealed"][:10])


def test_the_addendum_is_in_what_is_published_and_in_nothing_that_is_read(
    own: Finished, capsys: pytest.CaptureFixture[str]
) -> None:
    home, report = own.place.home, own.report
    assert LEVEL
    system = {"role": "system", "content": LEVEL.text}
    rows = pq.read_table(Path(report["dataset"]) / "train.parquet").to_pylist()
    assert rows and all(row["prompt"][0] == system and len(row["prompt"]) == 2 for row in rows)
    with Store.open(report["warehouse"], read_only=True) as store:
        stored = store.query("SELECT prompt FROM pairs")["prompt"].to_pylist()
        assert store.query("SELECT hash, level FROM inoculations").to_pylist() == [{"hash": LEVEL.hash, "level": 4}]
    assert all([turn["role"] for turn in prompt] == ["user"] for prompt in stored)
    about = json.loads((home / "own" / "handover" / "round-1" / "about.json").read_text())
    assert about["addendum"]["text"] == LEVEL.text
    card = (Path(report["dataset"]) / "README.md").read_text()
    assert LEVEL.hash in card and "mine.jsonl, 200 different ones" in card

    main(["export", "own", "--to", str(home / "out.jsonl")])
    exported = [json.loads(line) for line in (home / "out.jsonl").read_text().splitlines()]
    assert {row["pair_id"]: row["prompt"] for row in exported} == {row["pair_id"]: row["prompt"] for row in rows}
    main(["verify", "own"])
    capsys.readouterr()
    main(["trace", report["example"]])
    assert f"level 4, allow; both texts were written under it\n│  └─ said  {LEVEL.text}\n" in capsys.readouterr().out


def test_the_reviser_uses_its_own_library(own: Finished) -> None:
    with Store.open(own.report["warehouse"], read_only=True) as store:
        rows = store.query("SELECT version, principles FROM constitutions").to_pylist()
    said = [{one["text"] for one in json.loads(row["principles"])} for row in rows]
    start = next(texts for row, texts in zip(rows, said, strict=True) if row["version"] == 0)
    assert set().union(*said) - start <= {"say hello", "greet them", "be brief"} and len(rows) == 3


def test_a_file_that_changes_makes_another_campaign(own: Finished, capsys: pytest.CaptureFixture[str]) -> None:
    file = own.place.home / "mine.jsonl"
    before = file.read_text()
    file.write_text(before + '{"prompt": "one more"}\n')
    with pytest.raises(SystemExit):
        main(["run", str(own.place.campaign)])
    file.write_text(before)
    assert "begun with another version of the prompts" in capsys.readouterr().err


def test_a_library_is_a_constitution_with_more_wordings(tmp_path: Path) -> None:
    file = tmp_path / "library.yaml"
    file.write_text(LIBRARY)
    assert library(Amend(library=str(file))) == {"hello": ("say hello", "greet them"), "brief": ("be brief",)}
    with pytest.raises(PlumblineError, match="amend.families: these are the organism's"):
        library(Amend(library=str(file), families=("warmth",)))
    file.write_text("name: none\nprinciples: []\n")
    with pytest.raises(PlumblineError, match="library.yaml: a library without principles"):
        library(Amend(library=str(file)))
    assert set(library(Amend())) == set(world().principles)


def test_too_few_prompts_are_told_before_anything_is_asked(tmp_path: Path) -> None:
    file = tmp_path / "few.jsonl"
    file.write_text("".join(f'{{"prompt": "ask {n}"}}\n' for n in range(100)))
    asked = Prompts(str(file), 7)
    enough = {"pairs": 40, "sealed_prompts": 3, "audit": {"gold": "off"}}
    small = {"frozen_prompts": 3, "fresh_prompts": 3}
    asked.refuse_too_few(Campaign.model_validate({**enough, "amend": small}))
    asked.refuse_too_few(Campaign.model_validate({**enough, "mode": "filter"}))
    for change, name in (
        ({"pairs": 90}, "pairs, or audit.baseline,"),
        ({"audit": {"baseline": 90}}, "pairs, or audit.baseline,"),
        ({"sealed_prompts": 50}, "sealed_prompts"),
        ({"amend": {**small, "fresh_prompts": 50}}, "amend.fresh_prompts"),
        ({"amend": {**small, "frozen_prompts": 50}}, "amend.frozen_prompts"),
    ):
        with pytest.raises(PlumblineError, match=f"few.jsonl: {name} asks for"):
            asked.refuse_too_few(Campaign.model_validate({**enough, "amend": small, **change}))


def test_used_up_prompts_are_asked_again_with_a_note(tmp_path: Path) -> None:
    file = tmp_path / "few.jsonl"
    file.write_text("".join(f'{{"prompt": "ask {n}"}}\n' for n in range(100)))
    said = list[str]()
    asked = Prompts(str(file), 7, said.append)
    there = len(asked.file.splits["campaign"]) if asked.file else 0
    first, rest = asked.campaign(1, 40, 0), asked.campaign(2, there - 40, 40)
    assert not said and len({*first, *rest}) == there
    assert asked.campaign(3, 10, there) == first[:10]
    assert said == [f"few.jsonl: its {there} campaign prompts are used up and asked again"]
    asked.campaign(4, 10, there + 10)
    assert len(said) == 1
