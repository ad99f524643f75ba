"""The unit of work: one step over one shard, as a Prefect task whose tables land in immutable Parquet files.

A step is a pure function that returns Arrow tables. `ShardTask` wraps it: the content key is Prefect's cache key, the
tables are written aside and renamed, and a mark stands while the work is in flight. After a crash the same key finds
the finished files, and the marks left over say what was lost.

Reads: nothing but what the step is given. Writes: `<folder>/shards/<table>/<label>-<key>.parquet` and
`<folder>/inflight/`. Must not know: which steps exist, their order, the warehouse.
"""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
from prefect import Task, task
from prefect.utilities.annotations import quote

from warehouse.errors import PlumblineError
from warehouse.hashing import content_hash


class Shard(NamedTuple):
    """`label` is for people (r1-a0-s2), `key` names the content, `pairs` is what a crash can lose."""

    folder: Path
    label: str
    key: str
    pairs: int

    def path(self, table: str) -> Path:
        return self.folder / "shards" / table / f"{self.label}-{self.key[:16]}.parquet"

    def read(self, table: str) -> pa.Table:
        return pq.read_table(self.path(table), partitioning=None)

    def write(self, table: str, rows: pa.Table) -> None:
        path = self.path(table)
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_suffix(".aside")
        pq.write_table(rows, aside, compression="zstd")
        os.replace(aside, path)

    @contextmanager
    def in_flight(self, step: str) -> Iterator[None]:
        mark = self.folder / "inflight" / f"{step}-{self.label}.json"
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.write_text(json.dumps({"step": step, "shard": self.label, "pairs": self.pairs}))
        yield
        mark.unlink(missing_ok=True)


class ShardTask(NamedTuple):
    """A step's name, the tables it writes, and the Prefect task around its pure function."""

    step: str
    tables: tuple[str, ...]
    task: Task[Any, Any]

    def finished(self, shard: Shard) -> bool:
        return all(shard.path(table).is_file() for table in self.tables)


def shard_key(step: str, parts: dict[str, Any]) -> str:
    """The content key of a step: SHA-256 over its name and whatever decides its outcome."""
    return content_hash([step, parts])


def shard_task(step: str, work: Callable[..., Any], *tables: str) -> ShardTask:
    """`work(**inputs)` returns one table, or a tuple with one for each of `tables`; its other fields are not kept."""

    def key(context: Any, parameters: dict[str, Any]) -> str:
        return f"{step}-{parameters['shard'].key}"

    def worth_retrying(_task: Any, _run: Any, state: Any) -> bool:
        return not isinstance(state.result(raise_on_failure=False), PlumblineError | MemoryError)

    @task(
        name=step,
        task_run_name=step + " {shard.label}",
        cache_key_fn=key,
        persist_result=True,
        result_serializer="json",
        retries=2,
        retry_delay_seconds=[1, 5],
        retry_condition_fn=worth_retrying,
    )
    def run(shard: Shard, inputs: quote) -> list[str]:
        given = inputs.unquote() if isinstance(inputs, quote) else inputs
        with shard.in_flight(step):
            result = work(**given)
            for name in tables:
                shard.write(name, result if isinstance(result, pa.Table) else getattr(result, name))
        return [str(shard.path(name).relative_to(shard.folder)) for name in tables]

    return ShardTask(step, tables, run)
