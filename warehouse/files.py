"""Write a file so that a reader finds the old one or the whole new one: aside, and renamed.

Writes: the file it is given. Must not know: what is in it.
"""

import os
from pathlib import Path


def write_whole(path: Path, data: bytes) -> None:
    """Put `data` at `path`, in whose folder it is written first; the folder is made where it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(path.name + ".aside")
    aside.write_bytes(data)
    os.replace(aside, path)
