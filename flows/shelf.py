"""Finished work by content: runs a step over a shard as a Prefect task, or finds its files from an earlier run.

Reads and writes: `<folder>/shards`, `<folder>/results` (Prefect's records), `<folder>/inflight`.
Must not know: which steps there are, or what is in a shard.
"""

import contextlib
import json
from pathlib import Path
from typing import Any

from prefect.utilities.annotations import quote

from tasks.shard import Shard, ShardTask, shard_key


class Shelf:
    """`finished` counts shards found done, `written` those done now, `lost` the pairs in flight when a run was killed.

    `code` is a hash of the source files the steps are made of: it is part of every key, so that changed code never
    meets an old result.
    """

    def __init__(self, folder: Path, code: str) -> None:
        self.folder, self.code = folder, code
        self.finished = self.written = 0
        self.lost = self._collect_marks()
        self._steps: dict[str, Any] = {}

    def run(self, step: ShardTask, label: str, pairs: int, key: dict[str, Any], inputs: dict[str, Any]) -> Shard:
        """The step's shard, finished. `key` names by content whatever decides the outcome; `inputs` go to the step.

        Raises what the step raised, after its retries.
        """
        shard = Shard(self.folder, label, shard_key(step.step, {**key, "code": self.code}), pairs)
        found = self._execute(step, shard, inputs)
        self.finished += found
        self.written += not found
        return shard

    def _execute(self, step: ShardTask, shard: Shard, inputs: dict[str, Any]) -> bool:
        """Run the step, or let Prefect find its record; True when it was found. A record without its files is void."""
        task = self._steps.setdefault(step.step, step.task.with_options(result_storage=self.folder / "results"))
        task.refresh_cache = not step.finished(shard)
        state = task(shard, quote(inputs), return_state=True)
        state.result()
        return bool(state.name == "Cached")

    def _collect_marks(self) -> int:
        lost = 0
        for mark in (self.folder / "inflight").glob("*.json"):
            with contextlib.suppress(ValueError):  # killed while writing the mark: the work had not begun
                lost += json.loads(mark.read_text())["pairs"]
            mark.unlink()
        return lost
