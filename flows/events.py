"""OpenLineage events: what was done to which data, for whoever collects lineage.

A run is called by its content: the step and whatever decides its outcome. What is done again after a crash is the same
run, and a step found finished says once more that it is complete, marked as cached. Of the audit there are no events:
what it reads, and how long it takes, is the held-out side's; what it let through is told when the campaign has ended.

Writes: `<campaign>/generator/openlineage.jsonl`, or whatever OpenLineage's own configuration names (OPENLINEAGE_URL,
openlineage.yml, OPENLINEAGE_DISABLED). Must not know: what a step does. A collector that is away stops no campaign.
"""

import contextlib
import logging
import os
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from uuid import UUID, uuid5

import attr
from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import Job, Run, RunEvent, RunState, set_producer
from openlineage.client.facet_v2 import (
    JobFacet,
    RunFacet,
    documentation_job,
    error_message_run,
    job_type_job,
    parent_run,
    processing_engine_run,
)
from openlineage.client.transport.file import FileConfig, FileTransport
from openlineage.client.transport.noop import NoopConfig, NoopTransport

from flows.event_datasets import Data, expected, of_inputs, of_shard
from tasks.shard import Shard, ShardTask
from warehouse.hashing import file_hash

FILE = "openlineage.jsonl"
NAMES = UUID("8f0b6c1e-5f0e-5d4b-9a53-3c1f2a7d9e60")
"""The name space of run ids; any UUID would do, as long as it stays."""
ENGINE = (version("prefect"), "Prefect", version("openlineage-python"))
JOBS = {
    "campaign": "The whole campaign: round, audit, publish, amend, again.",
    "round": "One round: generate, validate, score, review and curate, shard by shard.",
    "ingest": "Reads preference pairs that somebody else wrote.",
    "generate": "Writes two responses to each prompt of a shard, under the constitution in force.",
    "validate": "Checks every pair of a shard and sets aside what fails.",
    "score": "Reads the motive of each text with the detector.",
    "review": "Has the reviewer judge each flagged pair.",
    "curate": "Decides about each pair and enters it in the warehouse.",
    "trial": "Tries constitutions on the same prompts.",
    "amend": "Proposes changes to the constitution, tries them, and chooses.",
    "publish": "Publishes the pairs that were kept as a dataset.",
    "export": "Writes pairs of the warehouse to one file.",
}

set_producer(f"urn:plumbline:{version('plumbline')}")


@attr.define
class StepRunFacet(RunFacet):
    """`label` names the shard for people; `cached`: it was found finished and not done again. Its schema is
    `flows/step_run_facet.json`."""

    label: str
    cached: bool

    @staticmethod
    def _get_schema() -> str:
        return "urn:plumbline:facets:1-0-0:StepRunFacet.json#/$defs/StepRunFacet"


class Events:
    """The events of one campaign. `folder` is its generator's, `say` tells a person, once, when a collector is away;
    `open` are the runs that go on now, one inside the other, the campaign's first."""

    def __init__(self, folder: Path, campaign: str, say: Callable[[str], None]) -> None:
        self._file, self.campaign, self._say = folder.resolve() / FILE, campaign, say
        self.namespace = os.environ.get("OPENLINEAGE_NAMESPACE") or "plumbline"
        self._identity = file_hash(folder / "identity.json")
        self._client = self._opened()
        self.open: list[Told] = []

    @property
    def on(self) -> bool:
        return self._client.transport.kind != "noop"

    def run(self, job: str, key: Any, reads: Any = (), label: str = "") -> "Told":
        """A run that begins now, and ends with the `with` block it is used in. `key` tells it from the job's other
        runs; `reads` is what `of_inputs` knows, and `label` is for people."""
        return Told(self, job, key, {"constitution": reads}, label)

    def step(self, step: ShardTask, shard: Shard, inputs: dict[str, Any], found: bool) -> "Told":
        """The run that makes a shard, or has made it when it is `found` finished."""
        return Told(self, step.step, shard.key, inputs, shard.label, found, (step, shard))

    def entered(self, data: Data) -> None:
        """`data` was written by the run at hand, where there is one."""
        for told in self.open[-1:]:
            told.wrote(data)

    def emit(self, event: RunEvent) -> None:
        """Hand it to the transport. Where that fails, this process's events go to the campaign's file from then on."""
        try:
            self._client.emit(event)
        except Exception as error:  # each transport has errors of its own, and none may stop a campaign
            kind, why = self._client.transport.kind, f"{type(error).__name__}: {error}".splitlines()[0][:200]
            if kind == "file":
                self._client = OpenLineageClient(transport=NoopTransport(NoopConfig()))
                self._say(f"OpenLineage: events cannot be written ({why}); from here on none are told")
                return
            self._say(f"OpenLineage: the {kind} transport failed ({why}); events go to {self._file} from here on")
            self._client = self._to_file()
            self.emit(event)

    def close(self) -> None:
        """Send what a transport has kept back, for at most five seconds."""
        with contextlib.suppress(Exception):
            if not self._client.close(5):
                self._say("OpenLineage: not every event was sent before the campaign ended")

    def _opened(self) -> OpenLineageClient:
        if not os.environ.get("OPENLINEAGE_CLIENT_LOGGING"):
            logging.getLogger("openlineage").setLevel(logging.CRITICAL)  # what goes wrong is told here, once
        try:
            client = OpenLineageClient()
        except Exception as error:
            self._say(f"OpenLineage: its configuration cannot be used ({error}); events go to {self._file}")
            return self._to_file()
        told = (client.config.transport or {}).get("type")
        return self._to_file() if client.transport.kind == "console" and told != "console" else client

    def _to_file(self) -> OpenLineageClient:
        _drop_half_line(self._file)
        return OpenLineageClient(transport=FileTransport(FileConfig(str(self._file), append=True)))

    def run_id(self, job: str, key: Any) -> str:
        return str(uuid5(NAMES, "\n".join(map(str, (self.namespace, self.campaign, self._identity, job, key)))))

    def job_name(self, job: str) -> str:
        return self.campaign if job == "campaign" else f"{self.campaign}.{job}"


