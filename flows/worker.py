"""What a flow that a worker runs needs before it begins: a place to write to, somebody to end with, a quiet end.

Reads: PLUMBLINE_HOME. Must not know: which flow it is.
"""

import os
from pathlib import Path

from flows.lifeline import follow
from flows.output import hush_at_the_end
from warehouse.errors import PlumblineError
from warehouse.store import home


def at_home() -> Path:
    """PLUMBLINE_HOME. Raises PlumblineError unless it is absolute: a worker runs each flow in a folder of its own."""
    follow()
    hush_at_the_end()
    if not (folder := home()).is_absolute():
        told = os.environ.get("PLUMBLINE_HOME") or "not set"
        raise PlumblineError(
            f"PLUMBLINE_HOME: {told}; a worker needs the whole path, from / on: set it, start it again"
        )
    return folder
