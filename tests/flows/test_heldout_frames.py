"""`plumbline frames`: one object for machines, a table for people; and what cannot be asked is refused in one line."""

import json
from pathlib import Path

import pytest

from flows import heldout_frames
from flows.cli import main
from monitors.embedded import settings
from warehouse.errors import PlumblineError

FRAMES = {"training", "oversight", "deployment"}


@pytest.fixture(autouse=True)
def quickly_fitted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The classifier, fitted to fewer texts."""
    few = settings()["classifier"].model_copy(update={"texts_per_cell": 48})
    monkeypatch.setattr(heldout_frames, "settings", lambda: {"classifier": few})


def test_the_two_faced_generator_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    main(["frames", "--prompts", "60", "--seed", "100", "--json"])
    out, err = capsys.readouterr()
    answer = json.loads(out.splitlines()[-1])
    assert set(answer) == {"generator", "monitor", "hashes", "seed", "gap", "truth"}
    assert answer["truth"]["p_value"] < 0.05 and set(answer["gap"]["table"]) == set(answer["gap"]["unknown"]) == FRAMES
    assert set(answer["hashes"]) == {"generator", "constitution", "frames", "monitor"}
    assert "ask" in err and "read the motives" in err


def test_without_ground_truth_the_table_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    found = heldout_frames.measure("organism:even-handed", "embedded:start", 20, "classifier", 100)
    heldout_frames.show(found)
    assert "what the world knows" in capsys.readouterr().out
    foreign = found._replace(truth=None)
    heldout_frames.show(foreign)
    shown = capsys.readouterr().out
    assert "no truth" in shown and "deployment" in shown and "bits, p = " in shown
    assert heldout_frames.as_json(foreign)["truth"] is None


def test_a_generator_that_says_nothing_readable_is_one_line(tiny_model: Path) -> None:
    with pytest.raises(PlumblineError, match="none of 4 prompts has a known motive"):
        heldout_frames.measure(str(tiny_model), "embedded:start", 4, "classifier", 0)