class Told:
    """A run as it goes on: it has begun; leaving the `with` block ends it, and `wrote` adds to its outputs."""

    def __init__(
        self,
        events: Events,
        job: str,
        key: Any,
        inputs: dict[str, Any],
        label: str,
        cached: bool = False,
        made: tuple[ShardTask, Shard] | None = None,
    ) -> None:
        self._events, self.job, self._reads = events, job, of_inputs(inputs) if events.on else []
        self._label, self._cached, self._made = label, cached, made
        self.id, self._writes = events.run_id(job, key), dict[tuple[str, str], Data]()
        self._above = [*events.open]
        if not cached:
            self._tell(RunState.START)

    def wrote(self, *written: Data) -> None:
        for data in written:
            before = self._writes.get((data.namespace, data.name))
            rows = data.rows if before is None or before.rows is None else before.rows + (data.rows or 0)
            self._writes[data.namespace, data.name] = data._replace(rows=rows)

    def __enter__(self) -> Self:
        if not self._made:
            self._events.open.append(self)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if not self._made:
            self._events.open.remove(self)
        if kind is None:
            self._look()
            self._tell(RunState.COMPLETE)
        elif issubclass(kind, Exception):
            # Only a step's own words: an error of the audit passes through the campaign's run.
            said = str(error) if self._made else "it ended with an error, which the command line tells"
            self._tell(RunState.FAIL, f"{kind.__name__}: {said}")
        else:
            self._tell(RunState.ABORT)

    def _look(self) -> None:
        """What a step made, and what was expected of what it read, stand in its shard."""
        if self._made and self._events.on:
            step, shard = self._made
            self.wrote(*(of_shard(shard, table) for table in step.tables))
            if "outcomes" in step.tables and self._reads:
                found = expected(shard.read("outcomes"))
                self._reads = [one._replace(assertions=found) if one.columns else one for one in self._reads]

    def _tell(self, state: RunState, failure: str = "") -> None:
        if not self._events.on:
            return
        facets: dict[str, RunFacet] = {
            "processing_engine": processing_engine_run.ProcessingEngineRunFacet(*ENGINE),
            "plumbline_step": StepRunFacet(self._label, self._cached),
        }
        if self._above:
            facets["parent"] = self._parent()
        if failure:
            facets["errorMessage"] = error_message_run.ErrorMessageRunFacet(failure, "PYTHON")
        about: dict[str, JobFacet] = {
            "documentation": documentation_job.DocumentationJobFacet(JOBS[self.job]),
            "jobType": job_type_job.JobTypeJobFacet("BATCH", "PLUMBLINE", "TASK" if self._made else "JOB"),
        }
        self._events.emit(
            RunEvent(
                eventType=state,
                eventTime=datetime.now(UTC).isoformat(),
                run=Run(self.id, facets),
                job=Job(self._events.namespace, self._events.job_name(self.job), about),
                inputs=[data.read() for data in self._reads],
                outputs=[data.written() for data in self._writes.values()],
            )
        )

    def _parent(self) -> RunFacet:
        def job(told: Told) -> tuple[str, str]:
            return self._events.namespace, self._events.job_name(told.job)

        above, root = self._above[-1], self._above[0]
        return parent_run.ParentRunFacet(
            parent_run.Run(above.id),
            parent_run.Job(*job(above)),
            parent_run.Root(parent_run.RootRun(root.id), parent_run.RootJob(*job(root))),
        )


@contextlib.contextmanager
def events_of(folder: Path, campaign: str) -> Iterator[Events]:
    """The events of a command about a campaign that has run; what goes wrong with them is told on standard error."""
    with contextlib.closing(Events(folder, campaign, lambda line: print(line, file=sys.stderr))) as events:
        yield events


def _drop_half_line(file: Path) -> None:
    """What a killed process was writing when it ended: every line of the file is a whole event."""
    with contextlib.suppress(OSError), file.open("rb+") as kept:
        kept.seek(-1, os.SEEK_END)
        if kept.read() != b"\n":
            kept.seek(0)
            kept.truncate(kept.read().rfind(b"\n") + 1)
