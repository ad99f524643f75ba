"""The author's snapshot: the whole record of the generator's side, and of the audit nothing but its answers.

Reads: the warehouse. Writes: `<campaign>/author/`, a versioned folder behind one pointer file. Must not know: the
held-out side, or who reads the snapshot.
"""

from pathlib import Path

from flows.spent import spent_table
from warehouse.snapshot import about_snapshot, publish_snapshot
from warehouse.store import Store
from warehouse.strongest import strongest

# Sorted, so that a reader who wants one pair need not read the rows of the others.
ORDER = {"pairs": "round, position, attempt", "readings": "pair_id", "verdicts": "pair_id", "decisions": "pair_id"}


def show_author(store: Store, folder: Path, over: bool, number: int | None = None, planned: int | None = None) -> None:
    """Publish every table of the campaign in `folder` as it stands after round `number` of the `planned`; without them,
    as in the snapshot before. Beside them `strongest`, the texts each trait and latent was read most strongly in, and
    `spent`, what the endpoints of its roles have cost. `over`: it has ended or stands still, and nobody has resumed it
    since."""
    before = about_snapshot(folder / "author")
    names = store.query("SELECT table_name FROM duckdb_tables() ORDER BY table_name")["table_name"].to_pylist()
    tables = {
        name: store.query(f'SELECT * FROM "{name}" ' + (f"ORDER BY {ORDER[name]}" if name in ORDER else ""))
        for name in names
    }
    tables["strongest"] = strongest(store)
    tables["spent"] = spent_table(folder / "generator" / "exchanges")
    about = {
        "campaign": folder.name,
        "round": before.get("round") if number is None else number,
        "planned": before.get("planned") if planned is None else planned,
        "over": over,
    }
    publish_snapshot(folder / "author", tables, about)
