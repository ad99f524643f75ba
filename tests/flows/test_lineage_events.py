"""Events that others read: of every step of a campaign, over http, and what happens when nobody listens."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pyarrow as pa
import pytest
from jsonschema import ValidationError
from lineage_events import by_run, check, read_events
from small_campaign import Finished

from flows.event_datasets import of_file, of_inputs, of_shard
from flows.events import FILE, Events
from flows.records import exported
from tasks.shard import Rows, Shard, ShardTask
from warehouse.places import Place

STEPS = {"generate", "validate", "score", "review", "trial"}
JOBS = STEPS | {"small", "round", "curate", "amend", "publish"}


def test_every_step_of_a_campaign_is_told(finished: Finished) -> None:
    runs = by_run(read_events(finished.place.home / "small" / "generator"))
    assert {job for job, _ in runs} >= JOBS
    for told in runs.values():
        states = [event["eventType"] for event in told]
        assert states[:2] == ["START", "COMPLETE"] and states[-1] == "COMPLETE"
    root = next(run for job, run in runs if job == "small")
    for (job, _), told in runs.items():
        assert job in ("small", "export") or told[0]["run"]["facets"]["parent"]["root"]["run"]["runId"] == root
    of = {job: told[1] for (job, _), told in runs.items()}
    failed = of["validate"]["inputs"][0]["inputFacets"]["dataQualityAssertions"]["assertions"]
    assert len(failed) == 12 and all(one["success"] for one in failed)
    assert of["generate"]["outputs"][0]["outputFacets"]["outputStatistics"]["rowCount"] > 0
    names = {job: {data["name"] for data in of[job]["outputs"]} for job in of}
    read = {job: {data["name"] for data in of[job]["inputs"]} for job in of}
    assert read["publish"] <= names["curate"] and any("train.parquet" in name for name in names["publish"])
    written = {data["name"] for told in runs.values() for event in told for data in event["outputs"]}
    used = {data["name"] for told in runs.values() for data in told[0]["inputs"] if data["namespace"] == "file"}
    assert used and used <= written


def test_an_export_is_told(here: Finished, tmp_path: Path) -> None:
    rows = exported("small", tmp_path / "kept.parquet", "kept")
    started, ended = read_events(here.place.home / "small" / "generator")[-2:]
    assert (started["eventType"], ended["eventType"], ended["job"]["name"]) == ("START", "COMPLETE", "small.export")
    assert ended["outputs"][0]["outputFacets"]["outputStatistics"]["rowCount"] == rows


def test_what_is_not_as_published_is_seen(finished: Finished) -> None:
    event = read_events(finished.place.home / "small" / "generator")[0]
    changes = [("run", {"runId": "7"}), ("eventTime", "yesterday"), ("eventType", "DONE"), ("producer", "nobody")]
    for name, wrong in changes:
        with pytest.raises(ValidationError):
            check(event | {name: wrong})


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "identity.json").write_text("{}")
    return tmp_path


class Collector(ThreadingHTTPServer):
    """A server that takes events, at /api/v1/lineage, as a lineage service does; `answer` is its status."""

    def __init__(self) -> None:
        self.taken: list[dict[str, object]] = []
        self.answer = 201
        super().__init__(("127.0.0.1", 0), Take)


class Take(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert self.path == "/api/v1/lineage"
        if self.server.answer < 300:
            self.server.taken.append(event)
        self.send_response(self.server.answer)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_over_http_and_to_the_file_once_nobody_takes_them(
    folder: Path, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENLINEAGE_URL", f"http://127.0.0.1:{collector.server_port}")
    said: list[str] = []
    events = Events(folder, "c", said.append)
    with events.run("campaign", ""), events.run("round", 1):
        collector.answer = 400
    events.close()
    for event in collector.taken:
        check(event)
    assert [event["eventType"] for event in collector.taken] == ["START", "START"]
    assert [event["eventType"] for event in read_events(folder)] == ["COMPLETE", "COMPLETE"]
    assert len(said) == 1 and "http transport failed" in said[0] and FILE in said[0]


def test_disabled_there_are_none(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENLINEAGE_DISABLED", "true")
    with Events(folder, "c", print).run("campaign", ""):
        pass
    assert not (folder / FILE).exists()


def test_a_file_that_cannot_be_written_is_told_once(folder: Path) -> None:
    said: list[str] = []
    (folder / FILE).mkdir()
    with Events(folder, "c", said.append).run("campaign", ""):
        pass
    assert len(said) == 1 and "none are told" in said[0]


def test_half_a_line_is_dropped(folder: Path) -> None:
    with Events(folder, "c", print).run("campaign", ""):
        pass
    whole = (folder / FILE).read_bytes()
    (folder / FILE).write_bytes(whole + b'{"eventTime": "20')
    Events(folder, "c", print)
    assert (folder / FILE).read_bytes() == whole


def test_how_a_run_ends(folder: Path) -> None:
    events = Events(folder, "c", print)
    step, shard = ShardTask("score", ("readings",), None), Shard(Place(str(folder)), "r1-a0-s0", "ab" * 32, 1)  # type: ignore[arg-type]
    with pytest.raises(ValueError), events.step(step, shard, {}, False):
        raise ValueError("no such text")
    with pytest.raises(ValueError), events.run("campaign", ""):
        raise ValueError("a held-out figure")
    with pytest.raises(KeyboardInterrupt), events.run("round", 1):
        raise KeyboardInterrupt
    shard.write("readings", pa.table({"reading": [0.5, None]}))
    with events.step(step, shard, {}, True):
        pass
    told = read_events(folder)
    assert [event["eventType"] for event in told] == ["START", "FAIL", "START", "FAIL", "START", "ABORT", "COMPLETE"]
    assert "no such text" in told[1]["run"]["facets"]["errorMessage"]["message"]
    assert "held-out" not in (folder / FILE).read_text()  # what an audit said passes through the campaign's run
    assert told[-1]["run"]["runId"] == told[0]["run"]["runId"]
    assert [event["run"]["facets"]["plumbline_step"]["cached"] for event in told] == [False] * 6 + [True]


def test_what_a_run_reads(folder: Path) -> None:
    shard = Shard(Place(f"{folder}/"), "r1-a0-s0", "ab" * 32, 1)
    shard.write("pairs", pa.table({"pair_id": ["a", "b"]}))
    data = of_shard(shard, "pairs")
    assert (data.namespace, data.name, data.rows) == ("file", str(folder / shard.name("pairs")), 2)
    assert data.version == of_file(folder / shard.name("pairs")).version
    given = {"pairs": [Rows(shard, "pairs")] * 2, "seen": frozenset("ab"), "temperature": 1.0, "addendum": None}
    assert of_inputs(given) == [data]
    memory = Shard(Place("memory://somewhere"), "r1-a0-s0", "ab" * 32, 1)
    memory.write("pairs", pa.table({"pair_id": ["a", "b"]}))
    assert of_shard(memory, "pairs").namespace == "memory://somewhere"
