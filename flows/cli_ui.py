"""The command `plumbline ui`: the dashboard, in a process of its own.

Must not know: the pages.
"""

import os
import subprocess
import sys
from pathlib import Path

from flows.output import DEFAULT, Output, answer
from warehouse.errors import PlumblineError

APP = Path(__file__).parent.parent / "dashboard" / "app.py"
QUIET = {"browser.gatherUsageStats": "false", "server.headless": "true", "server.fileWatcherType": "none"}
LOOKS = {
    **{"theme.base": "light", "theme.primaryColor": "#0a6c74", "theme.textColor": "#22252a"},
    **{"theme.backgroundColor": "#ffffff", "theme.secondaryBackgroundColor": "#f5f3ee", "theme.font": "sans-serif"},
    **{"client.toolbarMode": "minimal", "client.showErrorDetails": "type"},
}


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
    told = QUIET | LOOKS | {"server.port": str(port), "server.address": address}
    command = [sys.executable, "-m", "streamlit", "run", str(APP)]
    command += [part for name, value in told.items() for part in (f"--{name}", value)]
    url = f"http://{address}:{port}"
    answer(output, {"url": url}, lambda: print(url))
    sys.stdout.flush()
    code = subprocess.call(command, stdout=sys.stderr, env=os.environ | {"PYTHONPATH": str(APP.parent.parent)})
    if code:
        raise PlumblineError(f"the dashboard ended with code {code}; is port {port} taken? name another with --port")
