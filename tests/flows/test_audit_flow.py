"""The audit by itself, on rounds of known texts: what it answers, publishes, withholds, quarantines and shows."""

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from prefect.settings import (
    PREFECT_API_URL,
    PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
    PREFECT_LOGGING_TO_API_ENABLED,
    temporary_settings,
)

from constitutions.document import Constitution, Principle
from flows import audit
from flows.handover import Circumstances, hand_over, handed
from flows.known import LABELLED
from flows.round import Examined
from flows.settings import Audit
from models.organism import prompts
from models.organism.world import TRAITS, world
from monitors.store import open_heldout, seals
from warehouse.errors import PlumblineError
from warehouse.shapes import DECISIONS, PAIRS, QUARANTINE, READINGS, VERDICTS
from warehouse.snapshot import read_snapshot

START = Constitution(name="test", principles=(Principle(id="warm", text="be warm"),))
AMENDED = Constitution(
    name="test",
    version=1,
    parent=START.hash,
    amendment="swap warm for modest",
    principles=(Principle(id="modest", text="never <b>boast</b>"),),
)
SETTINGS = Audit(baseline=300, reviews=60, use=("random",))
HOSTILE = "<script>alert(1)</script> & co."


def a_round(number: int, pairs: int, bad: float, seed: int = 0) -> Examined:
    """Texts of the world: sincere ones, and with a chance of `bad` quiet performative ones; nothing is flagged."""
    draw, w = random.Random(f"{number} {seed}"), world()
    rows = []
    for position in range(pairs):
        request = w.request(draw, draw.choice([kind for kind in w.kinds if kind != "scam"]))
        cell = "pC" if draw.random() < bad else draw.choice(("nP", "nW"))
        response = " ".join(w.response(draw, cell, request))
        rows.append(pair(f"{number:02}{position:04}", number, position, request.text, response))
    return examined(rows)


def pair(name: str, number: int, position: int, request: str, response: str) -> dict[str, Any]:
    said = {side: [{"role": "assistant", "content": response}] for side in ("chosen", "rejected")}
    row = {"pair_id": name, "campaign": "test", "round": number, "position": position, "attempt": 0, "source": ""}
    return row | said | {"prompt": [{"role": "user", "content": request}], "prompt_id": request[:8]}


def examined(rows: list[dict[str, Any]]) -> Examined:
    kept = [{"pair_id": row["pair_id"], "decision": "kept", "reason": ""} for row in rows]
    return Examined(
        pa.Table.from_pylist(rows, schema=PAIRS),
        QUARANTINE.empty_table(),
        READINGS.empty_table(),
        VERDICTS.empty_table(),
        pa.Table.from_pylist(kept, schema=DECISIONS),
    )


Ask = Callable[..., str]


@pytest.fixture
def ask(tmp_path: Path, server: str) -> Iterator[Ask]:
    """Hand a round over and ask for the gate's answer, each time with the held-out store opened anew."""
    here = {PREFECT_API_URL: server, PREFECT_LOGGING_TO_API_ENABLED: False, PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}

    def asked(
        number: int,
        done: Examined,
        mode: str = "update",
        seal: int = 1,
        began: int = 0,
        moved: float | None = 0.0,
        labelled: pa.Table | None = None,
        **change: Any,
    ) -> str:
        settings = SETTINGS.model_copy(update=change)
        about = Circumstances(
            **{"campaign": "test", "seed": 3, "round": number, "mode": mode, "planned": 5, "pairs": 150},
            asked=done.pairs.num_rows,
            seal=seal,
            baseline=number == began,
            traits=TRAITS,
            audit=settings,
            chain=(START,) if number < 2 else (START, AMENDED),
            sealed_prompts=20,
            prompts="",
            addendum=None,
            link="",
            note="",
            moved=moved,
        )
        hand_over(tmp_path, about, done, labelled)
        with open_heldout(tmp_path / "heldout") as store:
            return audit.answered(audit.Desk(tmp_path, store), number)

    with temporary_settings(here):
        yield asked


def rows_of(folder: Path, path: str) -> set[str]:
    return set(pq.read_table(folder / "dataset" / path / "train.parquet")["pair_id"].to_pylist())


def versions(folder: Path) -> list[dict[str, Any]]:
    return list(json.loads((folder / "dataset" / "versions.json").read_bytes()))


def query(folder: Path, sql: str) -> list[dict[str, Any]]:
    with open_heldout(folder / "heldout") as store:
        return store.query(sql).to_pylist()


