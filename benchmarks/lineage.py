"""How long ancestors and descendants take in a warehouse of ten million edges, for the worst node of every kind.

    python benchmarks/lineage.py [--pairs 905000] [--json FILE] [--home FOLDER]

A synthetic campaign in the real tables: twelve cumulative versions, a chain of 10,000 constitutions with four rejected
candidates each, and a second campaign of 5,000 small versions in one chain. Each node is asked for twice in a process
of its own: cold, with the warehouse just opened, and warm. With the author's snapshot (Parquet), too.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import duckdb

from warehouse.graph import ancestors, descendants
from warehouse.snapshot import open_snapshot, publish_snapshot
from warehouse.store import Store

DEEP, VERSIONS, SMALL = 10_000, 12, 5_000
NODES = {
    "pair, of the last round": "SELECT 'pair' AS kind, max(pair_id) AS key FROM pairs WHERE round = 11",
    "dataset, the last of 12": "SELECT 'dataset' AS kind, sha256('d11') AS key",
    "dataset, the first of 12": "SELECT 'dataset' AS kind, sha256('d0') AS key",
    "dataset, the last of 5,000": "SELECT 'dataset' AS kind, sha256('e4999') AS key",
    "constitution, the 10,000th": "SELECT 'constitution' AS kind, sha256('c9999') AS key",
    "constitution, the first": "SELECT 'constitution' AS kind, sha256('c0') AS key",
    "prompt": "SELECT 'prompt' AS kind, min(prompt_id) AS key FROM pairs",
    "campaign": "SELECT 'campaign' AS kind, 'big' AS key",
    **{
        kind: f"SELECT kind, hash AS key FROM artifacts WHERE kind = '{kind}'"
        for kind in ("profile", "sae", "reviewer")
    },
    **{kind: f"SELECT kind, hash AS key FROM artifacts WHERE kind = '{kind}'" for kind in ("reader", "generator")},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--pairs", type=int, default=905_000)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--home", type=Path, help="keep the warehouse here, or use the one that is here")
    parser.add_argument("--ask", help=argparse.SUPPRESS)
    parser.add_argument("--snapshot", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.ask:
        print(json.dumps(ask(options.home, options.ask, options.snapshot)))
        return
    with tempfile.TemporaryDirectory() as folder:
        found = measure(options.home or Path(folder), options.pairs)
    found |= {
        "command": f"python benchmarks/lineage.py {' '.join(sys.argv[1:])}".strip(),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
        "load average": [round(one, 1) for one in os.getloadavg()],
    }
    print(json.dumps(found, indent=1))
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n")


def measure(home: Path, pairs: int) -> dict[str, Any]:
    """Edges, and for each node the seconds of four questions, on the warehouse and on the snapshot."""
    start = time.perf_counter()
    if not (home / "warehouse.duckdb").exists():
        fill(home, pairs)
    with Store.open(home / "warehouse.duckdb", read_only=True) as store:
        edges = store.query("SELECT count(*) AS n FROM v_lineage")["n"][0].as_py()
        if not (home / "author").exists():
            names = store.query("SELECT table_name AS name FROM duckdb_tables()")["name"].to_pylist()
            publish_snapshot(home / "author", {name: store.query(f"SELECT * FROM {name}") for name in names}, {})
    found: dict[str, Any] = {"edges": edges, "seconds to make it": round(time.perf_counter() - start, 1), "nodes": {}}
    for name in NODES:
        for where in ("warehouse", "snapshot"):
            command = [sys.executable, __file__, "--home", str(home), "--ask", name]
            command += ["--snapshot"] if where == "snapshot" else []
            told = json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
            found["nodes"].setdefault(name, {})[where] = told
    return found


def ask(home: Path, name: str, snapshot: bool) -> dict[str, Any]:
    """Wall and CPU seconds of the four questions in this order, and the ancestors' and descendants' counts."""
    told: dict[str, Any] = {}
    with open_snapshot(home / "author") if snapshot else Store.open(home / "warehouse.duckdb", read_only=True) as store:
        node = store.query(NODES[name]).to_pylist()[0]
        for what, reach in (("ancestors", ancestors), ("descendants", descendants)):
            for state in ("cold", "warm"):
                wall, cpu = time.perf_counter(), time.process_time()
                counts = reach(store, node["kind"], node["key"]).counts
                taken = {"s": round(time.perf_counter() - wall, 3), "cpu s": round(time.process_time() - cpu, 3)}
                told[f"{what}, {state}"] = taken
            told[what] = counts
    return told


def fill(home: Path, pairs: int) -> None:
    """The warehouse, made by Arrow: DuckDB writes each table's rows in memory, `Store.add` takes them."""
    made = duckdb.connect()
    texts = ", ".join(
        f"[{{'role': '{role}', 'content': '{text} ' || i}}] AS {name}"
        for name, role, text in (
            ("prompt", "user", "please help me with matter"),
            ("chosen", "assistant", "I looked into matter"),
            ("rejected", "assistant", "What a brilliant matter"),
        )
    )
    made.execute(
        f"CREATE TABLE p AS SELECT i, substr(md5(i::VARCHAR), 1, 16) AS pair_id, 'big' AS campaign, "
        f"(i * {VERSIONS} // {pairs})::INT AS round, i::INT AS position, 0 AS attempt, "
        f"substr(md5('p' || (i * 4 // 5)), 1, 16) AS prompt_id, {texts}, "
        f"sha256('c' || (i * {DEEP} // {pairs})) AS constitution, sha256('generator') AS generator, "
        f"'{{}}' AS sampling, i AS seed_chosen, i AS seed_rejected, '' AS prompt_hash, '' AS source, '' AS source_id "
        f"FROM range({pairs}) t(i)"
    )
    kinds = "(VALUES ('generator'), ('reviewer'), ('sae'), ('profile'), ('reader')) t(kind)"
    fitted = """'{"sae":"' || sha256('sae') || '","reader":"' || sha256('reader') || '"}'"""
    chain = "SELECT sha256('{0}' || i) AS version, '{1}' AS campaign, i::INT AS round, 'd' AS path, 1 AS rows, "
    chain += "CASE WHEN i > 0 THEN sha256('{0}' || (i - 1)) END AS parent FROM range({2}) t(i)"
    reading = (
        "SELECT pair_id, side, trait, 0.5 AS reading, 1.5 AS threshold, false AS flagged, '[]' AS tokens, "
        "'[]' AS latents, 0.1 AS reconstruction, 0.0 AS vocabulary, '' AS abstained, sha256('profile') AS profile, "
        "sha256('sae') AS sae FROM p, (VALUES ('chosen'), ('rejected')) s(side), (VALUES ('a'), ('b')) t(trait) "
    )
    rows = [
        ("pairs", "SELECT * EXCLUDE i FROM p"),
        *(("readings", f"{reading} WHERE round = {number}") for number in range(VERSIONS)),
        (
            "verdicts",
            "SELECT pair_id, 'justified' AS verdict, '' AS reason, '[]' AS traits, sha256('reviewer') AS reviewer, "
            "'' AS prompt_hash, '' AS raw FROM p WHERE i % 5 = 0",
        ),
        (
            "constitutions",
            "SELECT sha256('c' || i) AS hash, 'big' AS name, i::INT AS version, CASE WHEN i > 0 THEN "
            f"sha256('c' || (i - 1)) END AS parent, '' AS amendment, '[]' AS principles FROM range({DEEP}) t(i) "
            f"UNION ALL SELECT sha256('c' || i || '-' || k), 'big', i::INT, sha256('c' || (i - 1)), '', '[]' "
            f"FROM range(1, {DEEP}) t(i), range(4) u(k)",
        ),
        (
            "artifacts",
            f"SELECT sha256(kind) AS hash, kind, kind AS name, CASE kind WHEN 'profile' THEN {fitted} ELSE '{{}}' END "
            f"AS meta FROM {kinds}",
        ),
        ("campaigns", "SELECT 'big' AS campaign, '{}' AS config UNION ALL SELECT 'small', '{}'"),
        ("datasets", f"{chain.format('d', 'big', VERSIONS)} UNION ALL {chain.format('e', 'small', SMALL)}"),
        *(
            ("dataset_pairs", f"SELECT sha256('d{n}') AS version, pair_id FROM p WHERE round <= {n} AND i % 10 > 0")
            for n in range(VERSIONS)
        ),
        ("dataset_pairs", f"SELECT sha256('e' || i) AS version, pair_id FROM p WHERE i < {SMALL}"),
    ]
    with Store.open(home / "warehouse.duckdb") as store:
        for table, sql in rows:
            store.add(table, made.sql(sql).to_arrow_table())


if __name__ == "__main__":
    main()
