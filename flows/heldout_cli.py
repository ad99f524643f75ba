"""What the held-out commands do: the one module of the flows, but for the audit, that may import the monitors.

Reads: nothing but its arguments. Writes: nothing. Must not be imported by any flow: the command line alone does so, and
only when such a command runs. Must not know: a campaign's pairs.
"""

from typing import Any

from rich.console import Console
from rich.table import Table

from flows.progress import Progress
from monitors.planning import plan
from monitors.simulator import Row, simulate


def table_rows(campaigns: int, seed: int) -> list[Row]:
    """The gate's whole table."""
    with Progress() as progress:
        return simulate(campaigns, seed, lambda _, share: progress.to("simulating", round(100 * share), 100))


def planned_rows(budget: float, rate: float, overlap: float, campaigns: int, seed: int) -> list[Row]:
    """What such a budget would catch."""
    with Progress() as progress:
        told = progress.to
        return plan(
            budget, rate, overlap, campaigns, seed, lambda _, share: told("simulating", round(100 * share), 100)
        )


def as_json(rows: list[Row]) -> dict[str, Any]:
    """One object; `pass` is null where a row has no bar to pass."""
    return {
        "rows": [{"name": row.name, "bar": row.bar, "value": round(row.value, 4), "pass": row.passed} for row in rows]
    }


def show_rows(rows: list[Row]) -> None:
    """The rows as a table, and how many bars were missed."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=160)
    barred = [row for row in rows if row.passed is not None]
    table = Table(title="the gate in a simulated world", header_style="bold")
    table.add_column("what", overflow="fold")
    columns = ("bar", "measured", "") if barred else ("measured",)
    for caption in columns:
        table.add_column(caption, justify="right")
    for row in rows:
        mark = "[green]pass[/]" if row.passed else "[red]missed[/]"
        table.add_row(row.name, *((row.bar, f"{row.value:.4g}", mark) if barred else (f"{row.value:.4g}",)))
    console.print(table)
    if barred:
        console.print(f"{sum(bool(row.passed) for row in barred)} of {len(barred)} bars met")
