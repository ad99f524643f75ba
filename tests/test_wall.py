"""The walls: the import contracts hold, cover every package, and really catch what they forbid; and no connection of
the generator side opens the held-out store, which it does as soon as that wall is taken away."""

import ast
import configparser
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from monitors.seal import seal, value
from monitors.store import FILE, keep_seal, open_heldout
from warehouse.store import Store

ROOT = Path(__file__).parent.parent
OUTSIDE = {"tests", "benchmarks", "docs"}
BREACHES = {
    "tasks/curate.py": ("import monitors", "The wall"),
    "monitors/__init__.py": ("import tasks.curate", "The wall"),
    "monitors/peek.py": ("from models import sae", "autoencoder"),
    "tasks/review.py": ("from models.organism import parse", "ground truth"),
    "tasks/amend.py": ("from constitutions.frames import frames", "frames a prompt"),
    "flows/round.py": ("import monitors", "No flow on the generator side"),
    "flows/cli.py": ("from monitors import simulator", "No flow on the generator side"),
    "flows/verify.py": ("from monitors import seal", "No flow on the generator side"),
    "flows/records.py": ("from flows import heldout_verify", "Only the command line imports the held-out commands"),
    "flows/campaign.py": ("from flows import heldout_cli", "Only the command line imports the held-out commands"),
    "flows/train.py": ("from flows import heldout_forecast", "Only the command line imports the held-out commands"),
    "flows/gate.py": ("from flows import audit", "The audit is a process of its own"),
    "flows/auditor.py": ("from flows import heldout_snapshot", "The audit is a process of its own"),
    "flows/deployed.py": ("from flows import heldout_deployed", "The audit is a process of its own"),
    "monitors/gate.py": ("from flows import round", "Each layer"),
    "warehouse/store.py": ("import models.language", "Each layer"),
    "dashboard/app.py": ("from flows import campaign", "Each layer"),
    "dashboard/data.py": ("from monitors import store", "The dashboard shows snapshots"),
}


def contracts() -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(ROOT / ".importlinter")
    return parser


def packages() -> set[str]:
    return {init.parent.name for init in ROOT.glob("*/__init__.py")} - OUTSIDE


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def test_the_contracts_hold() -> None:
    result = lint(ROOT)
    assert result.returncode == 0, result.stdout


def test_every_package_is_in_the_contracts() -> None:
    assert set(contracts()["importlinter"]["root_packages"].split()) == packages()
    layers = contracts()["importlinter:contract:layers"]["layers"].replace("|", " ").split()
    assert set(layers) == packages()


@pytest.mark.parametrize("file", BREACHES)
def test_a_breach_is_caught(file: str, tmp_path: Path) -> None:
    line, contract = BREACHES[file]
    for package in packages():
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("weights", "__pycache__"))
    shutil.copy(ROOT / ".importlinter", tmp_path)
    with open(tmp_path / file, "a") as source:
        source.write(f"\n{line}\n")
    result = lint(tmp_path)
    broken = [row for row in result.stdout.splitlines() if " BROKEN" in row]
    assert result.returncode == 1 and any(contract in row for row in broken), result.stdout


def test_only_the_audit_and_the_held_out_commands_are_let_through() -> None:
    """Every exception of the contract is a protected module, and known by its name."""
    rules = contracts()
    ignored = rules["importlinter:contract:generator"]["ignore_imports"].split("\n")
    let_through = {line.partition(" -> ")[0].strip() for line in ignored if line.strip()}
    protected = {
        name
        for contract in ("heldout", "audit")
        for name in rules[f"importlinter:contract:{contract}"]["protected_modules"].split()
    }
    assert let_through <= protected
    assert all(name == "flows.audit" or name.startswith("flows.heldout_") for name in protected)


