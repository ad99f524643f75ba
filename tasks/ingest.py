"""Takes in preference pairs that people already have, so that they go through the same steps as a campaign's own.

Reads one file. Writes nothing. Must not know: what makes a pair fit for use, and how it is scored.
"""

import json
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from tasks.foreign_rows import MAX_BYTES, Row, read_rows
from tasks.foreign_shapes import ForeignPair, Unreadable, read_pair
from warehouse.errors import PlumblineError
from warehouse.hashing import content_hash, pair_id
from warehouse.shapes import PAIRS, QUARANTINE

REJECTED_BY = "row_is_readable"
"""The expectation that a row fails when no pair can be read from it."""


class Ingested(NamedTuple):
    """`pairs` (PAIRS) and `rejects` (QUARANTINE) together hold all `rows`; `shape` names the shapes, commonest first.

    A pair's `source` is "file.jsonl:17"; its `position` is its place among all rows, from 0, rejects counted.
    """

    pairs: pa.Table
    rejects: pa.Table
    shape: str
    rows: int


def ingest(path: Path, max_bytes: int = MAX_BYTES) -> Ingested:
    """Reads JSON lines, a JSON array, CSV or Parquet, also gzipped, in the shapes of `foreign_shapes.read_pair`.

    Columns other than prompt, chosen, rejected and id are not taken over, so what stands in them cannot hurt. Rows have
    no campaign yet. Raises PlumblineError, naming file, row and mend, when the file or every one of its rows is
    unreadable.
    """
    pairs: list[dict[str, Any]] = []
    rejects: list[dict[str, Any]] = []
    shapes: Counter[str] = Counter()
    first = ""
    for position, row in enumerate(read_rows(path, max_bytes)):
        source = _printable(f"{path.name}:{row.place}")
        common = {"campaign": "", "round": 0, "position": position, "attempt": 0, "source": source}
        try:
            if row.problem:
                raise Unreadable(row.problem)
            pair = read_pair(row.value)
        except Unreadable as why:
            first = first or f"row {row.place}: {why}"
            reject = {"pair_id": "", "expectation": REJECTED_BY, "detail": str(why), "row": _verbatim(row)}
            rejects.append(common | {name: _printable(text) for name, text in reject.items()})
        else:
            shapes[pair.shape] += 1
            pairs.append(common | _columns(pair, source))
    rows = len(pairs) + len(rejects)
    if not pairs:
        found = first or "row 1: the file holds no rows; write one JSON object with prompt, chosen and rejected a line"
        raise PlumblineError(f"{path} {found}" + (f" (none of its {rows} rows can be read)" if rows > 1 else ""))
    return Ingested(
        pa.Table.from_pylist(pairs, schema=PAIRS),
        pa.Table.from_pylist(rejects, schema=QUARANTINE),
        ", ".join(shape for shape, _ in shapes.most_common()),
        rows,
    )


def _columns(pair: ForeignPair, source: str) -> dict[str, Any]:
    return {
        "pair_id": pair_id(pair.prompt, pair.chosen, pair.rejected, source),
        "prompt_id": content_hash(pair.prompt)[:16],
        "prompt": pair.prompt,
        "chosen": pair.chosen,
        "rejected": pair.rejected,
        "constitution": "",
        "generator": "",
        "sampling": "",
        "seed_chosen": 0,
        "seed_rejected": 0,
        "prompt_hash": "",
        "source_id": pair.source_id,
    }


def _verbatim(row: Row) -> str:
    return row.raw or ("" if row.value is None else json.dumps(row.value, ensure_ascii=False, default=str))


def _printable(text: str) -> str:
    """A text with lone surrogates (bytes that were not UTF-8, halves of pairs) spelled out: Arrow cannot hold them."""
    return text.encode("utf-8", "backslashreplace").decode()
