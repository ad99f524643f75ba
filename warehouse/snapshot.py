"""Snapshots for readers: tables as Parquet in a versioned folder behind one pointer file, which is replaced atomically.

A reader sees the old snapshot or the new one, never half of one, and never holds the live database. Reads: nothing.
Writes: its folder. Must not know: whose view it is, or what the tables say.
"""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from warehouse.errors import PlumblineError
from warehouse.files import write_whole
from warehouse.hashing import canonical, content_hash, file_hash
from warehouse.store import Store

POINTER = "current.json"


class Snapshot(NamedTuple):
    about: dict[str, Any]
    tables: dict[str, pa.Table]


def publish_snapshot(
    folder: Path, tables: Mapping[str, pa.Table | list[dict[str, Any]]], about: dict[str, Any]
) -> None:
    """Write the tables below `folder` and point at them. The snapshot before stays, for whoever is reading it now."""
    aside = folder / "next.aside"
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    for name, rows in tables.items():
        table = rows if isinstance(rows, pa.Table) else pa.Table.from_pylist(rows)
        pq.write_table(table, aside / f"{name}.parquet", compression="zstd")
    version = content_hash([about, {name: file_hash(aside / f"{name}.parquet") for name in tables}])[:12]
    if (folder / version).exists():
        shutil.rmtree(aside)
    else:
        aside.rename(folder / version)
    before = _pointed(folder)
    pointer = {"version": version, "about": about, "tables": sorted(tables)}
    write_whole(folder / POINTER, canonical(pointer) + b"\n")
    keep = {version, str(before.get("version"))}
    for old in folder.iterdir():
        if old.is_dir() and old.name not in keep:
            shutil.rmtree(old, ignore_errors=True)


def read_snapshot(folder: Path) -> Snapshot:
    """The newest snapshot in `folder`. Raises PlumblineError where there is none."""
    pointer = _pointed(folder)
    if not pointer:
        raise PlumblineError(f"{folder}: there is no snapshot yet; it is written after the first round")
    place = folder / pointer["version"]
    tables = {name: pq.read_table(place / f"{name}.parquet", partitioning=None) for name in pointer["tables"]}
    return Snapshot(pointer["about"], tables)


def about_snapshot(folder: Path) -> dict[str, Any]:
    """What the newest snapshot in `folder` says of itself, and its `version`; empty where there is none."""
    pointer = _pointed(folder)
    return {**pointer["about"], "version": pointer["version"]} if pointer else {}


def open_snapshot(folder: Path, migrations: Path | None = None, version: str = "") -> Store:
    """The newest snapshot in `folder`, or that `version` of it, to be asked in SQL like the warehouse it was taken
    from: its tables, read where they lie, and the views that `migrations` (the warehouse's own unless told) define over
    them.

    Raises PlumblineError where there is none.
    """
    version = version or str(_pointed(folder).get("version", "none"))
    tables = sorted(file.stem for file in (folder / version).glob("*.parquet"))
    if not tables:
        raise PlumblineError(f"{folder}: there is no snapshot yet; it is written after the first round")
    return Store.over(folder / version, tables, migrations)


def _pointed(folder: Path) -> dict[str, Any]:
    path = folder / POINTER
    return dict(json.loads(path.read_bytes())) if path.is_file() else {}
