"""How the dashboard is started: Streamlit's command line for it.

Must not know: the pages.
"""

from pathlib import Path

ROOT = Path(__file__).parent.parent
APP = ROOT / "dashboard" / "app.py"
QUIET = {"browser.gatherUsageStats": "false", "server.headless": "true", "server.fileWatcherType": "none"}


def arguments(address: str, port: int) -> list[str]:
    """For `python -m streamlit`, whose path must begin with ROOT."""
    told = QUIET | {"server.port": str(port), "server.address": address}
    return ["run", str(APP), *(part for name, value in told.items() for part in (f"--{name}", value))]
