"""Published versions in the record: each with its files, its pairs and the version it follows.

Reads: `<campaign>/dataset/`. Writes: rows into the warehouse. Must not know: who published, or why a pair is not in it.
"""

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from tasks.publish import Dataset
from warehouse.store import Store


def current(folder: Path) -> Path:
    """The folder of the dataset that `current.json` points at."""
    return folder / str(json.loads((folder / "current.json").read_bytes())["path"])


def enter(store: Store, campaign: str, number: int, dataset: Dataset, parent: str | None) -> None:
    """Enter a version that this side published, in round `number` or after it."""
    place = {"version": dataset.version, "campaign": campaign, "round": number}
    store.add("datasets", [{**place, "path": dataset.folder.name, "rows": dataset.rows, "parent": parent}])
    store.add("dataset_files", [{**place, "file": file, "hash": digest} for file, digest in dataset.files.items()])
    store.add("dataset_pairs", [{"version": dataset.version, "pair_id": pair} for pair in dataset.pairs])


def versions(folder: Path) -> list[dict[str, Any]]:
    """What the audit of the campaign in `folder` has published, oldest first."""
    return list(json.loads((folder / "dataset" / "versions.json").read_bytes()))


def enter_version(store: Store, folder: Path, row: dict[str, Any]) -> None:
    """Enter one version that the audit of the campaign in `folder` has published."""
    place = {"version": row["version"], "campaign": folder.name, "round": row["round"]}
    file = folder / "dataset" / row["path"] / "train.parquet"
    pairs = pq.read_table(file, columns=["pair_id"], partitioning=None)["pair_id"].to_pylist()
    store.add("datasets", [{**place, "path": row["path"], "rows": row["rows"], "parent": row["parent"]}])
    store.add("dataset_files", [{**place, "file": name, "hash": digest} for name, digest in row["files"].items()])
    store.add("dataset_pairs", [{"version": row["version"], "pair_id": pair} for pair in pairs])
    if row["quarantined"] is not None:
        tainted = {"version": row["version"], "campaign": folder.name, "alarm": row["quarantined"]}
        store.add("quarantined_datasets", [tainted])