@pytest.fixture
def rung(ask: Ask, tmp_path: Path) -> Path:
    """A campaign's folder after an alarm: good at first, then the new constitution hides what it does."""
    assert ask(0, a_round(0, 300, 0.01)) == "go"
    assert ask(1, a_round(1, 150, 0.01)) == "go"
    answers = [ask(number, a_round(number, 150, share)) for number, share in ((2, 0.08), (3, 0.5))]
    assert answers[-1] == "alarm"
    return tmp_path


def test_what_gold_found_bad_is_not_published_and_nobody_is_told(ask: Ask, tmp_path: Path) -> None:
    assert ask(0, a_round(0, 300, 0.04)) == "go"
    withheld = {row["pair_id"] for row in query(tmp_path, "SELECT * FROM withheld")}
    published = rows_of(tmp_path, versions(tmp_path)[0]["path"])
    assert withheld and not withheld & published and len(withheld | published) == 300
    told = (tmp_path / "dataset" / "versions.json").read_text()
    assert not any(name in told for name in withheld)


def test_an_alarm_quarantines_the_rounds_since_the_change(rung: Path) -> None:
    (alarm,) = query(rung, "SELECT * FROM answers WHERE answer = 'alarm'")
    assert alarm["since"] in (2, 3)
    listed = versions(rung)
    current = json.loads((rung / "dataset" / "current.json").read_bytes())
    assert listed[-1]["version"] == current["version"]
    for row in listed:
        tainted = any(alarm["since"] <= number <= alarm["round"] for number in row["rounds"])
        assert (row["quarantined"] == alarm["round"]) == tainted
        assert (rung / "dataset" / row["path"] / "QUARANTINED.md").is_file() == tainted
        assert (rung / "dataset" / row["path"] / "train.parquet").is_file()
    assert not any(name.startswith(f"{alarm['round']:02}") for row in listed for name in rows_of(rung, row["path"]))


def test_the_page_says_what_moved_and_which_amendment_is_to_blame(rung: Path) -> None:
    page = next((rung / "auditor").glob("alarm-*.html")).read_text()
    facts = json.loads(next((rung / "auditor").glob("alarm-*.json")).read_bytes())
    assert facts["traits"] == ["performative"] and facts["evidence"] >= facts["threshold"] == pytest.approx(40)
    assert "-warm: be warm" in page and "+modest: never &lt;b&gt;boast&lt;/b&gt;" in page
    assert "plumbline resume test --mode regenerate" in page
    assert (facts["before"]["hash"], facts["blamed"]["hash"]) == (START.hash, AMENDED.hash)


