"""kill -9, the same command again: nothing finished is repeated, and the dataset is the undisturbed run's."""

import json
import os
import signal
import time

from lineage_events import by_run, read_events
from small_campaign import Finished, Place

from warehouse.hashing import folder_hash


def test_a_killed_campaign_goes_on(finished: Finished, elsewhere: Place) -> None:
    folder = elsewhere.home / "small" / "generator"
    process = elsewhere.start("run", elsewhere.campaign)
    # The third shard of verdicts: some work is finished by then, and some is still in flight.
    while len(list(folder.glob("shards/verdicts/*.parquet"))) < 3 or not list(folder.glob("inflight/*.json")):
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    out, err = process.communicate(timeout=10)  # nothing it started may keep its pipes open
    in_flight = sum(json.loads(mark.read_text())["pairs"] for mark in folder.glob("inflight/*.json"))
    done = len(list(folder.glob("shards/verdicts/*.parquet")))

    report = elsewhere.run("run", elsewhere.campaign)
    assert report["finished"] >= 4 * done - 1 and report["lost"] == in_flight
    assert report["finished"] + report["written"] == finished.report["written"]
    assert report["rounds"] == finished.report["rounds"]
    assert report["chain"] == finished.report["chain"]
    assert elsewhere.run("verify", "small")["ok"]
    assert folder_hash(report["dataset"]) == folder_hash(finished.report["dataset"])
    for told in by_run(read_events(folder)).values():
        assert told[-1]["eventType"] == "COMPLETE"  # whatever was killed has ended by now, as the same run


def test_a_shard_whose_file_is_gone_is_written_again(finished: Finished) -> None:
    folder = finished.place.home / "small" / "generator"
    lost = next(folder.glob("shards/readings/*.parquet"))
    before = lost.read_bytes()
    lost.unlink()
    report = finished.place.run("run", finished.place.campaign)
    assert lost.read_bytes() == before
    assert (report["written"], report["finished"]) == (1, finished.report["written"] - 1)
    assert report["dataset"] == finished.report["dataset"]
    cached = [event for event in read_events(folder) if event["run"]["facets"]["plumbline_step"]["cached"]]
    assert len(cached) == report["finished"]
