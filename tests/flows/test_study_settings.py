"""A study file: which campaigns it names, which arms have them in common, and what is refused."""

from pathlib import Path

import pytest

from flows.study_settings import load_study, merged
from warehouse.errors import PlumblineError

SMALL = """
name: own
seeds: 2
rounds: 3
candidates: [2, 4]
settings: {pairs: 10, audit: {gold: "off"}}
arms:
  none: {settings: {mode: filter}, publishes: everything}
  filter: {settings: {mode: filter}}
  update: {settings: {mode: update, amend: {chooser: random}}}
"""


def test_the_shipped_study_has_six_arms_and_campaigns_in_common() -> None:
    study, cells = load_study(None)
    assert list(study.arms) == ["none", "filter", "regenerate", "update", "random", "gate"]
    assert len(cells) == 6 * study.seeds and len({cell.settings.name for cell in cells}) == 5 * study.seeds
    assert {cell.settings.rounds for cell in cells} == {study.rounds} and study.rounds == 6
    assert all(cell.settings.pairs <= 120 for cell in cells)
    by_arm = {cell.arm: cell.settings for cell in cells}
    assert [by_arm[arm].audit.gold for arm in study.arms] == ["organism", "organism", "off", "off", "off", "organism"]
    assert by_arm["random"].amend.chooser == "random" and by_arm["update"].amend.chooser == "flags"


def test_strengths_are_of_arms_that_amend(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(SMALL)
    _, cells = load_study(tmp_path / "own.yaml", seeds=1)
    assert [(cell.arm, cell.candidates) for cell in cells] == [
        ("none", None), ("filter", None), ("update", 2), ("update", 4),
    ]  # fmt: skip
    assert cells[0].settings == cells[1].settings and cells[0].publishes != cells[1].publishes
    assert [cell.settings.amend.candidates for cell in cells[2:]] == [2, 4]
    assert {cell.settings.pairs for cell in cells} == {10}


def test_other_settings_are_another_campaign(tmp_path: Path) -> None:
    names = []
    for number, text in enumerate((SMALL, SMALL.replace("pairs: 10", "pairs: 11"))):
        (tmp_path / f"{number}.yaml").write_text(text)
        names.append({cell.settings.name for cell in load_study(tmp_path / f"{number}.yaml")[1]})
    assert not names[0] & names[1]


def test_it_begins_with_the_campaign_file_it_names(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("shard: 17\namend: {fresh_prompts: 9}\n")
    (tmp_path / "own.yaml").write_text(SMALL.replace("seeds: 2", "campaign: mine.yaml\nseeds: 2"))
    _, cells = load_study(tmp_path / "own.yaml")
    assert {(cell.settings.shard, cell.settings.amend.fresh_prompts) for cell in cells} == {(17, 9)}


def test_sections_are_merged_and_nothing_is_changed() -> None:
    one, change = {"a": 1, "b": {"c": 2, "d": 3}}, {"b": {"c": 4}, "e": {"f": 5}}
    assert merged(one, change) == {"a": 1, "b": {"c": 4, "d": 3}, "e": {"f": 5}}
    assert one == {"a": 1, "b": {"c": 2, "d": 3}}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("mode: update", "mode: updat", r"own.yaml: arms.update: `mode`: .*'update'"),
        ("pairs: 10", "pears: 10", r"arms.none: `pears`: Extra inputs"),
        ("seeds: 2", "seed: 2", "unknown key `seed`; did you mean `seeds`"),
        ("name: own", "name: Own Study", "`name`: String should match pattern"),
        ("candidates: [2, 4]", "candidates: [0]", "`candidates.0`"),
        ("seeds: 2", "campaign: none.yaml", "none.yaml: cannot be read"),
    ],
)
def test_what_cannot_be_run_is_refused_in_one_line(tmp_path: Path, old: str, new: str, told: str) -> None:
    (tmp_path / "own.yaml").write_text(SMALL.replace(old, new))
    with pytest.raises(PlumblineError, match=told) as caught:
        load_study(tmp_path / "own.yaml")
    assert "\n" not in str(caught.value)
