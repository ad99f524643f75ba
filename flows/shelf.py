"""Finished work by content: runs a step over a shard as a Prefect task, or finds its files from an earlier run.

Reads and writes: `<folder>/results` (Prefect's records), and where the shards lie `shards/` and `inflight/`.
Must not know: which steps there are, or what is in a shard.
"""

import json
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, TypeVar

from flows.events import Events
from flows.runners import ONE_BY_ONE, Pools, submit, untagged
from tasks.shard import Given, Shard, ShardTask, shard_key
from warehouse.places import Place

Started = Callable[[], Shard]
"""Waits for a shard that is being worked on. Raises what the step raised, after its retries."""

Work = TypeVar("Work")


class Shelf:
    """`finished` counts shards found done, `written` those done now, `lost` the pairs in flight when a run was killed.

    `code` is a hash of the source files the steps are made of: it is part of every key, so that changed code never
    meets an old result. `open` shards are started and not yet waited for. `shards` is where the shards lie, `folder`
    unless told; `events`, where there are any, hear of each shard.
    """

    def __init__(
        self,
        folder: Path,
        code: str,
        shards: Place | None = None,
        pools: Pools = ONE_BY_ONE,
        events: Events | None = None,
    ) -> None:
        self.folder, self.code, self.pools, self._events = folder.resolve(), code, pools, events
        self.place = shards or Place(str(self.folder))
        self.finished = self.written = self.open = 0
        self.lost = self._collect_marks()
        self._steps: dict[tuple[str, bool], Any] = {}

    def run(self, step: ShardTask, label: str, pairs: int, key: dict[str, Any], inputs: dict[str, Any]) -> Shard:
        """The step's shard, finished. `key` names by content whatever decides the outcome; `inputs` go to the step.

        Raises what the step raised, after its retries.
        """
        shard = self._shard(step, label, pairs, key)
        with self._told(step, shard, inputs):
            self._count(self._execute(step, shard, inputs))
        return shard

    def start(
        self, step: ShardTask, label: str, pairs: int, key: dict[str, Any], inputs: dict[str, Any], here: bool = False
    ) -> Started:
        """`run`, at once or on the campaign's runner; `here` keeps it in this process."""
        pool = self.pools.here if here else self.pools.away
        if pool is None:
            finished = self.run(step, label, pairs, key, inputs)
            return lambda: finished
        shard = self._shard(step, label, pairs, key)
        found, told = step.finished(shard), self._told(step, shard, inputs)
        future = submit(pool, self._task(step, found), {"shard": shard, "given": Given(inputs)})
        self.open += 1

        def wait() -> Shard:
            with told:
                future.result()
            self.open -= 1
            self._count(found)
            return shard

        return wait

    def ahead(self, work: Iterable[Work]) -> Iterable[Work]:
        """All of `work` begun before the first of it is waited for; one after the other where there are no pools."""
        return work if self.pools == ONE_BY_ONE else list(work)

    def _shard(self, step: ShardTask, label: str, pairs: int, key: dict[str, Any]) -> Shard:
        return Shard(self.place, label, shard_key(step.step, {**key, "code": self.code}), pairs)

    def _told(self, step: ShardTask, shard: Shard, inputs: dict[str, Any]) -> AbstractContextManager[Any]:
        if self._events is None:
            return nullcontext()
        return self._events.step(step, shard, inputs, step.finished(shard))

    def _count(self, found: bool) -> None:
        self.finished += found
        self.written += not found

    def _task(self, step: ShardTask, found: bool) -> Any:
        """The step as a task that looks for Prefect's record first; where the shard's files are gone, it is void."""
        if (step.step, found) not in self._steps:
            made = step.task.with_options(result_storage=self.folder / "results", refresh_cache=not found)
            self._steps[step.step, found] = made
        return self._steps[step.step, found]

    def _execute(self, step: ShardTask, shard: Shard, inputs: dict[str, Any]) -> bool:
        """Run the step, unless its files are there; True when they are."""
        found = step.finished(shard)
        with untagged():
            self._task(step, found)(shard, Given(inputs), return_state=True).result()
        return found

    def _collect_marks(self) -> int:
        lost = 0
        for mark in self.place.names("inflight", ".json"):
            lost += json.loads(self.place.read(mark))["pairs"]
            self.place.remove(mark)
        return lost
