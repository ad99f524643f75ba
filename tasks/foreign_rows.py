"""A file that people already have, taken apart into rows; a damaged row spoils itself and not its neighbours.

Reads JSON lines, a JSON array, CSV or Parquet, each also gzipped; the format is told by the content, CSV by its name.
Writes nothing. Must not know: what a preference pair is.
"""

import csv
import gzip
import io
import json
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from warehouse.errors import PlumblineError

MAX_BYTES = 1 << 30
"""The most a file may hold once unpacked: a small gzip can unpack to more than the machine has."""

_BLANK = re.compile("[ \t\r\n\ufeff]*")
_SURROGATE = re.compile("[\ud800-\udfff]")


class Row(NamedTuple):
    """One row: `value` as parsed, or `problem` (what is wrong and how to mend it) beside the `raw` text.

    `place` is the line in files made of lines ("17.2" is the second row on line 17), else the row's number from 1.
    `raw` is "" where the file holds no text of its own for the row (a whole CSV record, Parquet).
    """

    place: str
    raw: str
    value: Any
    problem: str = ""


class Repeated(NamedTuple):
    """Stands in for a JSON object that has one key twice: which of the two was meant, nobody can say."""

    key: str


def read_rows(path: Path, max_bytes: int = MAX_BYTES) -> Iterator[Row]:
    """Every row of the file in order; blank lines are not rows.

    Raises PlumblineError when the file as a whole cannot be opened, unpacked or decoded, or exceeds `max_bytes`.
    """
    data, cut = _contents(path, max_bytes)
    if data.startswith(b"PAR1"):
        yield from _parquet(path, data)
        return
    data, tail = data.rpartition(b"\n")[::2] if cut else (data, b"")
    text = _text(path, data)
    if ".csv" in path.suffixes:
        rows = _csv(path, text)
    elif text.startswith("[", _skip(text, 0)):
        rows = _json_array(text)
    else:
        rows = _json_lines(text)
    for row in rows:
        if _SURROGATE.search(row.raw):
            row = row._replace(problem="holds bytes that are not UTF-8; save the file as UTF-8")
        elif row.problem and "\0" in row.raw:
            row = row._replace(problem="holds NUL bytes; remove them, for example with: tr -d '\\000'")
        yield row
    if cut:
        problem = "the gzip stream breaks off here, and whatever followed is missing; fetch the file again"
        yield Row(str(data.count(b"\n") + 2 if data else 1), tail.decode("utf-8", "surrogateescape"), None, problem)


def _contents(path: Path, max_bytes: int) -> tuple[bytes, bool]:
    """The unpacked bytes, and whether the gzip stream broke off."""
    if not path.is_file():
        raise PlumblineError(f"{path}: {'is not a plain file' if path.exists() else 'no such file'}; name a data file")
    cut = False
    try:
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
        if data.startswith(b"\x1f\x8b"):
            stream, unpacked = gzip.GzipFile(fileobj=io.BytesIO(data)), bytearray()
            try:
                while len(unpacked) <= max_bytes and (piece := stream.read1(1 << 20)):
                    unpacked += piece
            except EOFError:
                cut = True
            data = bytes(unpacked)
    except (OSError, zlib.error) as error:
        raise PlumblineError(f"{path}: cannot be read ({error}); check the file, or fetch it again") from error
    if len(data) > max_bytes:
        raise PlumblineError(f"{path}: holds more than {max_bytes >> 20} MiB; split it into smaller files")
    return data, cut


def _text(path: Path, data: bytes) -> str:
    """Decodes; in UTF-8 a bad byte becomes a lone surrogate, so that it costs its own row and not the file."""
    encoding = json.detect_encoding(data)
    try:
        return data.decode(encoding, "surrogateescape" if encoding.startswith("utf-8") else "strict")
    except UnicodeDecodeError as error:
        problem = f"begins like {encoding} but does not go on so ({error.reason} at byte {error.start})"
        raise PlumblineError(f"{path} row 1: {problem}; save the file as UTF-8") from error


def _skip(text: str, at: int) -> int:
    blank = _BLANK.match(text, at)
    return blank.end() if blank else at


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any] | Repeated:
    known: dict[str, Any] = {}
    for key, value in pairs:
        if key in known:
            return Repeated(key)
        known[key] = value
    return known


_DECODER = json.JSONDecoder(object_pairs_hook=_object)


