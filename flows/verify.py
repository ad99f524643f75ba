"""Hold what a campaign wrote to its record: the rows to the hash chain, the published files to their hashes.

Reads: `<home>/<campaign>/generator/warehouse.duckdb`, read-only, and the dataset files. Writes: nothing.
Must not know: the held-out side; a held-out command checks what its seal covers, where that side is there at all.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from flows.records import warehouse_of
from warehouse.chain import Checked, check
from warehouse.errors import PlumblineError
from warehouse.hashing import file_hash, short
from warehouse.store import Store


class Check(NamedTuple):
    """One thing that was looked at. `ok` is None where it could not be checked."""

    what: str
    said: str
    ok: bool | None = True

    def __str__(self) -> str:
        mark = {True: "ok", False: "CHANGED", None: "unchecked"}[self.ok]
        return f"{mark:<10} {self.what}: {self.said}"


class Verified(NamedTuple):
    """`head` is the chain's last link; `seals` are the opaque hashes that the held-out side is held to, by number."""

    campaign: str
    folder: Path
    head: str
    seals: dict[int, str]
    checks: tuple[Check, ...]

    @property
    def heldout(self) -> Path:
        return self.folder / "heldout"

    def and_also(self, checks: list[Check]) -> "Verified":
        return self._replace(checks=(*self.checks, *checks))

    def without_heldout(self) -> "Verified":
        """The same where there is no held-out folder: what the campaign was sealed with cannot be looked at here."""
        said = "there is no held-out folder here, so what it covers was not checked"
        seals = [Check(f"seal {number}", f"{short(seal)}; {said}", None) for number, seal in self.seals.items()]
        return self.and_also(seals or [Check("seal", "the campaign was never sealed", None)])

    def as_json(self) -> dict[str, Any]:
        checks = [found._asdict() for found in self.checks]
        return {"campaign": self.campaign, "chain": self.head, "ok": not self.broken, "checks": checks}

    @property
    def broken(self) -> list[Check]:
        return [found for found in self.checks if found.ok is False]

    def answer_for(self) -> None:
        """Raises PlumblineError naming what was changed and where, if anything was."""
        if self.broken:
            first, *more = self.broken
            others = f"; and {len(more)} more, listed by `plumbline verify {self.campaign}`" if more else ""
            raise PlumblineError(
                f"{self.folder}: {first.what}: {first.said}{others}; do not use this record, go back to a copy of it"
            )


def verify(campaign: str, noted: str = "") -> Verified:
    """Everything the generator side can check of a campaign; `noted` is a head that the chain must have gone through.

    Raises PlumblineError when there is no such campaign, another process holds it, or its file cannot be read.
    """
    path = warehouse_of(campaign)
    with Store.open(path, read_only=True) as store:
        try:
            checked = check(store, campaign)
            checks = [*_chain(checked, noted), *_datasets(store, campaign, path.parent.parent / "dataset")]
            sealed = store.query("SELECT number, seal FROM seals WHERE campaign = ? ORDER BY number", campaign)
        except duckdb.Error as error:
            raise PlumblineError(
                f"{path}: its bytes were changed, DuckDB cannot read it ({error}); go back to a copy of it"
            ) from error
    seals = {row["number"]: row["seal"] for row in sealed.to_pylist()}
    return Verified(campaign, path.parent.parent, checked.head, seals, tuple(checks))


def show(verified: Verified) -> None:
    """One line for each thing that was checked, and the head."""
    for found in verified.checks:
        print("".join(char if char.isprintable() else "�" for char in str(found)))
    print(f"{'head':<10} {verified.head or 'nothing is linked yet'}")


def _chain(checked: Checked, noted: str) -> Iterator[Check]:
    places = {(found.round, found.table) for found in checked.differences}
    for link in checked.links:
        if link.round not in {number for number, _ in places}:
            yield Check(f"round {link.round}, {link.step}", f"{link.rows} rows, link {short(link.link)}")
    for found in checked.differences:
        where = f"{found.table}, round {found.round}" + (f", key {found.key}" if found.key else "")
        yield Check(where, found.what, False)
    if not checked.links:
        yield Check("hash chain", "nothing is linked yet; run the campaign to the end of a round", None)
    if checked.loose:
        said = (
            f"{checked.loose} rows were written since the last link: of models trained since, or of a round that was "
        )
        said += "killed, which running the campaign again finishes"
        yield Check("hash chain", said, None)
    if noted:
        known = any(link.link.startswith(noted) for link in checked.links)
        yield Check(f"head {short(noted)}", "the chain goes through it" if known else "the chain never had it", known)


def _datasets(store: Store, campaign: str, folder: Path) -> Iterator[Check]:
    """Every published file. A version that was published twice, nothing having been added, has two cards on record."""
    sql = "SELECT * FROM datasets JOIN dataset_files USING (version, campaign, round) WHERE campaign = ?"
    files: dict[tuple[str, str], set[str]] = {}
    versions = set[tuple[str, str]]()
    for row in store.query(f"{sql} ORDER BY round, file DESC", campaign).to_pylist():
        files.setdefault((row["path"], row["file"]), set()).add(row["hash"])
        versions.add((row["version"], row["path"]))
    for (version, name), hashes in files.items():
        path = folder / version / name
        if not path.is_file():
            yield Check(f"dataset/{version}/{name}", "is missing", False)
        else:
            same = file_hash(path) in hashes
            yield Check(f"dataset/{version}/{name}", "as published" if same else "is not what was published", same)
    if versions:
        known = _pointed(folder / "current.json") in versions
        said = "points to a published version" if known else "points to nothing that was published"
        yield Check("dataset/current.json", said, known)


def _pointed(pointer: Path) -> tuple[str, str] | None:
    try:
        told = json.loads(pointer.read_bytes())
        return str(told["version"]), str(told["path"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
