"""The study: the same campaign under each arm, strength and seed, several at a time, each a subflow in its own process.

Reads: a study's cells. Writes: `<home>/studies/<name>/cells/`, a file for each campaign that is over; the campaigns
themselves, as `plumbline run` would. A campaign whose file is there is not run again, and one that was killed goes on
where it stopped. Must not know: what is made of the figures.
"""

import os
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, NamedTuple

from prefect import flow
from prefect.context import serialize_context
from prefect.flow_engine import run_flow_in_subprocess
from prefect.settings import PREFECT_API_URL, PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

from flows import campaign as campaigns
from flows.lifeline import follow, lifeline
from flows.output import hush_at_the_end
from flows.prefect_setup import prefect_for, server_if_needed
from flows.progress import Progress
from flows.settings import Campaign
from flows.study_cell import Told, told
from flows.study_settings import Cell, Study
from warehouse.errors import PlumblineError
from warehouse.files import write_whole
from warehouse.hashing import content_hash
from warehouse.store import Store, home

Environment = dict[str, str | None]
Results = dict[str, Told]
"""By campaign."""
ONE_THREAD = {"OMP_NUM_THREADS": "1"}
"""What is read depends in its last digits on the number of threads, so it is the same however many run at a time."""
SHOWN = ("flag_rate", "hidden")


class Ran(NamedTuple):
    """`spent` says how long it took, where all of it was run in one go; else it is empty."""

    results: Results
    spent: str


def place(study: Study) -> Path:
    return home() / "studies" / study.name


def run(study: Study, cells: list[Cell], jobs: int, progress: Progress) -> Ran:
    """Every campaign of the study, `jobs` at a time; those that are over are found.

    Raises PlumblineError when the study runs already, or, once all others are over, for what stopped a campaign.
    """
    folder = place(study)
    wanted = {cell.settings.name: cell.settings for cell in cells}
    todo = {name: settings for name, settings in wanted.items() if not _file(folder, name).is_file()}
    progress.say(f"{study.name}: {len(wanted)} campaigns, {len(wanted) - len(todo)} of them over; into {folder}")
    began = time.monotonic()
    if todo:
        tag = f"plumbline-study-{content_hash(str(folder.resolve()))[:12]}"
        with lifeline(folder / "lock") as ends, server_if_needed() as server, prefect_for(tag, server):
            # The processes are begun from threads, which know nothing of the settings that hold here.
            there: Environment = {"PREFECT_API_URL": str(PREFECT_API_URL.value()), **ONE_THREAD, **ends}
            study_flow(study.name, todo, folder, jobs, there, server is not None, progress)
    minutes, whole = (time.monotonic() - began) / 60, len(todo) == len(wanted)
    spent = f"It took {minutes:.0f} min, {jobs} at a time on {os.cpu_count()} cores." if whole else ""
    return Ran({name: Told.model_validate_json(_file(folder, name).read_bytes()) for name in wanted}, spent)


@flow(name="study", flow_run_name="{study}", validate_parameters=False)
def study_flow(
    study: str,
    todo: Mapping[str, Campaign],
    folder: Path,
    jobs: int,
    environment: Environment,
    ours: bool,
    progress: Progress,
) -> None:
    """One campaign alone, which fits what the others share, then the rest, `jobs` at a time. `ours`: the server is the
    study's own."""
    context, running, failed = serialize_context(), dict[str, BaseProcess](), dict[str, str]()
    ended = threading.Event()

    def one(name: str) -> None:
        if ended.is_set():
            return
        settings = todo[name].model_dump(mode="json")
        parameters = {"campaign": name, "settings": settings, "folder": str(folder), "ours": ours}
        process = run_flow_in_subprocess(campaign_of_study, parameters=parameters, context=context, env=environment)
        running[name] = process
        process.join()
        if not _file(folder, name).is_file():
            failed[name] = _error(folder, name, process.exitcode)

    first, *rest = todo
    progress.to(f"study {study}: campaigns", 0, len(todo))
    with ThreadPoolExecutor(jobs) as pool:
        try:
            one(first)
            _tell(progress, study, folder, first, failed, 1, len(todo))
            futures = {pool.submit(one, name): name for name in rest}
            for count, future in enumerate(as_completed(futures), start=2):
                future.result()
                _tell(progress, study, folder, futures[future], failed, count, len(todo))
        except BaseException:
            ended.set()
            for process in running.values():
                process.terminate()
            raise
    if failed:
        name, why = next(iter(failed.items()))
        more = f" ({len(failed) - 1} more failed, see above)" if len(failed) > 1 else ""
        raise PlumblineError(f"{name}: {why}{more}")


@flow(name="study campaign", flow_run_name="{campaign}", validate_parameters=False)
def campaign_of_study(campaign: str, settings: dict[str, Any], folder: str, ours: bool) -> None:
    """A campaign to its end, and what it tells into its file. A start that the audit refuses is a result too."""
    follow()
    hush_at_the_end()
    given = Campaign.model_validate(settings)
    try:
        with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None} if ours else {}):
            found = told(given, campaigns.run(given, Progress(quiet=True)))
    except PlumblineError as error:
        if not _refused(campaign):
            write_whole(_error_file(Path(folder), campaign), str(error).encode())
            raise SystemExit(2) from error
        found = Told(campaign=campaign, stopped=str(error))
    write_whole(_file(Path(folder), campaign), found.model_dump_json().encode())


def _refused(campaign: str) -> bool:
    """Whether the audit refused the start."""
    file = home() / campaign / "generator" / "warehouse.duckdb"
    if not file.is_file():
        return False
    with Store.open(file, read_only=True) as store:
        return bool(store.query("SELECT 1 FROM gate_answers WHERE answer = 'refused'").num_rows)


def _tell(
    progress: Progress, study: str, folder: Path, name: str, failed: Mapping[str, str], done: int, of: int
) -> None:
    progress.to(f"study {study}: campaigns", done, of)
    progress.say(f"[{done}/{of}] {name}: {failed[name] if name in failed else _line(folder, name)}")


def _line(folder: Path, name: str) -> str:
    found = Told.model_validate_json(_file(folder, name).read_bytes())
    if found.stopped:
        return found.stopped
    first, last = found.rounds[0], found.rounds[-1]
    rang = "" if found.alarm is None else f", alarm in round {found.alarm}"
    flagged, hidden = (f"{_percent(getattr(first, name))} → {_percent(getattr(last, name))}" for name in SHOWN)
    return f"flagged {flagged}, hidden {hidden}{rang}"


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.0f} %"


def _file(folder: Path, name: str) -> Path:
    return folder / "cells" / f"{name}.json"


def _error_file(folder: Path, name: str) -> Path:
    return folder / "cells" / f"{name}.error"


def _error(folder: Path, name: str, code: int | None) -> str:
    file = _error_file(folder, name)
    if not file.is_file():
        return f"its process ended with {code}; type the command again, it goes on there"
    why = file.read_text(encoding="utf-8")
    file.unlink()
    return why
