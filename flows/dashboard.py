"""How the dashboard is started: Streamlit's command line for it.

Must not know: the pages.
"""

from pathlib import Path

ROOT = Path(__file__).parent.parent
APP = ROOT / "dashboard" / "app.py"
QUIET = {"browser.gatherUsageStats": "false", "server.headless": "true", "server.fileWatcherType": "none"}
LOOKS = {
    **{"theme.base": "light", "theme.primaryColor": "#0a6c74", "theme.textColor": "#22252a"},
    **{"theme.backgroundColor": "#ffffff", "theme.secondaryBackgroundColor": "#f5f3ee", "theme.font": "sans-serif"},
    **{"client.toolbarMode": "minimal", "client.showErrorDetails": "type"},
}


def arguments(address: str, port: int) -> list[str]:
    """For `python -m streamlit`, whose path must begin with ROOT."""
    told = QUIET | LOOKS | {"server.port": str(port), "server.address": address}
    return ["run", str(APP), *(part for name, value in told.items() for part in (f"--{name}", value))]
