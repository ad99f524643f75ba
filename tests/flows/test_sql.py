"""The record asked in SQL: every view has an example in docs/sql.md, and every example gives what stands there."""

import json
import re
from pathlib import Path

import pytest
from demo_record import demo_record

from flows import asked_sql
from flows.cli import main
from warehouse.errors import PlumblineError
from warehouse.store import Store

DOC = (Path(__file__).parent.parent.parent / "docs" / "sql.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^## (\w+)\n.*?```sql\n(.*?)\n```\n```text\n(.*?)\n```", DOC, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module", autouse=True)
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = demo_record(tmp_path_factory.mktemp("sql"))
    with Store.open(folder / "generator" / "warehouse.duckdb") as store:
        sql = "SELECT pair_id, round FROM pairs JOIN decisions USING (pair_id) WHERE decision = 'held' ORDER BY round"
        said = zip(store.query(sql).to_pylist(), ("justified", "unjustified"), strict=False)
        for given, (row, verdict) in enumerate(said):
            for number, who in enumerate(("Ada", "Bob")[: 2 - given], 1):
                told = {"campaign": "demo", "number": number, "who": who, "given": given, "verdict": verdict}
                store.add("person_verdicts", [row | told])
    return folder


@pytest.fixture(autouse=True)
def at_home(demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUMBLINE_HOME", str(demo.parent))


@pytest.mark.parametrize(("view", "sql", "shown"), EXAMPLES, ids=[view for view, *_ in EXAMPLES])
def test_an_example_gives_what_the_page_says(
    view: str, sql: str, shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["sql", sql, "demo"])
    out = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert view in sql and out == shown.splitlines()


def test_every_view_is_on_the_page() -> None:
    assert {row["view"] for row in asked_sql.views().rows.to_pylist()} == {view for view, *_ in EXAMPLES}


def test_views_say_what_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    main(["sql", "--views", "--json"])
    rows = json.loads(capsys.readouterr().out.splitlines()[-1])["rows"]
    assert all(len(row["what it says"]) > 40 for row in rows)
    for row in rows:
        asked_sql.ask(f"SELECT * FROM {row['view']}", "demo")


def test_json_has_every_row(capsys: pytest.CaptureFixture[str]) -> None:
    main(["sql", "SELECT range AS n, 'nan'::DOUBLE AS x FROM range(1500)", "demo", "--json"])
    rows = json.loads(capsys.readouterr().out.splitlines()[-1])["rows"]
    assert len(rows) == 1500 and rows[7] == {"n": 7, "x": None}
    main(["sql", "SELECT range AS n FROM range(1500)", "demo"])
    assert "and 500 more rows" in capsys.readouterr().out


WRONG = {
    "DELETE FROM pairs": "only one SELECT",
    "SELECT 1; SELECT 2": "only one SELECT",
    "SELEC 1": "syntax error",
    "SELECT * FROM nowhere": "nowhere does not exist",
    "SELECT * FROM read_csv('/etc/passwd')": "file system operations are disabled",
}


@pytest.mark.parametrize("sql", WRONG)
def test_what_cannot_be_asked(sql: str) -> None:
    with pytest.raises(PlumblineError, match=WRONG[sql]):
        asked_sql.ask(sql, "demo")


def test_foreign_text_stays_text(capsys: pytest.CaptureFixture[str]) -> None:
    main(["sql", "SELECT chr(27) || '[2J[red]x' AS said, repeat('long ', 100) AS more", "demo"])
    out = capsys.readouterr().out
    assert "\x1b" not in out and "[red]x" in out and out.count("long") < 30
