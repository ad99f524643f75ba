"""Published versions in the record: each with its files, its pairs and the version it follows.

Reads: `<campaign>/dataset/`. Writes: rows into the warehouse. Must not know: who published, or why a pair is not in it.
"""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.publish import Dataset
from warehouse.store import Store


def current(folder: Path) -> Path:
    """The folder of the dataset that `current.json` points at."""
    return folder / str(json.loads((folder / "current.json").read_bytes())["path"])


def enter(store: Store, campaign: str, number: int, dataset: Dataset, parent: str | None, decisions: pa.Table) -> None:
    """Enter a version that an unwatched campaign published in round `number`."""
    place = {"version": dataset.version, "campaign": campaign, "round": number}
    store.add("datasets", [{**place, "path": dataset.folder.name, "rows": dataset.rows, "parent": parent}])
    store.add("dataset_files", [{**place, "file": file, "hash": digest} for file, digest in dataset.files.items()])
    kept = [row["pair_id"] for row in decisions.to_pylist() if row["decision"] == "kept"]
    store.add("dataset_pairs", [{"version": dataset.version, "pair_id": pair} for pair in kept])


def register_published(store: Store, folder: Path) -> None:
    """Enter every version that the audit of the campaign in `folder` has published."""
    for row in json.loads((folder / "dataset" / "versions.json").read_bytes()):
        place = {"version": row["version"], "campaign": folder.name, "round": row["round"]}
        file = folder / "dataset" / row["path"] / "train.parquet"
        pairs = pq.read_table(file, columns=["pair_id"], partitioning=None)["pair_id"].to_pylist()
        store.add("datasets", [{**place, "path": row["path"], "rows": row["rows"], "parent": row["parent"]}])
        files = [{**place, "file": name, "hash": digest} for name, digest in row["files"].items()]
        store.add("dataset_files", files)
        store.add("dataset_pairs", [{"version": row["version"], "pair_id": pair} for pair in pairs])
        if row["quarantined"] is not None:
            tainted = {"version": row["version"], "campaign": folder.name, "alarm": row["quarantined"]}
            store.add("quarantined_datasets", [tainted])
