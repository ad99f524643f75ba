"""The seal: it covers what it is given, and whatever changes, goes or comes is named."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from monitors import seal as seal_module
from monitors.baseline import Baseline
from monitors.gate import Design, design, from_json, to_json
from monitors.seal import Part, broken, code, found, on_disk, seal, value
from monitors.store import keep_seal, open_heldout, seals
from warehouse.errors import PlumblineError
from warehouse.hashing import content_hash, keyed_hash

DESIGN = design([Baseline("unflagged", 200, (1, 0), (50, 50, 50, 50), 300.0, 40.0)], [20.0], 0.2)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A held-out folder with weights and prompts, beside a copy of the monitors package that can be edited."""
    shutil.copytree(seal_module.PACKAGE, tmp_path / "monitors", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(seal_module, "PACKAGE", tmp_path / "monitors")
    heldout = tmp_path / "heldout"
    (heldout / "weights" / "deep").mkdir(parents=True)
    (heldout / "weights" / "deep" / "model.bin").write_bytes(b"\x00\x01\x02")
    (heldout / "prompt.jinja").write_text("Is it justified? {{ text }}")
    return heldout


def parts(folder: Path, threshold: float = 0.5) -> list[Part]:
    sealed = sorted(keyed_hash(b"key", text) for text in ("one", "two"))
    return [
        *code(),
        on_disk("weights", "weights", folder),
        on_disk("prompts", "prompt.jinja", folder),
        value("thresholds", {"ngram": threshold}),
        value("design", json.loads(to_json(DESIGN))),
        value("held-out prompts", sealed),
    ]


def test_nothing_changed_is_whole_in_any_order_and_when_read_back(folder: Path) -> None:
    record = seal(parts(folder))
    assert seal(reversed(parts(folder))) == record and len(record.hash) == 64
    assert broken(record, parts(folder)) == broken(record, found(record, folder)) == []
    with open_heldout(folder) as store:
        keep_seal(store, record)
        keep_seal(store, record)
        assert seals(store) == {1: record}
    assert {"code/gate.py", "code/seal.py", "code/migrations/0001_heldout.sql"} <= {part.name for part in record.parts}


def test_a_sealed_design_is_the_gates_own_to_the_last_bit(folder: Path) -> None:
    (spelled,) = (part.value for part in seal(parts(folder)).parts if part.name == "design")
    again = from_json(Design, spelled)
    assert all(np.array_equal(one, other) for one, other in zip(DESIGN, again, strict=True))


def test_the_folder_can_be_moved(folder: Path, tmp_path: Path) -> None:
    record = seal(parts(folder))
    shutil.move(folder, tmp_path / "elsewhere")
    assert broken(record, found(record, tmp_path / "elsewhere")) == []


FILES = {
    "monitors/gate.py": "code/gate.py was changed",
    "monitors/migrations/0001_heldout.sql": "code/migrations/0001_heldout.sql was changed",
    "heldout/weights/deep/model.bin": "weights was changed",
    "heldout/prompt.jinja": "prompts was changed",
}


@pytest.mark.parametrize("file", FILES)
def test_a_changed_byte_of_a_file_ends_the_seal(folder: Path, file: str) -> None:
    record, path = seal(parts(folder)), folder.parent / file
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    assert broken(record, found(record, folder)) == broken(record, parts(folder)) == [FILES[file] + " after sealing"]


def test_what_went_and_what_came_is_named(folder: Path) -> None:
    record = seal(parts(folder))
    (folder.parent / "monitors" / "gate.py").unlink()
    (folder.parent / "monitors" / "extra.py").write_text("")
    shutil.rmtree(folder / "weights")
    said = ["code/extra.py was added after sealing", "code/gate.py is missing", "weights is missing"]
    assert broken(record, found(record, folder)) == said


def test_another_threshold_ends_the_seal(folder: Path) -> None:
    record = seal(parts(folder))
    assert broken(record, parts(folder, 0.500001)) == ["thresholds was changed after sealing"]


def test_an_edited_record_is_seen_whatever_was_edited(folder: Path) -> None:
    record = seal(parts(folder))
    place = next(i for i, part in enumerate(record.parts) if part.name == "thresholds")

    def edited(**change: str) -> list[str]:
        part = record.parts[place]._replace(**change)
        forged = record._replace(parts=(*record.parts[:place], part, *record.parts[place + 1 :]))
        return broken(forged, found(forged, folder))

    loose = '{"ngram":0.9}'
    assert edited(value=loose) == ["thresholds was changed after sealing"]
    assert edited(value=loose, hash=content_hash({"ngram": 0.9})) == ["the seal's own record was changed"]
    assert edited(value="") == ["thresholds is missing"]
    assert "the seal's own record was changed" in edited(name="other")
    assert broken(record._replace(hash="0" * 64), found(record, folder)) == ["the seal's own record was changed"]


def test_what_cannot_be_sealed_is_one_line(folder: Path) -> None:
    with pytest.raises(PlumblineError, match="two parts of the seal are called 'weights'"):
        seal([on_disk("weights", "weights", folder), value("weights", 1)])
    with pytest.raises(PlumblineError, match="seal over nothing"):
        seal([])
    with pytest.raises(PlumblineError, match="nowhere: cannot be read"):
        on_disk("weights", "nowhere", folder)
    with open_heldout(folder) as store:
        keep_seal(store, seal(parts(folder)))
        with pytest.raises(PlumblineError, match="seal 1 is .* begin seal 2 with new monitors"):
            keep_seal(store, seal(parts(folder, 0.9)))
        keep_seal(store, seal(parts(folder, 0.9)), 2)
        assert list(seals(store)) == [1, 2]
