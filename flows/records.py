"""Look things up in the warehouses of finished campaigns.

Reads: `<home>/<campaign>/generator/warehouse.duckdb`, read-only.
Must not know: how campaigns run, and the held-out side.
"""

import difflib
from pathlib import Path

from tasks.publish import export
from warehouse.errors import PlumblineError
from warehouse.lineage import Node, trace
from warehouse.store import Store, home


def traced(pair_id: str, campaign: str = "") -> Node:
    """The chain of a pair, looked for in one campaign or in all.

    Raises PlumblineError where none or several know it.
    """
    found: dict[str, Node] = {}
    misses: list[PlumblineError] = []
    for path in [warehouse_of(campaign)] if campaign else _warehouses():
        try:
            with Store.open(path, read_only=True) as store:
                found[_campaign(path)] = trace(store, pair_id)
        except PlumblineError as error:
            misses.append(error)
    if len(found) > 1:
        raise PlumblineError(f"{pair_id!r} is known in {', '.join(sorted(found))}; name one with --campaign")
    if not found:
        telling = [miss for miss in misses if not str(miss).startswith("no pair")] + misses
        raise (
            telling[0] if telling else PlumblineError(f"{home()}: no campaign has run here; start with `plumbline run`")
        )
    return next(iter(found.values()))


def exported(campaign: str, to: Path, decisions: str) -> int:
    """Write a campaign's pairs with the given decision, or "all", to `to`; how many. Raises PlumblineError."""
    from flows.event_datasets import of_file, of_table
    from flows.events import events_of

    path = warehouse_of(campaign)
    with Store.open(path, read_only=True) as store, events_of(path.parent, campaign) as events:
        read = [of_table(store, table) for table in ("pairs", "decisions", "dataset_pairs")]
        with events.run("export", [str(to.resolve()), decisions], read) as told:
            rows = export(store, campaign, to, "all" if decisions == "all" else {decisions})
            told.wrote(of_file(to)._replace(rows=rows))
    return rows


def warehouse_of(campaign: str) -> Path:
    """The campaign's warehouse. Raises PlumblineError naming the nearest campaign when there is none."""
    known = {_campaign(path): path for path in _warehouses()}
    if campaign not in known:
        close = difflib.get_close_matches(campaign, known, n=1, cutoff=0.0)
        mend = f"did you mean {close[0]}?" if close else "start with `plumbline run`, or check PLUMBLINE_HOME"
        raise PlumblineError(f"{home()}: no campaign {campaign!r}; {mend}")
    return known[campaign]


def _warehouses() -> list[Path]:
    return sorted(home().glob("*/generator/warehouse.duckdb"))


def _campaign(path: Path) -> str:
    return path.parent.parent.name
