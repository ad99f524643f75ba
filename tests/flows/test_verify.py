"""`plumbline verify` on a record of one round and its seal: whatever byte is changed, the command names it and ends
with 2."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from synthetic import tables

from flows.cli import main
from monitors import seal as seal_module
from monitors.seal import code, on_disk, seal, value
from monitors.store import keep_seal, open_heldout
from tasks.publish import CardFacts, publish
from warehouse.chain import extend
from warehouse.store import Store

Answer = tuple[int, dict[str, Any], str]
MADE = tables(20, "small", round=1)
PAIR = MADE.pairs["pair_id"][3].as_py()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a campaign that has run one round, sealed."""
    monkeypatch.setenv("PLUMBLINE_HOME", str(tmp_path / "runs"))
    shutil.copytree(seal_module.PACKAGE, tmp_path / "monitors", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(seal_module, "PACKAGE", tmp_path / "monitors")
    heldout, place = tmp_path / "runs" / "small" / "heldout", {"campaign": "small", "round": 1}
    (heldout / "weights").mkdir(parents=True)
    (heldout / "weights" / "model.bin").write_bytes(b"weights")
    record = seal([*code(), on_disk("weights", "weights", heldout), value("thresholds", {"ngram": 0.5})])
    with open_heldout(heldout) as store:
        keep_seal(store, record)
    with Store.open(tmp_path / "runs" / "small" / "generator" / "warehouse.duckdb") as store:
        store.add("campaigns", [{"campaign": "small", "config": "{}"}])
        store.add("seals", [{"campaign": "small", "number": 1, "seal": record.hash}])
        for name in MADE._fields:
            store.add(name, getattr(MADE, name))
        linked = extend(store, "small", 1, "examined")
        card = CardFacts("small", "update", head=linked)
        dataset = publish(
            MADE.pairs, MADE.decisions, MADE.readings, MADE.verdicts, store.path.parent.parent / "dataset", card
        )
        about = {**place, "version": dataset.version}
        store.add("datasets", [{**about, "path": dataset.folder.name, "rows": dataset.rows}])
        store.add("dataset_files", [{**about, "file": file, "hash": it} for file, it in dataset.files.items()])
        store.add("ledger", [{**place, "entry": "amendment", "bits": 2.0, "formula": "log2 K"}])
        store.add("rounds", [{**place, "mode": "update", "summary": "{}"}])
        extend(store, "small", 1, "finished")
    return tmp_path / "runs" / "small"


@pytest.fixture
def verify(capsys: pytest.CaptureFixture[str]) -> Callable[..., Answer]:
    def verify(*arguments: str) -> Answer:
        try:
            code = 0
            main(["verify", "small", *arguments, "--json"])
        except SystemExit as ended:
            code = int(str(ended.code))
        out, err = capsys.readouterr()
        return code, json.loads(out.splitlines()[-1]) if out else {}, err

    return verify


def sql(path: Path, statement: str) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute(statement)


def flip(path: Path) -> None:
    """One bit of one byte, in the middle."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_an_untouched_record_is_whole(
    folder: Path, verify: Callable[..., Answer], capsys: pytest.CaptureFixture[str]
) -> None:
    code, answer, err = verify()
    assert (code, err, answer["ok"]) == (0, "", True) and len(answer["chain"]) == 64
    assert {check["ok"] for check in answer["checks"]} == {True}
    main(["verify", "small"])
    shown = capsys.readouterr().out
    for line in (
        "ok         round 1, examined: ",
        "ok         dataset/",
        "ok         seal 1: ",
        f"{answer['chain']}\n",
    ):
        assert line in shown, shown
    assert len(shown.splitlines()) == len(answer["checks"]) + 1


WAREHOUSE, HELDOUT = "generator/warehouse.duckdb", "heldout/heldout.duckdb"
FORGED = (
    "list_transform(parts, lambda p: CASE WHEN p.name = 'thresholds' THEN struct_update(p, value := '1') ELSE p END)"
)
ROWS = {
    "a pair": (
        WAREHOUSE,
        f"UPDATE pairs SET rejected = [{{'role': 'assistant', 'content': 'what?'}}] WHERE pair_id = '{PAIR}'",
        [f'pairs, round 1, key ["{PAIR}"]: was changed'],
    ),
    "a reading": (
        WAREHOUSE,
        f"UPDATE readings SET reading = 1.25 WHERE pair_id = '{PAIR}' AND side = 'chosen' AND trait = 'deceptive'",
        ["readings, round 1, key", PAIR, '"chosen","deceptive"', "was changed"],
    ),
    "a verdict": (
        WAREHOUSE,
        f"UPDATE verdicts SET verdict = 'justified' WHERE pair_id = '{PAIR}'",
        [f'verdicts, round 1, key ["{PAIR}"]: was changed'],
    ),
    "a ledger entry": (
        WAREHOUSE,
        "UPDATE ledger SET bits = 1.0",
        ['ledger, round 1, key ["small",1,"amendment","log2 K"]: was changed'],
    ),
    "a link": (WAREHOUSE, "UPDATE chain SET link = 'x' WHERE step = 'examined'", ["chain, round 1: the link"]),
    "the seal's hash": (HELDOUT, "UPDATE seals SET seal = 'x'", ["seal 1: the campaign's record knows"]),
    "a sealed threshold": (HELDOUT, f"UPDATE seals SET parts = {FORGED}", ["seal 1: thresholds was changed"]),
    "the seal on record": (WAREHOUSE, "UPDATE seals SET seal = 'x'", ['seals, round 1, key ["small",1]: was changed']),
    "a seal taken away": (HELDOUT, "DELETE FROM seals", ["seal 1:", "not in the held-out store"]),
}


@pytest.mark.parametrize("what", ROWS)
def test_a_changed_row_is_named(folder: Path, verify: Callable[..., Answer], what: str) -> None:
    file, statement, named = ROWS[what]
    sql(folder / file, statement)
    code, answer, err = verify()
    assert code == 2 and answer["ok"] is False
    assert err.startswith(f"error: {folder}: ") and err.count("\n") == 1
    assert all(part in err for part in named), err


FILES = {
    "dataset/*/train.parquet": "/train.parquet: is not what was published",
    "dataset/*/README.md": "/README.md: is not what was published",
    "dataset/current.json": "dataset/current.json: points to nothing that was published",
    "heldout/weights/model.bin": "seal 1: weights was changed after sealing",
    "../../monitors/gate.py": "seal 1: code/gate.py was changed after sealing",
}


@pytest.mark.parametrize("file", FILES)
def test_a_flipped_bit_of_a_file_is_named(folder: Path, verify: Callable[..., Answer], file: str) -> None:
    (path,) = folder.glob(file)
    flip(path)
    code, answer, err = verify()
    assert code == 2 and FILES[file] in err and err.count("\n") == 1
    assert [check["ok"] for check in answer["checks"]].count(False) == 1


def test_a_record_of_before_the_latest_views_is_still_verified(folder: Path, verify: Callable[..., Answer]) -> None:
    _, now, _ = verify()
    sql(folder / WAREHOUSE, "DROP VIEW v_ledger")
    sql(folder / WAREHOUSE, "DELETE FROM migrations WHERE name = '0005_ledgers'")
    assert verify() == (0, now, "")


def test_a_missing_dataset_file_is_named(folder: Path, verify: Callable[..., Answer]) -> None:
    next(folder.glob("dataset/*/train.parquet")).unlink()
    code, _, err = verify()
    assert code == 2 and "/train.parquet: is missing" in err


@pytest.mark.parametrize("file", [WAREHOUSE, HELDOUT])
def test_no_flipped_bit_of_a_database_passes_as_other_rows(
    folder: Path, verify: Callable[..., Answer], file: str
) -> None:
    """DuckDB keeps a checksum of each block, so bytes that were changed below it are never read as rows."""
    path = folder / file
    whole = path.read_bytes()
    flipped, headers = bytearray(whole), 3 * 4096
    for at in range(headers + 8, len(flipped), 4096):
        flipped[at] ^= 1
    path.write_bytes(flipped)
    code, _, err = verify()
    assert code == 2 and str(path) in err and err.count("\n") == 1, err


def test_without_a_held_out_folder_the_seal_is_unchecked_and_all_else_is_checked(
    folder: Path, verify: Callable[..., Answer]
) -> None:
    shutil.rmtree(folder / "heldout")
    code, answer, _ = verify()
    assert code == 0 and answer["ok"]
    assert [check["what"] for check in answer["checks"] if check["ok"] is None] == ["seal 1"]
    assert not (folder / "heldout").exists()
    sql(folder / WAREHOUSE, "UPDATE ledger SET bits = 1.0")
    assert verify()[0] == 2


def test_a_noted_head_must_be_in_the_chain(folder: Path, verify: Callable[..., Answer]) -> None:
    card = next(folder.glob("dataset/*/README.md")).read_text()
    printed = card.partition("Hash chain `")[2].partition("`")[0]
    assert verify("--head", printed)[0] == verify("--head", verify()[1]["chain"])[0] == 0
    code, _, err = verify("--head", "0" * 64)
    assert code == 2 and "the chain never had it" in err


def test_a_held_out_folder_without_its_store_is_one_line(folder: Path, verify: Callable[..., Answer]) -> None:
    (folder / HELDOUT).unlink()
    code, _, err = verify()
    assert code == 2 and "heldout.duckdb: there is no held-out store here" in err and err.count("\n") == 1


def test_no_such_campaign(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["verify", "smal"])
    assert "no campaign 'smal'; did you mean small?" in capsys.readouterr().err
