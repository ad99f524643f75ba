"""The generator side's end of the gate: a process of its own that is handed rounds and answers with one word.

Reads: that process's answers. Writes: a round's handover. Must not know: monitors, gold, evidence, or why an answer is
what it is: `go`, `alarm`, or `refused` (so bad a start that no amending may begin); `published` where it was only
asked to publish again.
"""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from flows.handover import Circumstances, hand_over
from flows.progress import Progress
from flows.round import Examined
from warehouse.errors import PlumblineError

ANSWERS = ("go", "alarm", "refused", "published")
PUBLISH = "publish"


class Auditor:
    """`seals` are the opaque hashes the other side is held to, by number."""

    def __init__(self, folder: Path, process: subprocess.Popen[str], progress: Progress) -> None:
        self.folder, self._process, self._progress = folder, process, progress
        self.seals: dict[int, str] = {}

    def ask(self, about: Circumstances, done: Examined, labelled: pa.Table | None = None) -> str:
        """The gate's answer on a round, the same whenever it is asked. Raises PlumblineError with the audit's own line
        when it cannot answer: a broken seal, above all."""
        hand_over(self.folder, about, done, labelled)
        self._progress.stage(f"audit {about.round}", 100)
        return self._said(str(about.round))

    def publish(self, number: int) -> None:
        """Have the last round published again, as it is handed over now."""
        self._said(f"{PUBLISH} {number}")

    def _said(self, line: str) -> str:
        assert self._process.stdin and self._process.stdout
        try:
            self._process.stdin.write(f"{line}\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # it has ended; what it said last is read below
        for line in self._process.stdout:
            said = json.loads(line)
            if "step" in said:
                self._progress.step(said["step"])
                continue
            if "error" in said:
                raise PlumblineError(said["error"])
            self.seals = {int(number): seal for number, seal in said["seals"].items()}
            assert said["answer"] in ANSWERS
            return str(said["answer"])
        raise PlumblineError(f"{self.folder}: the audit ended without an answer; see {self.folder}/heldout/audit.log")


def republish(folder: Path, number: int, progress: Progress) -> None:
    """Have the audit of the campaign in `folder`, whose own process has ended, publish round `number` again."""
    with auditor(folder, progress, {}) as audit:
        audit.publish(number)


@contextlib.contextmanager
def auditor(folder: Path, progress: Progress, environment: dict[str, str]) -> Iterator[Auditor]:
    """Start the audit's process for the campaign in `folder`. It ends with this one, whatever way this one ends: its
    standard input closes."""
    (folder / "heldout").mkdir(parents=True, exist_ok=True)
    with open(folder / "heldout" / "audit.log", "ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "flows.audit", str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env=os.environ | environment,
            text=True,
            start_new_session=True,
        )
    try:
        yield Auditor(folder, process, progress)
    finally:
        assert process.stdin
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
