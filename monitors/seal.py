"""The seal: what the held-out side is made of, hashed before the first update; whatever changes then ends the seal.

Reads: the files it is asked to hash, and of its own package every source file. Writes: nothing; the record is kept by
the held-out store. The generator side may know the seal's hash, and nothing of what it covers.
The neutral ground that monitors stand on (`models`, `warehouse`) is no part of `code`; whoever seals may name its files
as parts of their own. Must not know: what a part says, who asks, or when.
"""

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from warehouse.errors import PlumblineError
from warehouse.hashing import canonical, content_hash, file_hash, folder_hash

PACKAGE = Path(__file__).parent
CODE = "code/"


class Part(NamedTuple):
    """One sealed thing. It is read again at `source`, a file or folder (relative: to the held-out folder), or it is a
    `value`, spelled as canonical JSON. The package's own files need neither."""

    name: str
    hash: str
    source: str = ""
    value: str = ""


class Record(NamedTuple):
    """`hash` is the seal: all that the other side of the wall may know."""

    hash: str
    parts: tuple[Part, ...]


def code() -> list[Part]:
    """Every source file of the monitors package, looked for anew, so that an added one is seen too."""
    files = (file for file in sorted(PACKAGE.rglob("*")) if file.is_file() and "__pycache__" not in file.parts)
    return [Part(CODE + file.relative_to(PACKAGE).as_posix(), file_hash(file)) for file in files]


def on_disk(name: str, source: str | Path, folder: Path) -> Part:
    """A file, or a whole folder of weights. A relative `source` is below `folder`, the held-out one, so that the two
    can be moved together. Raises PlumblineError when it is not there."""
    path = folder / source
    return Part(name, folder_hash(path) if path.is_dir() else file_hash(path), str(source))


def value(name: str, told: Any) -> Part:
    """Thresholds, a gate's design, keyed hashes of held-out prompts: any JSON value. Raises ValueError for others."""
    return Part(name, content_hash(told), value=canonical(told).decode("utf-8", "surrogatepass"))


def seal(parts: Iterable[Part]) -> Record:
    """The record over the parts, in whatever order they come.

    Raises PlumblineError when two parts have one name, or when there is none.
    """
    named = sorted(parts)
    names = [part.name for part in named]
    if twice := [name for name, after in zip(names, names[1:], strict=False) if name == after]:
        raise PlumblineError(f"two parts of the seal are called {twice[0]!r}; give each a name of its own")
    if not named:
        raise PlumblineError("a seal over nothing promises nothing; name its parts")
    return Record(_hash(named), tuple(named))


def broken(record: Record, parts: Iterable[Part]) -> list[str]:
    """What differs from the record, one line a part: changed, missing or added; and the record itself, where it is no
    longer the one that was sealed."""
    then, now = {part.name: part.hash for part in record.parts}, {part.name: part.hash for part in parts}
    said = [] if record.hash == _hash(record.parts) else ["the seal's own record was changed"]
    for name in sorted(then.keys() | now.keys()):
        if name not in now:
            said.append(f"{name} is missing")
        elif name not in then:
            said.append(f"{name} was added after sealing")
        elif then[name] != now[name]:
            said.append(f"{name} was changed after sealing")
    return said


def found(record: Record, folder: Path) -> list[Part]:
    """The record's parts as they are now: files and folders read again, values hashed again, the package's files
    looked for anew. What is no longer there is left out."""
    parts = code() if any(part.name.startswith(CODE) for part in record.parts) else []
    for part in record.parts:
        if part.source and (folder / part.source).exists():
            parts.append(on_disk(part.name, part.source, folder))
        elif part.value:
            parts.append(part._replace(hash=_spelled(part.value)))
    return parts


def _spelled(text: str) -> str:
    """The hash of a value from its canonical spelling: `content_hash` of the value itself."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _hash(parts: Sequence[Part]) -> str:
    """Over names and hashes: where a part lies may change, what it holds may not."""
    return content_hash(sorted((part.name, part.hash) for part in parts))