def _why(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "is nested too deeply; a row is one object that holds texts or lists of messages"
    reason = re.sub(r"(?: at)?: line .*char (\d+)\)", r" after character \1", str(error))
    return f"is not JSON ({reason}); write each row as one complete JSON object on its own line"


def _json_lines(text: str) -> Iterator[Row]:
    """Rows on their own lines, several on one line, or one spread over several lines."""
    start, line, spread_from = 0, 1, 0
    while start < len(text):
        window, at, nth = text[start : _line_end(text, start)], 0, 0
        while (at := _skip(window, at)) < len(window):
            nth += 1
            value, end, problem = None, len(window), ""
            try:
                value, end = _DECODER.raw_decode(window, at)
            except (ValueError, RecursionError) as error:
                problem = _why(error)
                # Where one search for further lines has failed none is begun again: a hostile file stays linear.
                if start + at >= spread_from:
                    spread = _spread(text, start + at)
                    spread_from = spread.end
                    if spread.closed:
                        window, value, problem = text[start : spread.end], spread.value, ""
                        end = len(window)
            yield Row(f"{line}.{nth}" if nth > 1 else str(line), window[at:end].rstrip("\r\n"), value, problem)
            at = end
        start += len(window)
        line += window.count("\n")


class _Spread(NamedTuple):
    closed: bool
    end: int
    value: Any = None


def _spread(text: str, start: int) -> _Spread:
    """The value that begins at `start` and goes on over further lines; `end` is where it closes or breaks.

    The window doubles for as long as its only fault is that it ends, so the work is linear in what is read.
    """
    lines, stop = 1, start
    while True:
        for _ in range(lines):
            stop = _line_end(text, stop)
        window = text[start:stop]
        try:
            value, end = _DECODER.raw_decode(window)
            return _Spread(True, start + end, value)
        except json.JSONDecodeError as error:
            if error.pos < len(window.rstrip()) or stop == len(text):
                return _Spread(False, start + error.pos)
        except (ValueError, RecursionError):
            return _Spread(False, stop)
        lines *= 2


def _line_end(text: str, start: int) -> int:
    # Never splitlines: it also breaks at U+2028, which JSON strings may hold.
    return text.find("\n", start) + 1 or len(text)


def _json_array(text: str) -> Iterator[Row]:
    """Rows are the array's items; behind the first fault the rest is one row, since nothing says where the next is."""
    at, number = _skip(text, _skip(text, 0) + 1), 1
    # An array may be empty, but once there is a comma there has to be an item.
    while number > 1 or not text.startswith("]", at):
        try:
            value, end = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            yield Row(str(number), text[at:], None, _why(error))
            return
        yield Row(str(number), text[at:end], value)
        at, number = _skip(text, end), number + 1
        if text.startswith("]", at):
            break
        if not text.startswith(",", at):
            problem = "the array is neither closed nor continued by a comma here; fetch or write the file again"
            yield Row(str(number), text[at:], None, problem)
            return
        at = _skip(text, at + 1)
    if (at := _skip(text, at + 1)) < len(text):
        yield Row(str(number), text[at:], None, "stands behind the array's closing bracket; move it inside")


def _csv(path: Path, text: str) -> Iterator[Row]:
    """Records under a header line, RFC 4180; a cell may hold line ends."""
    csv.field_size_limit(MAX_BYTES)
    lines = [line + "\n" for line in text.split("\n")]
    reader = csv.reader(lines, strict=True)
    header: list[str] = []
    while (first := reader.line_num) < len(lines):
        problem = ""
        try:
            cells = next(reader)
        except csv.Error as error:
            cells, problem = [], f"is not CSV ({error}); close every quoted cell and double the quotes inside"
        if not cells and not problem:
            continue
        if not header:
            if problem or len(set(cells)) < len(cells):
                raise PlumblineError(f"{path} row 1: {problem or 'the header names a column twice; rename one'}")
            header = cells
            continue
        if cells and len(cells) != len(header):
            problem = f"has {len(cells)} cells where the header has {len(header)}; quote cells that hold commas"
        raw = "".join(lines[first : reader.line_num]).rstrip("\r\n")
        yield Row(str(first + 1), raw, dict(zip(header, cells, strict=False)), problem)


def _parquet(path: Path, data: bytes) -> Iterator[Row]:
    try:
        file = pq.ParquetFile(pa.BufferReader(data))
        names = file.schema_arrow.names
        if len(set(names)) < len(names):
            raise PlumblineError(f"{path} row 1: names a column twice; rename one")
        number = 0
        for batch in file.iter_batches(batch_size=1024):
            for value in batch.to_pylist():
                number += 1
                yield Row(str(number), "", value)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise PlumblineError(f"{path}: damaged Parquet ({error}); fetch or write the file again") from error
