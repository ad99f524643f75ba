"""A campaign's record, asked in SQL: read-only, on the warehouse or, while it is being written, on its snapshot.

Reads: the warehouse or the author's snapshot; the views' descriptions in the migrations. Writes: nothing.
Must not know: what is asked.
"""

import json
import re
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa
from rich.console import Console
from rich.table import Table

from flows.records import reading, warehouse_of
from warehouse.errors import PlumblineError
from warehouse.store import MIGRATIONS

SHOWN = 1000
VIEW = re.compile(r"((?:^--[^\n]*\n)+)^CREATE VIEW (\w+)", re.MULTILINE)


class Asked(NamedTuple):
    """`source`: where the rows are from, a file or a snapshot."""

    source: str
    rows: pa.Table

    def as_json(self) -> dict[str, Any]:
        """The rows as JSON can say them: what it cannot, a date or bytes, as text; NaN and the infinities as null."""
        plain = json.dumps(self.rows.to_pylist(), default=str)
        return {"source": self.source, "rows": json.loads(plain, parse_constant=lambda _: None)}


def ask(select: str, campaign: str) -> Asked:
    """The rows of one SELECT. Raises PlumblineError in DuckDB's own words where it is none, or a wrong one."""
    if not select.strip():
        raise PlumblineError('what is asked? For example: plumbline sql "SELECT * FROM v_rounds"; or --views')
    with reading(warehouse_of(campaign)) as store:
        try:
            return Asked(str(store.path), store.query(select))
        except ValueError as error:
            raise PlumblineError("only one SELECT can be asked here; nothing is changed by hand") from error
        except duckdb.Error as error:
            raise PlumblineError(
                f"{campaign}: {str(error).partition('LINE 1')[0]}; see plumbline sql --views"
            ) from error


def views() -> Asked:
    """Every view there is now, and what its migration says of it."""
    told: dict[str, str] = {}
    for file in sorted(MIGRATIONS.glob("[0-9][0-9][0-9][0-9]_*.sql")):
        sql = file.read_text(encoding="utf-8")
        for gone in re.findall(r"^DROP VIEW (\w+)", sql, re.MULTILINE):
            told.pop(gone, None)
        for comment, name in VIEW.findall(sql):
            told[name] = " ".join(line.removeprefix("--").strip() for line in comment.splitlines())
    rows = [{"view": name, "what it says": said} for name, said in sorted(told.items())]
    return Asked("docs/sql.md", pa.Table.from_pylist(rows))


def show(asked: Asked, wide: int = 120) -> None:
    """The rows as a table; texts are foreign, so they are cut, and no control character reaches the terminal."""
    console = Console(highlight=False, markup=False)
    console = console if console.is_terminal else Console(highlight=False, markup=False, width=200)
    table = Table(header_style="bold")
    for name in asked.rows.column_names:
        number = pa.types.is_integer(asked.rows[name].type) or pa.types.is_floating(asked.rows[name].type)
        table.add_column(name, justify="right" if number else "left", overflow="fold")
    for row in asked.rows.slice(0, SHOWN).to_pylist():
        table.add_row(*(_cell(value, wide) for value in row.values()))
    console.print(table)
    left = asked.rows.num_rows - SHOWN
    if left > 0:
        console.print(f"… and {left:,} more rows; --json has them all")


def _cell(value: object, wide: int) -> str:
    if value is None:
        return "-"
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    text = "".join(char if char.isprintable() else " " for char in text)
    return text if len(text) <= wide else text[: wide - 1] + "…"
