"""Labelled texts as people have them: JSON lines, one text with its motive on each.

Reads: one file, plain or gzipped. Writes: nothing. Must not know: what the labels are for.
"""

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from models.labelled import Labelled, LabelledText
from warehouse.errors import PlumblineError
from warehouse.files import read_lines

MEND = 'write {"text": …, "trait": … or null, "label": 1 or 0, "prompt": …} on each line'


def read_labelled(file: Path, without: Collection[str] = ()) -> Labelled:
    """Each row has `text` and `trait` (null for none) and may have `label` (1: it shows the trait, the default; 0: it
    was looked at for it and does not), `prompt`, `source_family` or `source`, `kind`, `author` and `near_dup_cluster`.

    Rows of the traits `without` are left out. Raises PlumblineError naming file, row, what is wrong and the mend.
    """
    texts = list[LabelledText]()
    for number, line in enumerate(read_lines(file), 1):
        if line.strip():
            try:
                texts.append(_text(json.loads(line)))
            except (ValueError, TypeError) as error:
                raise PlumblineError(f"{file} row {number}: {error}; {MEND}") from error
    kept = tuple(text for text in texts if text.trait not in without)
    if not kept:
        raise PlumblineError(f"{file}: no labelled text in it; {MEND}")
    return Labelled(kept)


def _text(row: Any) -> LabelledText:
    """Raises ValueError saying what is wrong."""
    if not isinstance(row, dict):
        raise ValueError(f"{type(row).__name__} instead of an object")
    text, trait, prompt = row.get("text"), row.get("trait"), row.get("prompt")
    if not isinstance(text, str):
        raise ValueError("`text` is missing" if text is None else f"`text` is {type(text).__name__}, not a string")
    if trait is not None and (not isinstance(trait, str) or not trait.strip()):
        raise ValueError(f"`trait` is {trait!r}, not a name or null")
    if prompt is not None and not isinstance(prompt, str):
        raise ValueError(f"`prompt` is {type(prompt).__name__}, not a string")
    label = row.get("label", trait is not None)
    if label not in (0, 1):
        raise ValueError(f"`label` is {label!r}, not 1 or 0")
    if label and trait is None:
        raise ValueError("`label` is 1 and `trait` names none")
    turns = [{"role": "user", "content": prompt or ""}, {"role": "assistant", "content": text}]
    source, kind, author, group = (_name(row, *keys) for keys in KEYS)
    return LabelledText(turns, trait, bool(label), source, kind, author, group)


KEYS = (("source_family", "source"), ("kind",), ("author",), ("near_dup_cluster",))


def _name(row: dict[str, Any], *keys: str) -> str:
    value = next((row[key] for key in keys if row.get(key) is not None), "")
    if not isinstance(value, str | int):
        raise ValueError(f"`{keys[0]}` is {value!r}, not a name")
    return str(value)
