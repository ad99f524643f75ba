"""A campaign's lock: one process at a time writes its record.

Reads and writes: `<campaign>/generator/lock`. Must not know: what the process does.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from warehouse.errors import PlumblineError


class RunningError(PlumblineError):
    """Another process runs the campaign."""


@contextlib.contextmanager
def alone(folder: Path, name: str) -> Iterator[None]:
    """Hold the lock of campaign `name` in its generator's `folder`; the kernel lets go of it whatever way the process
    ends. Raises RunningError when another process holds it."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "a+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            raise RunningError(
                f"{folder.parent}: campaign {name} is running already (process {lock.read().strip() or '?'}); "
                "wait until it ends, or give yours another name"
            ) from error
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield
