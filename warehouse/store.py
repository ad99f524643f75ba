"""The warehouse: one DuckDB file per side of a campaign, written by one process and only ever added to.

Reads and writes: its own file and nothing outside `allowed`, which DuckDB itself enforces. The connection may use one
folder, has external access off and its configuration locked, so no SQL can ATTACH, COPY or read a file elsewhere.
That guards against accident and drift, not against someone who edits this module.
Must not know: what a round does, or which side of the wall it serves.
"""

import contextlib
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from warehouse.errors import PlumblineError
from warehouse.hashing import content_hash

MIGRATIONS = Path(__file__).parent / "migrations"
VIEWS = ("CREATE VIEW", "DROP VIEW")


def home() -> Path:
    """The folder for everything that runs write: PLUMBLINE_HOME, or `runs` below the working directory."""
    return Path(os.environ.get("PLUMBLINE_HOME") or "runs").expanduser()


class Store:
    """An open warehouse. Safe to share between threads; a context manager that closes itself."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, path: Path) -> None:
        self.path = path
        self._connection = connection
        self._writing = threading.Lock()

    @classmethod
    def open(
        cls,
        path: Path | str,
        read_only: bool = False,
        allowed: Path | None = None,
        migrations: Path | None = None,
    ) -> Self:
        """Open the warehouse at `path`, make it when it is new, and apply the migrations it lacks.

        `allowed` is the one folder its SQL may touch, the file's own unless told; `migrations` holds the numbered SQL
        files that say which tables there are, the warehouse's own unless told. An older warehouse can be read where all
        it lacks is views. Raises PlumblineError when another process holds the file, when it is no warehouse, or when
        other code has written it.
        """
        path = Path(path).resolve()
        if read_only and not path.exists():
            raise PlumblineError(f"{path}: there is no warehouse here; run a campaign first or check PLUMBLINE_HOME")
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            # No Python variable may pass for a table: only what `add` registers is visible to SQL.
            connection = duckdb.connect(str(path), read_only, {"python_enable_replacements": False})
        except duckdb.Error as error:
            raise PlumblineError(f"{path}: {_why_closed(error)}") from error
        try:
            _wall_in(connection, (allowed or path.parent).resolve())
            _migrate(connection, path, read_only, migrations or MIGRATIONS)
        except BaseException:
            connection.close()
            raise
        return cls(connection, path)

    @classmethod
    def over(cls, folder: Path, tables: Sequence[str], migrations: Path | None = None) -> Self:
        """A warehouse to read, in memory over the files `TABLE.parquet` in `folder`, with the views of the migrations
        for which it has the tables."""
        connection = duckdb.connect(":memory:", config={"python_enable_replacements": False})
        for table in tables:
            file = folder.resolve() / f"{table}.parquet"
            if not pq.read_schema(file).names:
                continue  # a table that never had a row, and says not even what its columns are
            path = str(file).replace("'", "''")
            connection.execute(f"CREATE VIEW \"{table}\" AS SELECT * FROM read_parquet('{path}')")
        _wall_in(connection, folder.resolve())
        for migration in sorted((migrations or MIGRATIONS).glob("[0-9][0-9][0-9][0-9]_*.sql")):
            for each in duckdb.extract_statements(migration.read_text(encoding="utf-8")):
                if each.query.startswith(VIEWS):
                    with contextlib.suppress(duckdb.CatalogException):  # a snapshot older than the view
                        connection.execute(each.query)
        return cls(connection, folder)

    def add(self, table: str, rows: pa.Table | list[dict[str, Any]]) -> int:
        """Add `rows` to `table` in one transaction, columns by name; returns how many were new.

        A row whose primary key is there already is left as it is, so repeating an `add` after a crash changes nothing.
        Raises duckdb.Error when a column is unknown or a constraint other than the key does not hold.
        """
        if isinstance(rows, list):
            names = dict.fromkeys(name for row in rows for name in row)
            rows = pa.table({name: [row.get(name) for row in rows] for name in names})
        if not rows.num_rows:
            return 0
        with self._writing, self._connection.cursor() as cursor:
            cursor.register("incoming", rows)
            sql = f'INSERT OR IGNORE INTO "{table}" BY NAME SELECT * FROM incoming'
            return int(cursor.execute(sql).fetchall()[0][0])

    def query(self, sql: str, *params: Any) -> pa.Table:
        """The result of one SELECT, `?` filled from `params`.

        Raises ValueError for any other statement: the tables are append-only, and `add` is the only way in.
        """
        if [statement.type for statement in duckdb.extract_statements(sql)] != [duckdb.StatementType.SELECT]:
            raise ValueError(f"query takes one SELECT, not {sql!r}; rows go in through add")
        with self._connection.cursor() as cursor:
            return cursor.sql(sql, params=list(params)).to_arrow_table()

    def close(self) -> None:
        """Fold the write-ahead log into the file and let go of it."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _wall_in(connection: duckdb.DuckDBPyConnection, allowed: Path) -> None:
    """The data wall; the order matters, since each step makes the one before it final."""
    if _one(connection, "SELECT current_setting('lock_configuration')"):
        return  # this process has the file open already, behind the same wall
    folder = str(allowed).replace("'", "''")
    connection.execute(f"SET allowed_directories = ['{folder}']")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def _migrate(connection: duckdb.DuckDBPyConnection, path: Path, read_only: bool, migrations: Path) -> None:
    applied: dict[int, str] = {}
    if _one(connection, "SELECT count(*) FROM duckdb_tables() WHERE table_name = 'migrations'"):
        applied = dict(connection.execute("SELECT number, hash FROM migrations").fetchall())
    files = {int(file.name[:4]): file for file in sorted(migrations.glob("[0-9][0-9][0-9][0-9]_*.sql"))}
    for number in sorted(applied.keys() | files.keys()):
        sql = files[number].read_text(encoding="utf-8") if number in files else ""
        if number in applied and applied[number] == content_hash(sql):
            continue
        if read_only and number not in applied and _only_views(sql):
            continue  # no row is missing, and whoever reads here can do without
        if number in applied or read_only:
            raise PlumblineError(
                f"{path}: migration {number:04d} is not the one in this version of Plumbline; "
                "open it with the version that wrote it, or set PLUMBLINE_HOME to a new folder"
            )
        connection.begin()
        connection.execute(sql)
        record = [number, files[number].stem, content_hash(sql)]
        connection.execute("INSERT INTO migrations VALUES (?, ?, ?)", record)
        connection.commit()


def _only_views(sql: str) -> bool:
    return all(each.query.startswith(VIEWS) for each in duckdb.extract_statements(sql))


def _one(connection: duckdb.DuckDBPyConnection, sql: str) -> Any:
    return connection.execute(sql).fetchall()[0][0]


def _why_closed(error: duckdb.Error) -> str:
    text = str(error)
    if "Could not set lock" in text:
        holder = text.partition("held in ")[2].partition(". See also")[0]
        return f"another process holds it ({holder}); wait until it ends, or stop it"
    if "different configuration" in text:
        return "this process has it open in the other mode; close that first"
    return f"cannot be opened as a warehouse ({text}); check the path, or set PLUMBLINE_HOME to a new folder"
