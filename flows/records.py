"""Look things up in the warehouses of campaigns; while one runs, in the author's snapshot of it.

Reads: `<home>/<campaign>/generator/warehouse.duckdb`, read-only, or `<home>/<campaign>/author/`.
Must not know: how campaigns run, and the held-out side.
"""

import difflib
from collections.abc import Sequence
from pathlib import Path

from tasks.publish import export
from warehouse.errors import HeldError, PlumblineError
from warehouse.graph import KINDS, Item
from warehouse.impact import above, below
from warehouse.lineage import Node, trace
from warehouse.nodes import find
from warehouse.snapshot import open_snapshot
from warehouse.store import Store, home


def traced(given: str, campaign: str = "") -> Node:
    """What lies behind a node of any kind: the chain of a pair, of all else what it was made of.

    Raises PlumblineError where none or several campaigns know it.
    """
    place, item = located(given, campaign)
    with reading(place) as store:
        return trace(store, item.key) if item.kind == "pair" else above(store, item)


def impacted(given: str, campaign: str = "") -> Node:
    """What was made of a node of any kind, or with it. Raises PlumblineError like `traced`."""
    place, item = located(given, campaign)
    with reading(place) as store:
        return below(store, item)


def located(given: str, campaign: str = "", kinds: Sequence[str] = KINDS) -> tuple[Path, Item]:
    """The node that `given` names, and the warehouse that knows it, of one campaign or of all.

    Raises PlumblineError where none or several do, naming the nearest.
    """
    found: dict[Path, Item] = {}
    misses: list[PlumblineError] = []
    for path in [warehouse_of(campaign)] if campaign else _warehouses():
        try:
            with reading(path) as store:
                found[path] = find(store, given, kinds)
        except PlumblineError as error:
            misses.append(error)
    if len(found) > 1:
        known = ", ".join(sorted(_campaign(path) for path in found))
        raise PlumblineError(f"{given!r} is known in {known}; name one with --campaign")
    if not found:
        telling = [miss for miss in misses if not str(miss).startswith("no ")] + misses
        raise (
            telling[0] if telling else PlumblineError(f"{home()}: no campaign has run here; start with `plumbline run`")
        )
    return next(iter(found.items()))


def reading(path: Path) -> Store:
    """The warehouse at `path`, to read; while its campaign is running, the author's snapshot of it.

    Raises PlumblineError where there is neither.
    """
    try:
        return Store.open(path, read_only=True)
    except HeldError:
        return open_snapshot(path.parent.parent / "author")


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
