"""The import wall: the contracts hold, cover every package, and really catch what they forbid."""

import configparser
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OUTSIDE = {"tests", "benchmarks", "docs"}
BREACHES = {
    "tasks/curate.py": ("import monitors", "The wall"),
    "monitors/__init__.py": ("import tasks.curate", "The wall"),
    "monitors/peek.py": ("from models import sae", "autoencoder"),
    "tasks/review.py": ("from models.organism import parse", "ground truth"),
    "flows/round.py": ("import monitors", "No flow on the generator side"),
    "flows/cli.py": ("from monitors import simulator", "No flow on the generator side"),
    "flows/campaign.py": ("from flows import heldout_cli", "Only the command line imports the held-out commands"),
    "monitors/gate.py": ("from flows import round", "Each layer"),
    "warehouse/store.py": ("import models.language", "Each layer"),
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
