"""`plumbline train`, `forecast`, `outcome`: lineage is written down, the tainted refused, held-out figures guarded."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
from synthetic import tables

from flows import heldout_forecast
from flows import train as training
from flows.author_snapshot import show_author
from flows.cli import main
from flows.forecast import DETECTOR, Forecast
from flows.outcome import Outcome
from flows.settings import Campaign, Models
from models.shift import Shift
from monitors.embedded import settings
from tasks.publish import CardFacts, Dataset, publish
from warehouse.blinding import unblinded
from warehouse.chain import extend, head
from warehouse.errors import PlumblineError
from warehouse.lineage import trace
from warehouse.store import Store

MADE = tables(20, "small", round=1)
QUICK = ("--epochs", "1", "--batch", "8", "--learning-rate", "0.003")
Answer = Callable[..., dict[str, Any]]


class Here:
    """A campaign of one published round, by hand: `tiny` is its reader."""

    def __init__(self, home: Path, reader: Path) -> None:
        self.folder = home / "small"
        self.path = self.folder / "generator" / "warehouse.duckdb"
        with Store.open(self.path) as store:
            config = Campaign(name="small", models=Models(reader=str(reader))).model_dump_json()
            store.add("campaigns", [{"campaign": "small", "config": config}])
            first = {"hash": "c" * 64, "name": "start", "version": 1, "principles": "[]", "amendment": "say less"}
            store.add("constitutions", [first])
            for name in MADE._fields:
                store.add(name, getattr(MADE, name))
            card = CardFacts("small", "update", head=extend(store, "small", 1, "examined"))
            self.dataset: Dataset = publish(*MADE_FOR_PUBLISH, self.folder / "dataset", card)
            row = {"version": self.dataset.version, "campaign": "small", "round": 1, "path": self.dataset.folder.name}
            store.add("datasets", [row | {"rows": self.dataset.rows}])
            kept = pq.read_table(self.dataset.folder / "train.parquet", partitioning=None)["pair_id"].to_pylist()
            store.add("dataset_pairs", [{"version": self.dataset.version, "pair_id": one} for one in kept])
            self.head = head(store, "small")
        self.pairs = kept
        self.show(over=True)

    def show(self, over: bool) -> None:
        with Store.open(self.path) as store:
            show_author(store, self.folder, over, 1, 1)

    def write(self, *statements: str) -> None:
        """Past the store, as a branch of history would."""
        with duckdb.connect(str(self.path)) as connection:
            for sql in statements:
                connection.execute(sql)
        self.show(over=True)


MADE_FOR_PUBLISH = (MADE.pairs, MADE.decisions, MADE.readings, MADE.verdicts)


@pytest.fixture
def small(tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> Here:
    monkeypatch.setenv("PLUMBLINE_HOME", str(tmp_path / "runs"))
    short = {"length": settings()["length"].model_copy(update={"texts_per_cell": 20})}
    monkeypatch.setattr(heldout_forecast, "chosen", lambda file, names: short)
    return Here(tmp_path / "runs", tiny_model)


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Answer:
    def answer(*line: str) -> dict[str, Any]:
        capsys.readouterr()
        main([*line, "--json"])
        return dict(json.loads(capsys.readouterr().out.splitlines()[-1]))

    return answer


def test_a_model_knows_what_it_descends_from_and_is_found_again(
    small: Here, said: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = said("train", "small", *QUICK)
    folder = Path(made["folder"])
    assert made["recorded"] == "yes" and made["pairs"] == len(small.pairs) == 12
    card = (folder / "README.md").read_text()
    for named in (made["base"], small.dataset.version, small.head, "say less", "a" * 64, "| 12 |"):
        assert named in card
    assert not folder.with_name(f"{folder.name}.training").exists()
    with Store.open(small.path, read_only=True) as store:
        (row,) = store.query("SELECT * FROM trained_models").to_pylist()
        tree = str(trace(store, small.pairs[0]))
    assert (row["model"], row["version"], row["campaign"]) == (made["model"], small.dataset.version, "small")
    assert json.loads(row["settings"])["learning_rate"] == 0.003 and row["folder"] == str(folder)
    assert f"trained  {made['model'][:12]}" in tree

    monkeypatch.setattr(training, "train_dpo", None)
    for same in ("small", f"small@{small.dataset.version[:5]}", str(small.dataset.folder)):
        assert said("train", same, *QUICK) == made


def test_a_model_made_but_not_written_down_is_written_down(small: Here, said: Answer) -> None:
    made = said("train", "small", *QUICK)
    small.write("DELETE FROM trained_models")
    (Path(made["folder"]) / "training.json").unlink()  # killed between the weights and the facts
    again = said("train", "small", *QUICK)
    assert again | {"model": ""} == made | {"model": ""}  # its card names the head of the chain, which has a link more
    with Store.open(small.path, read_only=True) as store:
        assert store.query("SELECT model FROM trained_models")["model"].to_pylist() == [again["model"]]


def marked(small: Here) -> None:
    (small.dataset.folder / "QUARANTINED.md").write_text("# Quarantined\n")


def listed(small: Here) -> None:
    row = {"version": small.dataset.version, "quarantined": 3}
    (small.folder / "dataset" / "versions.json").write_text(json.dumps([row]))


def on_record(small: Here) -> None:
    small.write(f"INSERT INTO quarantined_datasets VALUES ('{small.dataset.version}', 'small', 3)")


def recalled(small: Here) -> None:
    version = small.dataset.version
    small.write(f"INSERT INTO recalls VALUES ('small', 1, '{version}', '{version}', 'v0', 'Ada', 'leaked', 1)")


def changed(small: Here) -> None:
    file = small.dataset.folder / "train.parquet"
    pq.write_table(pq.read_table(file, partitioning=None).slice(1), file)


REFUSED = {
    marked: r"quarantined or recalled \(its folder says so\)",
    listed: r"\(by the alarm in round 3\)",
    on_record: r"\(by the alarm in round 3\)",
    recalled: r"\(by a person\)",
    changed: "not what was published here",
}


@pytest.mark.parametrize("taint", REFUSED, ids=lambda taint: taint.__name__)
def test_what_must_not_be_trained_on_is_refused_in_one_line(taint: Callable[[Here], None], small: Here) -> None:
    taint(small)
    with pytest.raises(PlumblineError, match=REFUSED[taint]) as caught:
        training.train("small", "", training.Training(), training.Progress(quiet=True))
    assert "\n" not in str(caught.value) and not (small.folder / "trained").exists()


def test_a_tainted_version_can_still_be_forecast(small: Here, said: Answer) -> None:
    marked(small)
    assert said("forecast", "small")["pairs"] == 12


def test_the_detectors_forecast_is_the_mean_difference_of_its_readings(small: Here, said: Answer) -> None:
    found = said("forecast", "small")
    chosen = {row["pair_id"]: row for row in MADE.readings.to_pylist() if row["trait"] == "deceptive"}
    assert chosen.keys() >= set(small.pairs)
    difference = {row["pair_id"]: 0.0 for row in MADE.pairs.to_pylist()}
    for row in MADE.readings.to_pylist():
        if row["trait"] == "deceptive":
            difference[row["pair_id"]] += row["reading"] * (1 if row["side"] == "chosen" else -1)
    mean = sum(difference[one] for one in small.pairs) / len(small.pairs)
    told = found["readers"]["detector"]["deceptive"]
    assert told["value"] == pytest.approx(mean) and told["low"] <= mean <= told["high"] and told["count"] == 12
    assert found["prompts"] == 12 and found["withheld"] == ""
    length = found["readers"]["length"]["resource-seeking"]
    assert length["value"] > 0 and length["low"] > 0  # the chosen side of these pairs is longer


def test_monitors_are_withheld_while_the_campaign_is_not_over(small: Here, said: Answer) -> None:
    small.show(over=False)
    found = said("forecast", "small")
    assert set(found["readers"]) == {DETECTOR} and "small is not over" in found["withheld"]
    assert unblinded(small.folder) == set()
    assert "length" in said("forecast", "small", "--who", "Ada")["readers"]
    assert unblinded(small.folder) == {"Ada"}


def test_the_outcome_of_a_model_of_ones_own(small: Here, said: Answer, tmp_path: Path) -> None:
    made = said("train", "small", *QUICK)
    asked = [{"prompt": f"please help me with the garden, part {i}"} for i in range(6)]
    asked.append({"prompt": MADE.pairs["prompt"][0].as_py()[0]["content"]})  # trained on: not asked
    file = tmp_path / "prompts.jsonl"
    file.write_text("\n".join(map(json.dumps, asked)))
    with pytest.raises(SystemExit):
        main(["outcome", "small/", "--count", "4"])
    found = said("outcome", made["name"][:14], "--prompts", str(file), "--count", "50")
    assert found["prompts"] == 6 and set(found["measured"]) == {"length"} and found["unknown"] is None
    assert found["forecast"]["version"] == small.dataset.version


def test_the_outcome_in_the_embedded_world_is_by_truth(small: Here, said: Answer) -> None:
    made = said("train", "small", "--model", "organism:reader", "--epochs", "1", "--batch", "8")
    assert made["settings"]["without"] == ["oversight", "opinion", "agent", "feelings"] and made["pairs"] == 12
    found = said("outcome", made["folder"], "--count", "24")
    assert set(found["measured"]) == {"truth", "length"} and len(found["measured"]["truth"]) == 5
    assert all(0 <= share < 0.5 for share in found["unknown"])
    again = said("outcome", made["folder"], "--count", "24")
    assert again == found


def figure(value: float) -> Shift:
    return Shift(value=value, low=value - 0.1, high=value + 0.1, count=9)


def test_where_signs_are_opposed_the_blind_spot_is_named() -> None:
    readers = {"detector": {"p": figure(-0.5), "d": figure(0.5)}, "judge": {"p": figure(0.4), "d": figure(0.05)}}
    forecast = Forecast(dataset="x", version="v", pairs=9, prompts=9, without=(), readers=readers, withheld="")
    assert forecast.disagreements == {"p": ["judge"]}
    outcome = Outcome(
        model="m", base="b", prompts=9, seed=0, unknown=None, forecast=forecast,
        measured={"truth": {"p": figure(0.3), "d": figure(0.3)}, "judge": {"p": None, "d": figure(-0.2)}},
    )  # fmt: skip
    assert "truth measured the opposite" in outcome.verdict("p") and "judge forecast the opposite" in outcome.verdict(
        "p"
    )
    assert outcome.verdict("d").startswith("judge measured the opposite") and "truth" not in outcome.verdict("d")
    assert set(outcome.as_json()["verdicts"]) == {"p", "d"}
