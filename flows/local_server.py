"""A Prefect server for one command, where the user has none: it starts beside the work and ends with its process.

Prefect would start one by itself, but that one outlives a `kill -9` and keeps its parent's pipes open. This one reads
standard input, which ends when the parent ends, whatever way. Run as `python -m flows.local_server SOCKET`.
Writes: `<PREFECT_HOME>/prefect.db` and `server.log`. Must not know: the flows.
"""

import contextlib
import os
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from warehouse.errors import PlumblineError

PATIENCE = 120


class LocalServer:
    """`url` answers once the server is up; `wait` for it before it is used."""

    def __init__(self, url: str, process: subprocess.Popen[bytes], log: Path) -> None:
        self.url, self._process, self._log = url, process, log

    def wait(self) -> None:
        """Raises PlumblineError when it does not come up within two minutes."""
        try:
            # The socket has been listening from the start, so the request waits in line and nothing is polled.
            urllib.request.urlopen(f"{self.url}/health", timeout=PATIENCE).close()
        except OSError as error:
            raise PlumblineError(f"{self._log}: the local Prefect server did not start ({error}); see there") from error


@contextlib.contextmanager
def local_server(folder: Path) -> Iterator[LocalServer]:
    """Start the server and go on at once. Raises PlumblineError when `folder` cannot be written."""
    log = folder / "server.log"
    with socket.create_server(("127.0.0.1", 0)) as listening, open(log, "wb") as output:
        command = [sys.executable, "-m", __name__, str(listening.fileno())]
        # In a session of its own: an interrupt is for the campaign, which then still has a server to tell.
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            pass_fds=[listening.fileno()],
            start_new_session=True,
        )
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/api"
    try:
        yield LocalServer(url, process, log)
    finally:
        process.kill()
        process.wait()


def serve(descriptor: int) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    import uvicorn
    from prefect.server.api.server import create_app

    app = create_app(ephemeral=True, final=True)
    uvicorn.Server(uvicorn.Config(app, log_level="error")).run([socket.socket(fileno=descriptor)])


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    serve(int(sys.argv[1]))
