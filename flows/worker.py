"""What a flow that a worker runs needs before it begins: a place to write to, and somebody to end with.

Reads: PLUMBLINE_HOME. Must not know: which flow it is.
"""

import os
from pathlib import Path

from flows.lifeline import follow
from warehouse.errors import PlumblineError
from warehouse.store import home


def at_home() -> Path:
    """PLUMBLINE_HOME. Raises PlumblineError unless it is absolute: a worker runs each flow in a folder of its own."""
    follow()
    if not (folder := home()).is_absolute():
        told = os.environ.get("PLUMBLINE_HOME") or "not set"
        raise PlumblineError(
            f"PLUMBLINE_HOME: {told}; a worker needs the whole path, from / on: set it, start it again"
        )
    return folder
