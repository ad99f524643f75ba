"""Every command has help with an example and a place in the README; every mistake is answered in one line."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from cyclopts import App

from flows.cli import app, main

README = Path(__file__).parent.parent.parent / "README.md"


def commands(parent: App, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The full name of every command, subcommands included; flags such as --help are none."""
    found: list[tuple[str, ...]] = []
    for name in parent:
        if not name.startswith("-"):
            below = commands(parent[name], (*path, name))
            found += below or [(*path, name)]
    return found


COMMANDS = commands(app)
MISTAKES = {
    "rnu": 'Did you mean "run"',
    "run --jsno": "Did you mean --json",
    "run nowhere.yaml": "nowhere.yaml: cannot be read",
    "curate": "PAIRS",
    "curate nowhere.jsonl": "nowhere.jsonl: cannot be read",
    "compare nowhere.jsonl": "nowhere.jsonl: cannot be read",
    "benchmark sincerity": "FILES",
    "benchmark sincerity nowhere.jsonl": "nowhere.jsonl: no such file",
    "calibrate": "LABELLED",
    "calibrate nowhere.jsonl": "nowhere.jsonl: cannot be read",
    "trace 00": "no campaign has run here",
    "impact 00": "no campaign has run here",
    "recall 00": "no campaign has run here",
    "sql": "what is asked?",
    "sql SELECT embeded": "no campaign 'embeded'",
    "train embeded": "embeded: neither a folder with train.parquet nor a campaign",
    "train embedded --epochs 0": "--epochs 0: Input should be greater than or equal to 1",
    "forecast embeded": "embeded: neither a folder with train.parquet nor a campaign",
    "outcome nowhere": "nowhere: 0 trained models are called that",
    "outcome nowhere --count 1": "ask at least 2",
    "export": "--to",
    "verify embeded": "no campaign 'embeded'",
    "simulate --campaigns 0": "take at least 1",
    "simulate --rate 0.9": "a rate between 0 and 0.625",
    "frames --prompts 0": "ask at least 1",
    "frames --generator nowhere": "no config.json here",
    "frames --constitution nowhere.yaml": "nowhere.yaml: cannot be read",
    "sae train --reader nowhere --texts nowhere.jsonl": "nowhere.jsonl: cannot be read",
    "approve embeded --who Ada": "no campaign 'embeded'",
    "approve embedded": "--who",
    "revert embeded 3f9a --who Ada": "no campaign 'embeded'",
    "review embeded": "no campaign 'embeded'",
    "report": "--out",
    "report embeded --out x.html": "no campaign 'embeded'",
    "export embeded --to x.jsonl": "no campaign 'embeded'",
    "constitution show embedded:strat": "strat.yaml: cannot be read",
    "constitution validate nowhere.md": "nowhere.md: cannot be read",
    "constitution import nowhere.txt": "--to",
    "constitution import nowhere.txt --to x.yaml": "nowhere.txt: cannot be read",
    "injections --strings nowhere.jsonl": "nowhere.jsonl: cannot be read",
    "automations": "no Prefect server is named",
    "serve --port 99999": "port 99999 cannot be had",
    "constitution diff embedded:start nowhere.yaml": "nowhere.yaml: cannot be read",
}


def test_the_commands() -> None:
    known = {"run", "curate", "calibrate", "trace", "export", "verify", "simulate", "frames", "compare", "sae train"}
    known |= {"impact", "recall", "sql", "benchmark sincerity"}
    known |= {"train", "forecast", "outcome", "study"}
    assert known | {"organism build"} <= {" ".join(name) for name in COMMANDS}


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_has_an_example(command: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    main([*command, "--help"])
    shown = " ".join(capsys.readouterr().out.split())
    assert f"Example: plumbline {' '.join(command)}" in shown
    assert "--json" in shown and "--debug" in shown


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_the_readme_names_every_command(command: tuple[str, ...]) -> None:
    assert f"plumbline {' '.join(command)}" in README.read_text(encoding="utf-8")


@pytest.mark.parametrize("line", MISTAKES)
def test_a_mistake_is_one_line(
    line: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PLUMBLINE_HOME", str(tmp_path / "runs"))
    with pytest.raises(SystemExit) as ended:
        main(line.split())
    out, err = capsys.readouterr()
    assert ended.value.code == 2
    assert err.startswith("error: ") and err.count("\n") == 1 and MISTAKES[line] in err
    assert not out


def test_debug_shows_the_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUMBLINE_HOME", str(tmp_path))
    with pytest.raises(Exception, match="cannot be read"):
        main(["run", "nowhere.yaml", "--debug"])


def test_help_comes_at_once_without_the_libraries() -> None:
    code = "import sys; from flows.cli import main; main(['--help']); print({'torch', 'prefect'} & set(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.splitlines()[-1] == "set()"


def test_json_is_one_object_on_the_last_line(capsys: pytest.CaptureFixture[str]) -> None:
    from flows.output import Output, answer

    answer(Output(json=True), {"rows": 3}, lambda: None)
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == {"rows": 3}
