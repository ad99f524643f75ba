"""Files whole: written so that a reader finds the old one or the new one, and read line by line from wherever they lie.

Reads, Writes: the file it is given. Must not know: what is in it.
"""

import gzip
import os
import zlib
from collections.abc import Sequence
from pathlib import Path

from warehouse.errors import PlumblineError

MAX_BYTES = 1 << 30


def write_whole(path: Path, data: bytes) -> None:
    """Put `data` at `path`, in whose folder it is written first; the folder is made where it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(path.name + ".aside")
    aside.write_bytes(data)
    os.replace(aside, path)


def read_lines(path: Path) -> Sequence[str]:
    """The lines of a UTF-8 file, also gzipped, split at line feeds alone: JSON strings may hold other line ends.

    Raises PlumblineError when it cannot be read, is no UTF-8, or unpacks to more than a GiB.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        if data.startswith(b"\x1f\x8b"):
            with gzip.open(path) as stream:
                data = stream.read(MAX_BYTES + 1)
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise PlumblineError(f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8") from error
    except (OSError, EOFError, zlib.error) as error:
        raise PlumblineError(f"{path}: cannot be read ({error}); check the path, or fetch the file again") from error
    if len(data) > MAX_BYTES:
        raise PlumblineError(f"{path}: holds more than {MAX_BYTES >> 20} MiB; split it into smaller files")
    return text.split("\n")
