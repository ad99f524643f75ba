"""Processes that end with the one that brought them up, whatever way it ends, a `kill -9` among them.

Whoever brings others up holds a file's lock; each of them waits for that lock in a thread, and ends when it gets it:
the kernel lets go of it when the holder ends. Run as `python -m flows.lifeline MODULE [ARGUMENTS]` for a module that
knows nothing of this. Reads: PLUMBLINE_LIFELINE, the file. Must not know: what the processes do.
"""

import contextlib
import fcntl
import os
import runpy
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from warehouse.errors import PlumblineError

VARIABLE = "PLUMBLINE_LIFELINE"
PATIENCE = 3


@contextlib.contextmanager
def lifeline(file: Path) -> Iterator[dict[str, str]]:
    """Hold the lock; what is yielded belongs into the environment of everything that shall end with this process.

    Raises PlumblineError when another process holds it.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with open(file, "a+", encoding="utf-8") as held:
        _take(held.fileno(), file)
        held.truncate(0)
        held.write(str(os.getpid()))
        held.flush()
        yield {VARIABLE: str(file.resolve())}


def follow() -> None:
    """End this process when the holder of its lifeline ends; without a lifeline it lives on its own."""
    if file := os.environ.get(VARIABLE):
        threading.Thread(target=_end_with, args=(file,), daemon=True).start()


def _take(descriptor: int, file: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError as error:
            # Those that ended with an earlier holder have the lock for the moment in which they do.
            if time.monotonic() > deadline:
                holder = file.read_text(encoding="utf-8").strip() or "?"
                raise PlumblineError(f"{file.parent}: served already (process {holder}); end that one first") from error
            time.sleep(0.1)


def _end_with(file: str) -> None:
    with open(file, encoding="utf-8") as held:
        fcntl.flock(held, fcntl.LOCK_SH)
        os._exit(1)


if __name__ == "__main__":
    follow()
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
