"""The warehouse: bulk and idempotent writes, append-only reads, the data wall, and what a kill leaves."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from synthetic import tables

from warehouse import store as store_module
from warehouse.errors import PlumblineError
from warehouse.shapes import DECISIONS, PAIRS, QUARANTINE, READINGS, VERDICTS
from warehouse.store import Store, home


def count(store: Store, table: str) -> int:
    return int(store.query(f"SELECT count(*) AS n FROM {table}")["n"][0].as_py())


def test_ten_thousand_pairs_go_in_within_seconds_and_only_once(tmp_path: Path) -> None:
    made = tables(10_000)
    with Store.open(tmp_path / "warehouse.duckdb") as store:
        begun = time.perf_counter()
        new = [store.add(name, getattr(made, name)) for name in made._fields]
        assert time.perf_counter() - begun < 20  # about 2 s on two idle cores
        assert new == [10_000, 100_000, 6_000, 10_000]
        assert [store.add(name, getattr(made, name)) for name in made._fields] == [0, 0, 0, 0]
        assert count(store, "readings") == 100_000


def test_what_comes_out_has_the_shape_of_what_went_in(tmp_path: Path) -> None:
    made = tables(20)
    with Store.open(tmp_path / "warehouse.duckdb") as store:
        for name, shape in zip(made._fields, (PAIRS, READINGS, VERDICTS, DECISIONS), strict=True):
            store.add(name, getattr(made, name))
            assert store.query(f"SELECT * FROM {name}").schema == shape
        assert store.query("SELECT * FROM pairs ORDER BY position").equals(made.pairs)
        assert store.query("SELECT * FROM quarantine").schema == QUARANTINE
        views = store.query("SELECT decision, verdict, max_reading, flagged FROM v_pairs ORDER BY position").to_pylist()
        assert views[1] == {"decision": "kept", "verdict": None, "max_reading": -1.0, "flagged": False}
        assert views[3] == {"decision": "dropped", "verdict": "unjustified", "max_reading": 2.5, "flagged": True}


def test_rows_as_dicts_keep_keys_that_the_first_row_lacks(tmp_path: Path) -> None:
    entry = {"campaign": "demo", "entry": "amendment", "formula": "log2 k", "detail": ""}
    with Store.open(tmp_path / "warehouse.duckdb") as store:
        assert store.add("ledger", []) == 0
        assert store.add("ledger", [entry | {"round": 0}, entry | {"round": 1, "bits": 2}]) == 2
        assert store.query("SELECT bits FROM ledger ORDER BY round")["bits"].to_pylist() == [None, 2.0]


LEDGER: dict[tuple[str, str], tuple[list[float | None], list[float | None]]] = {
    ("amendment", "log2 K"): ([2.0, 1.0, 3.0], [2.0, 3.0, 6.0]),
    ("amendment", "KL bound"): ([0.5, None, 0.5], [0.5, None, None]),
    ("amendment", "k3, bits a response"): ([0.5, 0.5, None], [None, None, None]),
    ("from the start", "k3, bits a response"): ([0.5, None, 0.75], [0.5, None, 0.75]),
    ("filter", "-log2(kept share), per pair"): ([0.5, 0.5, 0.5], [None, None, None]),
}


def test_bits_add_up_where_a_sum_makes_sense_and_an_unavailable_one_stays_unavailable(tmp_path: Path) -> None:
    rows = [
        {"campaign": campaign, "round": number, "entry": entry, "bits": value, "formula": formula}
        for campaign in ("demo", "other")  # whose bits are its own
        for (entry, formula), (values, _) in LEDGER.items()
        for number, value in enumerate(values, 1)
    ]
    with Store.open(tmp_path / "warehouse.duckdb") as store:
        store.add("ledger", rows)
        found = store.query("SELECT * FROM v_ledger WHERE campaign = 'demo' ORDER BY round").to_pylist()
    for (entry, formula), (values, sums) in LEDGER.items():
        told = [row for row in found if (row["entry"], row["formula"]) == (entry, formula)]
        assert [row["bits"] for row in told] == values
        assert [row["cumulative"] for row in told] == sums, (entry, formula)


@pytest.mark.parametrize(
    ("table", "change"),
    [("readings", {"reading": float("nan")}), ("readings", {"reading": None}), ("decisions", {"decision": "maybe"})],
)
def test_rows_that_break_a_rule_are_refused_and_none_of_their_batch_stays(
    tmp_path: Path, table: str, change: dict[str, object]
) -> None:
    rows = getattr(tables(5), table).to_pylist()
    with Store.open(tmp_path / "warehouse.duckdb") as store:
        with pytest.raises(duckdb.ConstraintException):
            store.add(table, [*rows[1:], rows[0] | change])
        assert count(store, table) == 0


@pytest.mark.parametrize("sql", ["DELETE FROM pairs", "UPDATE pairs SET round = 1", "ATTACH 'x'", "SELECT 1; SELECT 2"])
def test_query_only_reads(tmp_path: Path, sql: str) -> None:
    with Store.open(tmp_path / "warehouse.duckdb") as store, pytest.raises(ValueError, match="one SELECT"):
        store.query(sql)


def test_a_connection_cannot_leave_its_folder(tmp_path: Path) -> None:
    own, heldout, twin = tmp_path / "generator", tmp_path / "heldout", tmp_path / "generator-2"
    for folder in (own, heldout, twin):
        folder.mkdir()
        pq.write_table(pa.table({"a": [1]}), folder / "x.parquet")
    duckdb.connect(str(heldout / "warehouse.duckdb")).close()
    (own / "link").symlink_to(heldout)
    secret = pa.table({"a": [1]})
    with Store.open(own / "warehouse.duckdb") as store:
        assert store.query(f"FROM read_parquet('{own}/x.parquet')").num_rows == 1
        for sql in (
            f"ATTACH '{heldout}/warehouse.duckdb' AS heldout (READ_ONLY)",
            f"SELECT * FROM read_parquet('{heldout}/x.parquet')",
            f"SELECT * FROM read_parquet('{own}/../heldout/x.parquet')",
            f"SELECT * FROM read_parquet('{own}/link/x.parquet')",
            f"SELECT * FROM read_parquet('{twin}/x.parquet')",
            f"SELECT * FROM '{heldout}/x.parquet'",
            f"SELECT * FROM read_blob('{heldout}/x.parquet')",
            f"SELECT * FROM glob('{heldout}/*')",
            f"COPY (SELECT 1) TO '{heldout}/y.parquet'",
            f"EXPORT DATABASE '{heldout}/export'",
            "INSTALL httpfs",
            "SET enable_external_access = true",
            "SET allowed_directories = ['/']",
            "RESET lock_configuration",
        ):
            with pytest.raises(duckdb.Error, match="disabled by configuration|has been locked"):
                store._connection.execute(sql)
        with pytest.raises(duckdb.CatalogException):
            store.query("SELECT * FROM secret")  # a Python variable is no table
    assert secret.num_rows == 1 and sorted(path.name for path in heldout.iterdir()) == ["warehouse.duckdb", "x.parquet"]


WRITER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from synthetic import tables
from warehouse.store import Store
store = Store.open(Path(sys.argv[1]))
for batch in range(10_000):
    made = tables(200, campaign=f"batch-{batch}")
    store.add("readings", made.readings)
    store.add("pairs", made.pairs)
    sys.stdout.write(f"{batch + 1}\\n")
    sys.stdout.flush()
"""


