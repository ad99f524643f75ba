"""The one error a person is meant to read.

Must not know: who catches it. The command line prints `error: <message>` and exits with 2.
"""


class PlumblineError(Exception):
    """Something the user can mend. The message is one line: the file, row or thing, and the mend."""

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))


class HeldError(PlumblineError):
    """Another process is writing the warehouse: wait, or read its snapshot."""
