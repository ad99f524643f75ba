"""Assistant outputs as people have them, by source: one answer a row, or the two sides of a preference pair.

Reads: JSON lines, a JSON array, CSV or Parquet, also gzipped. Writes: nothing. Must not know: what they are read for.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from models.conversations import Messages
from tasks.foreign_rows import Row, read_rows
from tasks.foreign_shapes import Unreadable, read_answer, read_pair
from warehouse.errors import PlumblineError
from warehouse.hashing import content_hash

ENDINGS = re.compile(r"(\.(jsonl?|ndjson|csv|parquet|gz))+$")


class Outputs(NamedTuple):
    """`sources`: conversations that end with the answer; one without a prompt has an empty one, as in calibration.
    `left_out`: a line for each file that has rows nothing could be read from."""

    sources: dict[str, list[Messages]]
    left_out: tuple[str, ...]


def read_outputs(files: Sequence[Path], pairs: bool = False) -> Outputs:
    """A row's `source` names its source, the file where it has none; with `pairs` every row is a preference pair, whose
    sides are sources of their own.

    Raises PlumblineError, naming file, row and mend, when a file or every row of one is unreadable, or two files whose
    rows name no source are called the same.
    """
    sources, left_out, named = dict[str, list[Messages]](), list[str](), dict[str, Path]()
    for file in dict.fromkeys(files):
        read, bad, name = 0, list[str](), ENDINGS.sub("", file.name) or file.name
        for row in read_rows(file):
            try:
                source, sides = _read(row, pairs)
            except Unreadable as why:
                bad.append(f"row {row.place}: {why}")
                continue
            if not source and named.setdefault(name, file) != file:
                raise PlumblineError(f"{file}: {named[name]} is called the same; rename one, or give rows a `source`")
            for side, turns in sides.items():
                sources.setdefault(f"{source or name}{side}", []).append(_prompted(turns))
            read += 1
        if not read:
            found = bad[0] if bad else "row 1: the file holds no rows; write one object with prompt and text a line"
            raise PlumblineError(f"{file} {found}" + (f" (none of its {len(bad)} rows can be read)" if bad[1:] else ""))
        if bad:
            left_out.append(f"{file.name}: {len(bad)} of {read + len(bad)} rows left out; {bad[0]}")
    return Outputs(sources, tuple(left_out))


def prompt_of(conversation: Messages) -> str:
    """What the texts of one prompt have in common; one without a prompt has only itself."""
    asked = [[t["role"], t["content"]] for t in conversation[:-1] if t["content"] and t["role"] != "system"]
    return content_hash(asked or conversation[-1]["content"])


def _read(row: Row, pairs: bool) -> tuple[str, dict[str, Messages]]:
    """A row's source, "" where it names none, and its conversations by side. Raises Unreadable."""
    if row.problem:
        raise Unreadable(row.problem)
    sides = dict[str, Messages]()
    if pairs:
        pair = read_pair(row.value)
        sides |= {", chosen": [*pair.prompt, *pair.chosen], ", rejected": [*pair.prompt, *pair.rejected]}
    elif isinstance(row.value, dict) and {"chosen", "rejected"} <= row.value.keys():
        raise Unreadable("is a preference pair; --pairs reads its two sides as sources of their own")
    else:
        sides[""] = read_answer(row.value)
    return _source(row.value), sides


def _source(row: Any) -> str:
    source = row.get("source")
    if source is not None and not isinstance(source, str | int):
        raise Unreadable(f"its source is {source!r}; write a name")
    return "" if source is None else " ".join(str(source).split())


def _prompted(turns: Messages) -> Messages:
    return turns if turns[0]["role"] != "assistant" else [{"role": "user", "content": ""}, *turns]
