"""What a campaign folder was begun with, so that a resumed campaign is the same campaign.

Reads: the source files of the steps. Writes: `<folder>/identity.json`. Must not know: what any of it does.
"""

import json
from pathlib import Path
from typing import Any

from warehouse.errors import PlumblineError
from warehouse.files import write_whole
from warehouse.hashing import canonical, content_hash, file_hash

ROOT = Path(__file__).parent.parent
SOURCES = (
    *("tasks/*.py", "models/*.py", "models/organism/world/*.yaml"),
    *(f"models/organism/{name}.py" for name in ("world", "documents", "prompts")),
    *("constitutions/*.py", "constitutions/prompts/*.jinja", "constitutions/inoculation.yaml"),
    *(f"warehouse/{name}.py" for name in ("hashing", "shapes", "chain")),
    *(f"flows/{name}.py" for name in ("prompts", "library", "round", "amend", "campaign", "close", "sealed", "curate")),
    *(f"flows/{name}.py" for name in ("approval", "hearing", "settled")),
)


def source_files() -> dict[str, str]:
    """Every file whose code or data decides what a step makes, with its hash."""
    return {str(file.relative_to(ROOT)): file_hash(file) for pattern in SOURCES for file in sorted(ROOT.glob(pattern))}


def code_hash() -> str:
    return content_hash(source_files())


def same_campaign(folder: Path, settings: dict[str, Any], models: dict[str, str], documents: dict[str, str]) -> None:
    """Record what this campaign is made of, or hold it to the record: models and documents by hash.

    Raises PlumblineError naming the first thing that differs: rows of two different campaigns must not mix.
    """
    record = folder / "identity.json"
    now = {"settings": _flat(settings), "models": models, "documents": documents, "code": source_files()}
    if not record.is_file():
        write_whole(record, canonical(now))
        return
    then = json.loads(record.read_text(encoding="utf-8"))
    parts = {"settings": "setting", "models": "model", "documents": "version of the", "code": "source file"}
    for part, what in parts.items():
        old, new = then.get(part, {}), json.loads(canonical(now[part]))
        changed = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
        if changed:
            raise PlumblineError(
                f"{folder}: begun with another {what} {changed[0]}; give the campaign a new name, "
                f"or remove {folder.parent} to begin again"
            )


def _flat(value: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, item in value.items():
        flat |= _flat(item, f"{prefix}{name}.") if isinstance(item, dict) else {prefix + name: item}
    return flat
