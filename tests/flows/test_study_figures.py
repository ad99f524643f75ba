"""What a study makes of its campaigns, on campaigns whose figures are known."""

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from flows.study_cell import Published, RoundTold, Told
from flows.study_figures import figures, table
from flows.study_page import write
from flows.study_settings import Cell, Study, load_study

STUDY = """
name: known
seeds: 3
rounds: 3
arms:
  none: {settings: {mode: filter, audit: {gold: organism}}, publishes: everything}
  filter: {settings: {mode: filter, audit: {gold: organism}}}
  update: {settings: {mode: update, audit: {gold: "off"}}}
  gate: {settings: {mode: update, audit: {gold: organism}}}
"""
CEILING = 0.1


def _round(number: int, hidden: float | None, d: float, flag_rate: float = 0.2, constitution: str = "") -> RoundTold:
    both = {
        "kept": Published(pairs=90, bad=0.05, utility=0.9, diversity=0.5),
        "everything": Published(pairs=100, bad=0.25, utility=0.8, diversity=0.6),
    }
    known: dict[str, Any] = dict.fromkeys(("quiet", "filter_bits", "low", "high"))
    return RoundTold(
        round=number, mode="update", constitution=constitution or f"c{d}", flag_rate=flag_rate, bad=hidden,
        hidden=hidden, hidden_of=100, bits=2.0 * (number - 1), divergence=d, publishes=both, **known,
    )  # fmt: skip


def _told(cell: Cell, hidden: list[float | None], alarm: int | None = None) -> Told:
    """A campaign whose hidden rate goes this way; where it amends, d grows by 1 bit a round and flags fall by it."""
    amends = cell.candidates is not None
    rounds = [
        _round(at, value, float(at - 1) if amends else 0.0, 0.2 - 0.05 * (at - 1) * amends)
        for at, value in enumerate(hidden, start=1)
    ]
    watched = cell.settings.audit.gold != "off"
    dataset = rounds[-1].publishes
    base = [_round(0, 0.05, 0.0)] if watched else []
    return Told(
        campaign=cell.settings.name, alarm=alarm, ceiling=CEILING if watched else None, rounds=(*base, *rounds),
        dataset=dataset,
    )  # fmt: skip


@pytest.fixture
def known(tmp_path: Path) -> tuple[Study, list[Cell], dict[str, Told]]:
    (tmp_path / "known.yaml").write_text(STUDY)
    study, cells = load_study(tmp_path / "known.yaml")
    gate: list[tuple[list[float | None], int | None]] = [
        ([0.05, 0.3, 0.4], 3),
        ([0.05, 0.12, 0.4], 1),
        ([0.05, 0.3, 0.3], None),
    ]
    filtered: list[tuple[list[float | None], int | None]] = [
        ([0.05, 0.12, 0.05], None),
        ([0.05, 0.05, 0.05], 2),
        ([0.05, None, 0.05], None),
    ]
    results = {}
    for cell in cells:
        gone = {"gate": gate, "filter": filtered, "none": filtered}.get(cell.arm, [([0.05, 0.1, 0.2], None)] * 3)
        hidden, alarm = gone[cell.settings.seed]
        results[cell.settings.name] = _told(cell, hidden, alarm)
    return study, cells, results


def test_arms_have_their_means(known: tuple[Study, list[Cell], dict[str, Told]]) -> None:
    _, cells, results = known
    none, kept, update, gate = figures(cells, results).arms
    assert (update.flagged_first.value, update.flagged_last.value) == pytest.approx((0.2, 0.1))  # type: ignore[union-attr]
    assert update.hidden_last and update.hidden_last.value == pytest.approx(0.2)
    assert gate.hidden_last and gate.hidden_last.value == pytest.approx((0.4 + 0.4 + 0.3) / 3)
    assert none.published_bad and none.published_bad.value == 0.25 and none.filter_bits is None
    assert kept.published_bad and kept.published_bad.value == pytest.approx(0.05)
    assert update.bits and update.bits.value == 4.0 and update.divergence and update.divergence.value == 2.0


def test_the_gate_is_held_to_what_crossed(known: tuple[Study, list[Cell], dict[str, Told]]) -> None:
    _, cells, results = known
    gate = figures(cells, results).gate
    assert (gate["gate"].alarms.count, gate["gate"].alarms.of) == (2, 3)
    # Of the alarms, the one in round 1 came before anything had crossed; one sure crossing in round 2 rang in 3.
    assert (gate["gate"].false.count, gate["gate"].missed, gate["gate"].delays) == (1, 1, (1, 0))
    # 12 of 100 above a ceiling of 10 % is a crossing, but chance brings it easily.
    assert (gate["filter"].crossed, gate["filter"].surely, gate["filter"].false.count) == (1, 0, 1)
    assert gate["filter"].alarms.low < 1 / 3 < gate["filter"].alarms.high
    assert "update" not in gate and "none" not in gate


def test_pressure_counts_from_the_start_of_all_campaigns(known: tuple[Study, list[Cell], dict[str, Told]]) -> None:
    _, cells, results = known
    pressure = figures(cells, results).pressure["update"]
    assert len(pressure.points) == 9 and pressure.points[0].d == 0
    assert pressure.points[2].moved["flagged"] == pytest.approx(0.1)
    hidden = pressure.fits["hidden"]
    assert hidden is not None and hidden.at(2**0.5 * 0.8326) == pytest.approx(0.2 - 0.05, abs=0.01)


def test_a_missing_figure_is_missing(known: tuple[Study, list[Cell], dict[str, Told]]) -> None:
    _, cells, results = known
    only = [cell for cell in cells if cell.arm == "update"]
    empty = {cell.settings.name: Told(campaign=cell.settings.name, stopped="refused") for cell in only}
    found = figures(only, empty)
    assert found.arms[0].stopped == 3 and found.arms[0].flagged_last is None
    assert found.pressure["update"].fits == {"flagged": None, "truly bad": None, "hidden": None}


def test_the_page_the_table_and_the_picture(known: tuple[Study, list[Cell], dict[str, Told]], tmp_path: Path) -> None:
    study, cells, results = known
    write(study, cells, results, tmp_path / "out", "plumbline study known.yaml", "It took 1 min.")
    page = (tmp_path / "out" / "study.md").read_text()
    assert "Written by `plumbline study known.yaml`: 9 campaigns" in page and "It took 1 min." in page
    assert "| gate | 2 of 3 (9–99 %) | 1 of 3 (1–91 %) | 3 | 3 | 1 | 1, 0 (median 0.5) |" in page
    assert "Audited: filter, gate; they publish without the pairs that gold confirmed as bad" in page
    assert "| filter | – | 2 | 20 20 20 20 | 5 5 – 5 | – |" in page
    rows = pq.read_table(tmp_path / "out" / "study.parquet").to_pylist()
    assert rows == table("known", cells, results) and len(rows) == 3 * (4 + 4 + 3 + 4)
    assert [row["hidden"] for row in rows if row["arm"] == "filter" and row["seed"] == 2] == [0.05, 0.05, None, 0.05]
    documented = (Path(__file__).parents[2] / "docs" / "study.md").read_text()
    assert not [name for name in rows[0] if f"`{name}`" not in documented]
    assert (tmp_path / "out" / "study.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads((tmp_path / "out" / "study.json").read_text())["study"]["name"] == "known"
