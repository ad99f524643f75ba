"""The command `plumbline ui`: the dashboard, in a process of its own.

Must not know: the pages.
"""

import os
import subprocess
import sys

from flows.dashboard import ROOT, arguments
from flows.output import DEFAULT, Output, answer
from warehouse.errors import PlumblineError


def ui(*, port: int = 8501, address: str = "127.0.0.1", output: Output = DEFAULT) -> None:
    """Open the dashboard: rounds, pairs, reviews, lineage. It reads snapshots: a running campaign never waits for it.

    Example: `plumbline ui`

    Parameters
    ----------
    port
        The port it listens on.
    address
        The address it listens on; this machine alone, unless told. There is no password: put a proxy before it.
    """
    command = [sys.executable, "-m", "streamlit", *arguments(address, port)]
    url = f"http://{address}:{port}"
    answer(output, {"url": url}, lambda: print(url))
    sys.stdout.flush()
    code = subprocess.call(command, stdout=sys.stderr, env=os.environ | {"PYTHONPATH": str(ROOT)})
    if code:
        raise PlumblineError(f"the dashboard ended with code {code}; is port {port} taken? name another with --port")
