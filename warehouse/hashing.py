"""Names by content: every record, file and folder is called by the SHA-256 of what it holds.

Reads: the files it is asked to hash. Writes: nothing. Must not know: what the hashed things mean.
"""

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

from warehouse.errors import PlumblineError


def canonical(obj: Any) -> bytes:
    """The one JSON spelling of `obj`: sorted keys, no spaces, UTF-8 (a lone surrogate keeps its own three bytes).

    Raises ValueError for NaN and infinities, TypeError for what JSON cannot hold.
    """
    text = json.dumps(obj, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", "surrogatepass")


def content_hash(obj: Any) -> str:
    """SHA-256 of `canonical(obj)`, 64 hex digits."""
    return hashlib.sha256(canonical(obj)).hexdigest()


def file_hash(path: Path | str) -> str:
    """SHA-256 of one file's bytes. Raises PlumblineError when it cannot be read."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise PlumblineError(f"{path}: cannot be read ({error.strerror}); check the path") from error


def folder_hash(path: Path | str) -> str:
    """SHA-256 over every file below `path`: relative POSIX names, sorted, each with its file hash.

    Raises PlumblineError when the folder is missing or empty, since an empty folder is never what was meant.
    """
    root = Path(path)
    files = {file.relative_to(root).as_posix(): file_hash(file) for file in root.rglob("*") if file.is_file()}
    if not files:
        raise PlumblineError(f"{root}: no such folder, or nothing in it; check the path")
    return content_hash(files)


def short(digest: str) -> str:
    """The first 12 hex digits, for display."""
    return digest[:12]


def pair_id(prompt: Any, chosen: Any, rejected: Any, origin: Any) -> str:
    """16 hex digits naming a pair by its three message lists and where it came from.

    `origin` is any JSON value: campaign, round, position and attempt, or file and row. It keeps two pairs apart
    that happen to hold the same text.
    """
    return content_hash([prompt, chosen, rejected, origin])[:16]


def keyed_hash(key: bytes, text: str) -> str:
    """HMAC-SHA-256 of `text`, 64 hex digits: a sealed list can be compared with, but not read."""
    return hmac.new(key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
