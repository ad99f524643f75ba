"""How every command answers: for people, or one JSON object as the last line.

Must not know: the commands.
"""

import atexit
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from cyclopts import Parameter


@Parameter(name="*")
@dataclass(frozen=True)
class Output:
    """How a command answers."""

    json: Annotated[bool, Parameter(negative="", help="Print one JSON object as the last line.")] = False
    debug: Annotated[bool, Parameter(negative="", help="Show tracebacks and library logs.")] = False


DEFAULT = Output()


def answer(output: Output, facts: dict[str, Any], show: Callable[[], None]) -> None:
    if output.json:
        print(json.dumps(facts, allow_nan=False))
    else:
        show()


def hush_at_the_end() -> None:
    """Close standard error as the very last thing: DuckDB's bindings write pages about objects that Prefect's threads
    still hold when the interpreter ends."""
    atexit.register(_hush)


def _hush() -> None:
    sys.stderr.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