@pytest.mark.parametrize("wait", [0.0, 0.05, 0.15])
def test_kill_in_the_middle_of_a_write_keeps_what_was_committed(tmp_path: Path, wait: float) -> None:
    path, helpers = tmp_path / "warehouse.duckdb", str(Path(__file__).parents[1])
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path), helpers], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    committed = int(writer.stdout.readline())
    with pytest.raises(PlumblineError, match=f"another process holds it .*PID {writer.pid}"):
        Store.open(path)
    time.sleep(wait)
    os.kill(writer.pid, signal.SIGKILL)
    committed = max([committed, *map(int, writer.stdout.read().split())])
    writer.wait()
    with Store.open(path) as store:
        assert committed * 200 <= count(store, "pairs") <= (committed + 1) * 200
        assert count(store, "pairs") % 200 == 0 and count(store, "readings") % 2000 == 0
        again = tables(200, campaign="batch-0")
        assert store.add("pairs", again.pairs) == 0
        assert store.add("pairs", tables(200, campaign="after").pairs) == 200


def test_readers_need_a_warehouse_and_cannot_write(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    with pytest.raises(PlumblineError, match="no warehouse here; run a campaign first"):
        Store.open(path, read_only=True)
    Store.open(path).close()
    with Store.open(path, read_only=True) as reader:
        assert count(reader, "pairs") == 0
        with pytest.raises(duckdb.InvalidInputException, match="read-only"):
            reader.add("decisions", tables(1).decisions)
        with pytest.raises(PlumblineError, match="open in the other mode"):
            Store.open(path)


def test_foreign_files_and_other_versions_are_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    junk = tmp_path / "junk.duckdb"
    junk.write_bytes(b"hello" * 1000)
    with pytest.raises(PlumblineError, match="junk.duckdb: cannot be opened as a warehouse"):
        Store.open(junk)
    path, edited = tmp_path / "warehouse.duckdb", tmp_path / "migrations"
    Store.open(path).close()
    edited.mkdir()
    for file in store_module.MIGRATIONS.glob("*.sql"):
        (edited / file.name).write_text(file.read_text() + ("-- edited" if file.name.startswith("0002") else ""))
    monkeypatch.setattr(store_module, "MIGRATIONS", edited)
    with pytest.raises(PlumblineError, match="migration 0002 is not the one in this version"):
        Store.open(path)


def test_a_new_migration_is_applied_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, longer = tmp_path / "warehouse.duckdb", tmp_path / "migrations"
    Store.open(path).close()
    longer.mkdir()
    for file in store_module.MIGRATIONS.glob("*.sql"):
        (longer / file.name).write_text(file.read_text())
    monkeypatch.setattr(store_module, "MIGRATIONS", longer)
    (longer / "0999_extra.sql").write_text("CREATE TABLE extra (a INTEGER); CREATE TABLE extra (a INTEGER);")
    with pytest.raises(duckdb.CatalogException, match="already exists"):
        Store.open(path)
    (longer / "0999_extra.sql").write_text("CREATE TABLE extra (a INTEGER);")
    for _ in range(2):
        with Store.open(path) as store:
            assert count(store, "extra") == 0


def test_an_older_warehouse_is_read_where_all_it_lacks_is_views(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, longer = tmp_path / "warehouse.duckdb", tmp_path / "migrations"
    Store.open(path).close()
    before = path.read_bytes()
    shutil.copytree(store_module.MIGRATIONS, longer)
    monkeypatch.setattr(store_module, "MIGRATIONS", longer)
    views = "-- Why.\nDROP VIEW v_ledger;\n-- What.\nCREATE VIEW v_ledger AS SELECT 1 AS bits;\n"
    (longer / "0998_views.sql").write_text(views)
    with Store.open(path, read_only=True) as reader:
        assert count(reader, "v_ledger") == 0
    (longer / "0999_extra.sql").write_text("CREATE VIEW v_extra AS SELECT 1 AS a; CREATE TABLE extra (a INTEGER);")
    with pytest.raises(PlumblineError, match="migration 0999 is not the one in this version"):
        Store.open(path, read_only=True)
    assert path.read_bytes() == before
    with Store.open(path) as store:
        assert count(store, "v_ledger") == 1


def test_home_is_told_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUMBLINE_HOME", "/somewhere/else")
    assert home() == Path("/somewhere/else")
    monkeypatch.delenv("PLUMBLINE_HOME")
    assert home() == Path("runs")