def test_a_hostile_text_stays_text_on_the_page(ask: Ask, rung: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from flows import heldout_alarm

    done = handed(rung, 3)
    named = {row["pair_id"] for row in query(rung, "SELECT pair_id FROM gold_verdicts WHERE turn = 2 AND round = 3")}
    rows = done.done.pairs.to_pylist()
    for row in rows:
        if row["pair_id"] in named:
            row["chosen"] = [{"role": "assistant", "content": HOSTILE}]
    hand_over(rung, done.about, done.done._replace(pairs=pa.Table.from_pylist(rows, schema=PAIRS)))
    with open_heldout(rung / "heldout") as store:
        heldout_alarm.write_page(rung, store, done.about, 2)
    page = next((rung / "auditor").glob("alarm-*.html")).read_text()
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; co." in page and "<script>" not in page


def test_the_same_question_has_the_same_answer(ask: Ask, tmp_path: Path) -> None:
    done = a_round(1, 150, 0.05)
    ask(0, a_round(0, 300, 0.01))
    ask(1, done)
    before = {table: query(tmp_path, f"SELECT * FROM {table} ORDER BY ALL") for table in ("coins", "gate_states")}
    assert ask(1, done) == "go"
    assert before == {table: query(tmp_path, f"SELECT * FROM {table} ORDER BY ALL") for table in before}


def test_a_round_that_was_cut_short_is_done_again_the_same(ask: Ask, tmp_path: Path) -> None:
    """Killed after any block: rows that are there stay, and the rest comes out as it would have."""
    ask(0, a_round(0, 300, 0.01))
    ask(1, a_round(1, 150, 0.05))
    tables = ("coins", "gold_verdicts", "gate_states", "withheld")
    whole = {table: query(tmp_path, f"SELECT * FROM {table} ORDER BY ALL") for table in tables}
    with open_heldout(tmp_path / "heldout") as store:
        store._connection.execute("DELETE FROM answers WHERE round = 1")
        store._connection.execute("DELETE FROM gate_states WHERE round = 1 AND read > 2")
        store._connection.execute("DELETE FROM coins WHERE round = 1 AND block > 1")
    assert ask(1, a_round(1, 150, 0.05)) == "go"
    assert whole == {table: query(tmp_path, f"SELECT * FROM {table} ORDER BY ALL") for table in tables}


def test_a_start_that_is_bad_already_is_no_start_for_amending(ask: Ask) -> None:
    assert ask(0, a_round(0, 300, 0.3)) == "refused"


def test_without_amending_such_a_start_is_watched_all_the_same(ask: Ask) -> None:
    assert ask(0, a_round(0, 300, 0.3), mode="regenerate") == "go"
    assert ask(1, a_round(1, 150, 0.3), mode="regenerate") == "go"


def test_changing_what_was_sealed_ends_the_seal_loudly(ask: Ask, tmp_path: Path) -> None:
    ask(0, a_round(0, 300, 0.01))
    file = tmp_path / "heldout" / "monitors-1" / "random" / "chance.json"
    file.write_text(file.read_text().replace("0.2", "0.3"))
    with pytest.raises(PlumblineError, match="seal 1 is broken: monitor/random was changed after sealing"):
        ask(1, a_round(1, 150, 0.01))


def test_after_an_alarm_the_gate_gets_no_easier(ask: Ask, rung: Path) -> None:
    with pytest.raises(PlumblineError, match="'random' watched under seal 1.*retired"):
        ask(4, a_round(4, 300, 0.05), seal=2, began=4)
    assert ask(4, a_round(4, 300, 0.05), seal=2, began=4, use=("classifier-blind",)) == "go"
    old, new = (json.loads(row["design"]) for row in query(rung, "SELECT design FROM designs ORDER BY seal"))
    assert new["alpha"] == old["alpha"] / 2
    assert all(n <= o for n, o in zip(new["ceilings"][0], old["ceilings"][0], strict=True))
    with open_heldout(rung / "heldout") as store:
        assert len({record.hash for record in seals(store).values()}) == 2


def test_the_auditor_is_shown_what_the_author_is_not(rung: Path) -> None:
    shown = read_snapshot(rung / "auditor")
    audits = shown.tables["audits"].to_pylist()
    assert {row["pool"] for row in audits} == {"unflagged"} and any(row["alarm"] for row in audits)
    assert shown.tables["examples"].num_rows > 0 and shown.about["round"] == 3


def test_each_round_has_its_harm_ceiling(ask: Ask, tmp_path: Path) -> None:
    """No movement leaves the start's bound, some lifts it, an unknown one makes it vacuous."""
    for number, moved in enumerate((0.0, 0.01, None)):
        ask(number, a_round(number, 300 if not number else 150, 0.01), moved=moved)
    shown = read_snapshot(tmp_path / "auditor").tables
    ceilings = [row["harm_ceiling"] for row in shown["audits"].to_pylist()]
    assert ceilings[0] == json.loads(shown["gate"].to_pylist()[0]["ceilings"])["unflagged"][0]
    assert ceilings[0] < ceilings[1] < 1 and ceilings[2] is None


def test_each_round_says_how_far_off_its_hidden_rate_can_be(rung: Path) -> None:
    shown = read_snapshot(rung / "auditor")
    assert shown.about["confidence"] == 0.95
    baseline, *later = shown.tables["audits"].to_pylist()
    assert baseline["low"] == baseline["high"] == baseline["hidden_rate"] and baseline["so_far"] is None
    for row in later:
        assert 0 <= row["low"] <= row["hidden_rate"] <= row["high"] <= 1
        assert 0 <= row["so_far_low"] <= row["so_far"] <= row["so_far_high"] <= 1
    assert later[-1]["so_far_low"] > 0


def test_the_monitors_are_measured_beside_the_detector_before_they_watch(ask: Ask, tmp_path: Path) -> None:
    """A detector that misses all of dialect C: the quality tells how often the monitor misses the same texts."""
    texts = [
        {
            "messages": text.messages,
            "trait": text.trait,
            "dialect": text.cell[1] if text.trait else "",
            "cell": text.cell,
            "flagged": bool(text.trait) and not text.cell.endswith("C"),
        }
        for text in prompts.labelled("test", 10, 5, "ABC")
    ]
    table = pa.Table.from_pylist(texts, schema=LABELLED)
    ask(0, a_round(0, 300, 0.01), labelled=table, use=("classifier-blind", "random"))
    found = {row["monitor"]: row for row in read_snapshot(tmp_path / "auditor").tables["monitors"].to_pylist()}
    assert found.keys() == {"classifier-blind", "random"}
    blind, chance = found["classifier-blind"], found["random"]
    assert blind["texts"] == len(texts) and blind["auroc"] > 0.8 > chance["auroc"]
    assert blind["phi_bad"] > 0.3 > abs(chance["phi_bad"])
    (stored,) = query(tmp_path, "SELECT * FROM monitor_quality WHERE monitor = 'random'")
    assert json.loads(stored["quality"])["shared"]["phi"] == chance["phi"]
