"""What a person sees while a campaign runs: round, step, pairs done and flags so far, on standard error.

A live bar on a terminal, plain lines anywhere else. Must not know: what the steps do.
"""

import time
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars


class Progress:
    """A context manager. `stage` opens a piece of work, `step` names what is being done in it, `within` moves inside
    a step, `done` adds finished pairs and flags."""

    def __init__(self, console: Console | None = None, quiet: bool = False) -> None:
        self.console = console or Console(stderr=True, quiet=quiet)
        self.live = self.console.is_terminal and not quiet
        self._bars = Bars(
            TextColumn("[bold]{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[step]}"),
            TextColumn("[yellow]{task.fields[flags]}"),
            TimeElapsedColumn(),
            console=self.console,
            transient=True,
            disable=not self.live,
        )
        self._stage, self._step, self._total, self._done, self._flags, self._began = "", "", 0, 0, 0, 0.0
        self._bar = self._bars.add_task("", total=None, step="", flags="")

    def stage(self, name: str, total: int) -> None:
        """Begin `name`, which has `total` pairs to do."""
        self._stage, self._total, self._done, self._flags, self._began = name, total, 0, 0, time.monotonic()
        self._bars.reset(self._bar, description=name, total=total, step="", flags="")

    def step(self, name: str) -> None:
        self._step = name
        self._bars.update(self._bar, step=name)

    def within(self, done: int, total: int) -> None:
        """How far a step is, of its own total."""
        self._bars.update(self._bar, step=f"{self._step} {done}/{total}")

    def to(self, name: str, done: int, total: int) -> None:
        """How far a long piece of work of its own is; without a bar it is told at each tenth."""
        if name != self._stage:
            self.stage(name, total)
            if not self.live:
                self.say(name)
        elif not self.live and 10 * done // total > 10 * self._done // total:
            self.say(f"{name}  {100 * done // total} %")
        self._done = done
        self._bars.update(self._bar, completed=done)

    def more(self, pairs: int) -> None:
        """`pairs` more than were planned: prompts asked again."""
        self._total += pairs
        self._bars.update(self._bar, total=self._total)

    def done(self, pairs: int, flags: int = 0) -> None:
        self._done += pairs
        self._flags += flags
        self._bars.update(self._bar, completed=self._done, flags=f"{self._flags} flagged")
        if not self.live:
            seconds = time.monotonic() - self._began
            self.say(f"{self._stage}  {self._done}/{self._total} pairs  {self._flags} flagged  {seconds:.1f} s")

    def say(self, line: str) -> None:
        self.console.print(line, highlight=False, markup=False, soft_wrap=True)

    def __reduce__(self) -> tuple[type["Progress"], tuple[None, bool]]:
        """What travels to another process is a silent one."""
        return Progress, (None, True)

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()
