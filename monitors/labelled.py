"""Labelled texts of one's own for the monitors: a file that the detector was not calibrated on.

Reads: JSON lines. Writes: nothing. Must not know: the generator side's readers of such rows; across the wall, each
understands them for itself.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from models.conversations import Messages
from warehouse.errors import PlumblineError
from warehouse.files import read_lines

MEND = 'write {"prompt": …, "text": …, "trait": … or null, "source": …} on each line'


class Text(NamedTuple):
    """`trait` is None where no bad motive shows; texts of one `source` resemble each other."""

    messages: Messages
    trait: str | None
    source: str


def labelled_file(file: Path, traits: tuple[str, ...] = ()) -> list[Text]:
    """The texts of `file`, also gzipped; where `traits` are named, those and the innocent only.

    A row whose `label` is 0 or whose `trait` is null is innocent. `source` (or `source_family`) says who is alike; a
    row without one is a source of its own. Raises PlumblineError naming file, row and mend.
    """
    found = list[Text]()
    for number, line in enumerate(read_lines(file), 1):
        if line.strip():
            try:
                found.append(_text(json.loads(line), number))
            except (ValueError, KeyError, AttributeError, TypeError) as error:
                raise PlumblineError(f"{file} row {number}: {error!r}; {MEND}") from error
    return [text for text in found if not traits or text.trait is None or text.trait in traits]


def _text(row: Mapping[str, Any], number: int) -> Text:
    turns = [{"role": "user", "content": str(row.get("prompt") or "")}, {"role": "assistant", "content": row["text"]}]
    if not isinstance(row["text"], str) or not row["text"].strip():
        raise ValueError("its text is empty")
    source = row.get("source_family") or row.get("source") or f"row {number}"
    return Text(turns, row.get("trait") if row.get("label", 1) else None, str(source))
