"""How long each page of the dashboard takes to answer, on a made-up campaign of 100,000 pairs.

    python benchmarks/dashboard_pages.py [--pairs 100000] [--times 7] [--to docs/results/dashboard]

A page is run by Streamlit's own AppTest: everything the server does for it, and nothing the browser does. `first`: with
nothing remembered of the snapshot, as after each new round; `again`: as for every later visitor and click. The bar is a
second. Every page of `dashboard.pages` is run, with the query in `QUERIES` where it needs one.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import streamlit as st
from streamlit.testing.v1 import AppTest

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from shown_campaign import show_campaign  # noqa: E402

from dashboard.pages import PAGES  # noqa: E402
from flows.author_snapshot import show_author  # noqa: E402
from warehouse.store import Store  # noqa: E402

ROUNDS = 10
FIGURES = [f"{name}_{what}" for name in ("first", "again") for what in ("best", "median", "processor")]
QUERIES: dict[str, dict[str, str]] = {}
"""What a page's URL asks for beside the campaign, by the page's path."""


class Took(NamedTuple):
    """Seconds by the clock, and of processor in all threads: on a busy machine the second is the page's own."""

    seconds: float
    processor: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--pairs", type=int, default=100_000)
    parser.add_argument("--times", type=int, default=7)
    parser.add_argument("--to", type=Path)
    options = parser.parse_args()
    began = time.time()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["PLUMBLINE_HOME"] = folder
        campaign = show_campaign(Path(folder), options.pairs, ROUNDS)
        start = time.perf_counter()
        with Store.open(campaign / "generator" / "warehouse.duckdb") as store:
            show_author(store, campaign, True, ROUNDS - 1, ROUNDS)
        published = time.perf_counter() - start
        pages = {one.path: measure(one.path, options.times) for one in PAGES}
    found = {
        "command": f"python benchmarks/dashboard_pages.py {' '.join(sys.argv[1:])}".strip(),
        "took": round(time.time() - began),
        "machine": f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}",
        "pairs": options.pairs,
        "readings": options.pairs * 10,
        "snapshot": round(published, 2),
        "pages": pages,
    }
    print(report(found))
    if options.to:
        options.to.with_suffix(".json").write_text(json.dumps(found, indent=1) + "\n")
        options.to.with_suffix(".md").write_text(report(found))


def measure(path: str, times: int) -> dict[str, Any]:
    """Seconds for the page `path`: best and median, with nothing remembered and again."""
    once(path)  # what Python imports at the first page of all
    first, again = [], []
    for _ in range(times):
        st.cache_data.clear()
        st.cache_resource.clear()
        first.append(once(path))
        again.append(once(path))
    told = {"first": first, "again": again}
    figures = dict[str, float]()
    for name, visits in told.items():
        passed, worked = [one.seconds for one in visits], [one.processor for one in visits]
        shown = {"best": min(passed), "median": statistics.median(passed), "processor": min(worked)}
        figures |= {f"{name}_{what}": round(value, 3) for what, value in shown.items()}
    return figures


def once(path: str) -> Took:
    """One visit. Raises RuntimeError where the page does."""
    page = AppTest.from_string(f"from dashboard.shell import main\nmain({path!r})", default_timeout=120)
    for name, value in QUERIES.get(path, {}).items():
        page.query_params[name] = value
    start, worked = time.perf_counter(), time.process_time()
    page.run()
    took = Took(time.perf_counter() - start, time.process_time() - worked)
    if page.exception:
        raise RuntimeError(f"{path}: {page.exception[0].message}")
    return took


def report(found: dict[str, Any]) -> str:
    lines = [
        "# How long the dashboard's pages take",
        "",
        f"A made-up campaign of {found['pairs']:,} pairs and {found['readings']:,} readings; {found['machine']} at the "
        "end. Seconds on the server for one page: best and median by the clock, and the least processor time, which "
        "is the page's own on a busy machine. The browser's time comes on top. First: nothing of the snapshot is "
        "remembered, as after a new round. The bar is a second.",
        "",
        "| page | first, best | median | processor | again, best | median | processor |",
        "|---|---|---|---|---|---|---|",
    ]
    for path, told in found["pages"].items():
        lines.append(f"| {path} | {' | '.join(f'{told[name]:.2f}' for name in FIGURES)} |")
    lines += ["", f"Publishing the author's snapshot takes {found['snapshot']:.1f} s.", ""]
    lines += [f"`{found['command']}`, {found['took']} s.", ""]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
