"""How every command answers: for people, or one JSON object as the last line.

Must not know: the commands.
"""

import json
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