OPENINGS = {
    "attach": "ATTACH '{heldout}' AS heldout (READ_ONLY)",
    "attach for writing": "ATTACH '{heldout}' AS heldout",
    "attach by another way": "ATTACH '{own}/../heldout/{file}' AS heldout (READ_ONLY)",
    "attach by a link": "ATTACH '{own}/link/{file}' AS heldout (READ_ONLY)",
    "read its bytes": "SELECT * FROM read_blob('{heldout}')",
    "read it as text": "SELECT * FROM read_text('{heldout}')",
    "read it as rows": "SELECT * FROM read_csv('{heldout}')",
    "read what lies beside it": "SELECT * FROM read_parquet('{folder}/readings.parquet')",
    "name what lies beside it": "SELECT * FROM '{folder}/readings.parquet'",
    "copy from it": "COPY decisions FROM '{folder}/readings.parquet'",
    "copy to it": "COPY (SELECT 1) TO '{folder}/new.parquet'",
    "copy over it": "COPY (SELECT 1) TO '{heldout}' (FORMAT csv)",
    "see that it is there": "SELECT * FROM glob('{folder}/*')",
    "export to it": "EXPORT DATABASE '{folder}/export'",
}
MEANS = {
    "turn external access on": "SET enable_external_access = true",
    "allow its folder": "SET allowed_directories = ['{folder}']",
    "allow its file": "SET allowed_paths = ['{heldout}']",
    "unlock": "SET lock_configuration = false",
    "fetch an extension": "INSTALL httpfs",
}


@pytest.fixture
def campaign(tmp_path: Path) -> Iterator[Path]:
    """A campaign's folder with both sides: a held-out store that holds a seal, a reading, and a file beside it."""
    own, heldout = tmp_path / "generator", tmp_path / "heldout"
    reading = {"seal": 1, "pair_id": "p", "round": 1, "monitor": "m", "reading": 0.5, "threshold": 0.4, "fired": True}
    with open_heldout(heldout) as store:
        keep_seal(store, seal([value("thresholds", {"m": 0.4})]))
        store.add("monitor_readings", [reading])
        store._connection.execute(f"COPY monitor_readings TO '{heldout}/readings.parquet'")
    own.mkdir()
    (own / "link").symlink_to(heldout)
    before = {file.name: file.read_bytes() for file in heldout.iterdir()}
    yield tmp_path
    assert {file.name: file.read_bytes() for file in heldout.iterdir()} == before


def spelled(sql: str, campaign: Path) -> str:
    heldout = campaign / "heldout"
    return sql.format(own=campaign / "generator", heldout=heldout / FILE, folder=heldout, file=FILE)


@pytest.mark.parametrize("how", [*OPENINGS, *MEANS])
def test_the_generator_side_cannot_open_the_held_out_store(campaign: Path, how: str) -> None:
    own = campaign / "generator"
    with Store.open(own / "warehouse.duckdb", allowed=own) as store:
        with pytest.raises(duckdb.Error, match="disabled by configuration|has been locked"):
            store._connection.execute(spelled((OPENINGS | MEANS)[how], campaign))
        with pytest.raises((ValueError, duckdb.Error), match="one SELECT|disabled by configuration"):
            store.query(spelled((OPENINGS | MEANS)[how], campaign))


def test_nor_can_the_held_out_side_open_the_warehouse(campaign: Path) -> None:
    own = campaign / "generator"
    Store.open(own / "warehouse.duckdb", allowed=own).close()
    with open_heldout(campaign / "heldout", read_only=True) as store, pytest.raises(duckdb.Error, match="disabled by"):
        store._connection.execute(f"ATTACH '{own}/warehouse.duckdb' AS generator (READ_ONLY)")


def test_a_data_wall_drawn_too_wide_is_caught(campaign: Path) -> None:
    """Broken on purpose: were the generator side allowed the campaign's whole folder, it would read the other side."""
    with Store.open(campaign / "generator" / "warehouse.duckdb", allowed=campaign) as store:
        store._connection.execute(spelled(OPENINGS["attach"], campaign))
        rows = store.query("SELECT reading FROM heldout.monitor_readings")
        assert rows["reading"].to_pylist() == [0.5]
        assert store.query(spelled(OPENINGS["read what lies beside it"], campaign)).num_rows == 1


def test_every_warehouse_of_the_generator_side_is_walled_into_its_own_folder() -> None:
    """Where a flow opens a store: without `allowed` it is the file's own folder, and no wider one is named."""
    named = {
        (file.name, ast.unparse(word.value))
        for file in sorted(ROOT.glob("flows/*.py"))
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "Store.open"
        for word in call.keywords
        if word.arg == "allowed"
    }
    own = {("recall.py", "place.parent"), ("reviewing.py", "path.parent")}
    assert named == own | {("workshop.py", "folder"), ("modes.py", "path.parent")}
