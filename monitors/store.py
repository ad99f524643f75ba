"""The held-out store: one DuckDB file in a folder of its own, which no connection of the generator side can open.

Reads and writes: `<home>/<campaign>/heldout/heldout.duckdb`; its tables are described in `monitors/migrations`.
Must not know: the generator side's warehouse, or where any of its files are.
"""

from pathlib import Path

from monitors.seal import Part, Record
from warehouse.errors import PlumblineError
from warehouse.hashing import short
from warehouse.store import Store

MIGRATIONS = Path(__file__).parent / "migrations"
FILE = "heldout.duckdb"


def open_heldout(folder: Path, read_only: bool = False) -> Store:
    """The store of the held-out folder `folder`; its SQL may touch that folder and nothing else.

    Raises PlumblineError as `Store.open` does, and when asked to read one that is not there.
    """
    if read_only and not (folder / FILE).is_file():
        raise PlumblineError(f"{folder / FILE}: there is no held-out store here; check the folder or its copy")
    return Store.open(folder / FILE, read_only, allowed=folder, migrations=MIGRATIONS)


def keep_seal(store: Store, record: Record, number: int = 1) -> None:
    """Enter a seal; to enter the same one again changes nothing.

    Raises PlumblineError when another seal has this number already: a seal ends, and a new one gets the next number.
    """
    kept = seals(store).get(number)
    if kept and kept.hash != record.hash:
        raise PlumblineError(
            f"{store.path}: seal {number} is {short(kept.hash)}, not {short(record.hash)}; "
            f"what it covers has changed: put that back, or begin seal {number + 1} with new monitors"
        )
    parts = [part._asdict() for part in record.parts]
    store.add("seals", [{"number": number, "seal": record.hash, "parts": parts}])


def seals(store: Store) -> dict[int, Record]:
    """Every seal by its number, as it was kept."""
    rows = store.query("SELECT number, seal, parts FROM seals ORDER BY number").to_pylist()
    return {row["number"]: Record(row["seal"], tuple(Part(**part) for part in row["parts"])) for row in rows}
