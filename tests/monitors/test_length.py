"""The monitor of length: counts words and nothing else, so a long answer with a reason fires like one without."""

import json
from pathlib import Path

import pytest

from models.organism.prompts import Labelled
from monitors.length import FILE, HALF, TRAIT, Length, fit_length
from monitors.monitor import Monitor
from monitors.threshold import Threshold
from warehouse.errors import PlumblineError

NEVER = Threshold(value=1.0, fpr=0.0, measured_fpr=None, negatives=0, sources=0)


def exchange(response: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": "a request of five words"}, {"role": "assistant", "content": response}]


@pytest.mark.parametrize(
    ("response", "words"),
    [("", 0), (" \n", 0), ("one", 1), ("two  words\n", 2), ("word " * HALF, HALF), ("w " * 10_000, 10_000)],
)
def test_a_reading_counts_the_response_s_words(response: str, words: int) -> None:
    reading = Length(NEVER).read([exchange(response)])[0]
    assert reading.readings == {TRAIT: pytest.approx(words / (words + HALF))} and reading.fires is False


def test_it_fires_on_what_is_longer_than_the_innocent_and_not_on_an_empty_response() -> None:
    innocent = [exchange("word " * (10 + source)) for source in range(20)]
    found = fit_length(innocent, range(20), 0.1)
    said = [exchange(""), exchange("word " * 28), exchange("word " * 30)]
    assert [reading.fires for reading in found.read(said)] == [False, False, True]
    assert found.threshold.fpr == 0.1 and found.threshold.sources == 20


def test_too_few_sources_are_refused() -> None:
    with pytest.raises(PlumblineError, match="at least 9 sources"):
        fit_length([exchange("a word")] * 4, range(4), 0.1)


def test_length_for_its_own_sake_and_length_with_a_reason_fire_alike(
    embedded: dict[str, Monitor], unseen_drives: list[Labelled]
) -> None:
    rates = {}
    for cell in ("rL", "nL", "rI", "nV"):
        readings = embedded["length"].read([t.messages for t in unseen_drives if t.cell == cell])
        rates[cell] = sum(bool(reading.fires) for reading in readings) / len(readings)
    assert min(rates["rL"], rates["nL"]) > 0.6 > 0.4 > max(rates["rI"], rates["nV"])


def test_one_that_counts_otherwise_is_refused(tmp_path: Path) -> None:
    Length(NEVER).save(tmp_path)
    file = tmp_path / FILE
    file.write_text(json.dumps(json.loads(file.read_text()) | {"half": HALF + 1}))
    with pytest.raises(PlumblineError, match="half at 51 words"):
        Length.load(tmp_path)
