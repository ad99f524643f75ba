"""The audit, in a process of its own: monitors read, gold settles, the gate answers with one word.

Run as `python -m flows.audit CAMPAIGN_FOLDER`; a round's number comes in on a line, the answer goes out on one; with
`publish` before the number the round is only published again. Reads:
what was handed over. Writes: the held-out folder, the published data, the auditor's snapshot. Must not know: the
autoencoder, what the answer leads to. The other side learns the answer and the seal's hash, and nothing else.
"""

import contextlib
import json
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from prefect import flow
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

from flows.auditor import PUBLISH
from flows.handover import Circumstances, Handed, handed
from flows.heldout_alarm import write_page
from flows.heldout_publish import publish_round
from flows.heldout_snapshot import write_snapshot
from flows.prompts import Prompts
from flows.round import flag_rate
from flows.sealed import keyed, sealed, sealed_prompts
from models.endpoint import ChatEndpoint
from monitors.baseline import refused
from monitors.change import estimated_change
from monitors.gate import Design, State, design, from_json, renewed, to_json
from monitors.gold import Gold, OrganismGold, PersonGold
from monitors.gold_model import ModelGold
from monitors.kept import JOURNALS, chosen, monitors
from monitors.measured import qualities
from monitors.monitor import Monitor
from monitors.pools import Pair, examine, strata
from monitors.rounds import Watch, audit_round, last_state, take_baseline
from monitors.seal import broken, code, found, on_disk, seal, value
from monitors.store import keep_seal, open_heldout, seals
from warehouse.errors import PlumblineError
from warehouse.hashing import content_hash
from warehouse.store import Store

UNFLAGGED_SHARE = 0.9  # of the gold reviews; the rest goes to pairs kept after review


class Desk(NamedTuple):
    """What the audit works with, for one campaign."""

    folder: Path
    store: Store

    @property
    def heldout(self) -> Path:
        return self.folder / "heldout"


Audit = Callable[[Desk, Circumstances, Handed], str]


def answered(desk: Desk, number: int, audit: Audit | None = None) -> str:
    """The gate's answer on a round that was handed over: the one given before, or one found now by `audit`, a flow of
    its own unless told."""
    before = desk.store.query("SELECT answer FROM answers WHERE round = ?", number)["answer"].to_pylist()
    given = handed(desk.folder, number)
    return str(before[0]) if before else str((audit or audit_flow)(desk, given.about, given))


def publish_again(desk: Desk, number: int) -> str:
    """One more version after round `number`, with what persons have settled since; the answer stays what it was."""
    publish_round(desk.folder, desk.store, handed(desk.folder, number).about, "go", None)
    return "published"


@flow(name="audit", flow_run_name="{about.campaign} audit {about.round}", validate_parameters=False)
def audit_flow(desk: Desk, about: Circumstances, given: Handed) -> str:
    """Monitors read, gold settles, the gate answers, and what it lets through is published."""
    watch, watchers = _watch(desk, about), chosen(about.audit.monitors, about.audit.use)
    read_by = monitors(desk.heldout / f"monitors-{about.seal}", watchers, _tell)
    pairs = _kept(given)
    examined = examine(pairs, read_by, about.round, about.seal, _tell)
    desk.store.add("monitor_readings", examined.readings)
    began = desk.store.query("SELECT * FROM designs WHERE seal = ?", about.seal).to_pylist()
    if about.baseline:
        if about.mode == "update":
            _retire(desk, about.seal, {name: monitor.hash for name, monitor in read_by.items()})
        baselines = take_baseline(watch, about.round, examined.items, about.pairs / max(1, about.asked))
        budgets = [about.audit.reviews * UNFLAGGED_SHARE, about.audit.reviews * (1 - UNFLAGGED_SHARE)]
        set_up = design(baselines, budgets, flag_rate(given.done) or 0.0, about.audit.alpha)
        set_up = _never_easier(desk, about.seal, set_up)
        _seal(desk, about, read_by, watch, set_up)
        if given.labelled is not None:
            desk.store.add("monitor_quality", qualities(about.seal, read_by, given.labelled.to_pylist(), _tell))
        reason = refused(baselines[0], set_up.ceilings[0]) if about.mode == "update" else ""
        return _answer(desk, about, given, "refused" if reason else "go", None)
    if not began:
        raise PlumblineError(f"{desk.folder}: round {about.round} was handed over before a baseline; run it again")
    set_up = from_json(Design, began[0]["design"])
    _hold_to_seal(desk, about.seal)
    state = last_state(desk.store, about.seal, set_up, about.round)
    state = audit_round(watch, set_up, state, about.round, examined.items, flag_rate(given.done) or 0.0)
    since = None
    if state.alarm:
        since = int(began[0]["began"]) + estimated_change(*history(desk.store, about.seal))
    return _answer(desk, about, given, "alarm" if state.alarm else "go", since)


def _answer(desk: Desk, about: Circumstances, given: Handed, answer: str, since: int | None) -> str:
    """Publish what the gate let through, show the auditor, and only then write the answer down: a crash between asks
    for the same again."""
    publish_round(desk.folder, desk.store, given.about, answer, since)
    if answer == "alarm":
        assert since is not None
        write_page(desk.folder, desk.store, about, since)
    desk.store.add("answers", [{"round": about.round, "seal": about.seal, "answer": answer, "since": since}])
    write_snapshot(desk.folder, desk.store, about)
    return answer


def _watch(desk: Desk, about: Circumstances) -> Watch:
    """The coins' key follows from the seed: it guards against accident, not against whoever knows the seed."""
    key = bytes.fromhex(content_hash(["held out", about.seed, about.seal]))
    traits, gold = about.traits, about.audit.gold
    asked: Gold
    if gold == "organism":
        asked = OrganismGold(key, about.audit.sensitivity, about.audit.specificity, traits)
    elif about.gold is not None:
        model = ChatEndpoint.open(about.gold, "gold", desk.heldout / JOURNALS)
        asked = ModelGold(model, traits, lambda done, of: _tell("gold reviews", done, of))
    else:
        asked = PersonGold(desk.heldout, traits, lambda done, of: _tell("waiting for gold verdicts", done, of))
    return Watch(desk.store, about.seal, key, asked, traits, _tell)


def _kept(given: Handed) -> list[Pair]:
    kept = {row["pair_id"] for row in given.done.decisions.to_pylist() if row["decision"] == "kept"}
    flagged = set(given.done.verdicts["pair_id"].to_pylist())
    return [
        Pair(row["pair_id"], row["prompt"][-1]["content"], row["chosen"][-1]["content"], row["pair_id"] in flagged)
        for row in given.done.pairs.select(["pair_id", "prompt", "chosen"]).to_pylist()
        if row["pair_id"] in kept
    ]


def _never_easier(desk: Desk, number: int, now: Design) -> Design:
    """After an alarm the next design has half the α of the last, and no ceiling above it."""
    rows = desk.store.query("SELECT design FROM designs WHERE seal = ?", number - 1)["design"].to_pylist()
    return renewed(from_json(Design, rows[0]), now) if rows else now


def _seal(desk: Desk, about: Circumstances, read_by: dict[str, Monitor], watch: Watch, set_up: Design) -> None:
    """Before the first update: the monitors' code, weights, prompts and thresholds, gold, and the gate's design."""
    prompts = Prompts(about.prompts, about.seed)
    key = sealed(prompts, about.seed, about.sealed_prompts).key
    heldout = [
        {"prompt_id": content_hash(prompt)[:16], "purpose": "sealed", "prompt": prompt, "keyed": keyed(key, prompt)}
        for prompt in sealed_prompts(prompts, about.sealed_prompts)
    ]
    desk.store.add("heldout_prompts", heldout)
    row = {"seal": about.seal, "began": about.round, "bets": json.dumps(watch.bets), "design": to_json(set_up)}
    desk.store.add("designs", [row])
    kept = Path(f"monitors-{about.seal}")
    parts = [
        *code(),
        *(on_disk(f"monitor/{name}", kept / name, desk.heldout) for name in read_by),
        value("monitors", {name: monitor.hash for name, monitor in read_by.items()}),
        value("gold", watch.gold.hash),
        value("prompts", sorted(str(row["keyed"]) for row in heldout)),
        value("strata", strata()),
        value("design", json.loads(to_json(set_up))),
    ]
    keep_seal(desk.store, seal(parts), about.seal)


def _retire(desk: Desk, number: int, now: dict[str, str]) -> None:
    """A monitor in force when the gate rang is known by what followed: it may not watch amendments again."""
    for earlier, record in seals(desk.store).items():
        told = next((part.value for part in record.parts if part.name == "monitors"), "{}")
        again = [name for name, digest in now.items() if digest in json.loads(told).values()]
        if earlier < number and again:
            raise PlumblineError(
                f"monitor {again[0]!r} watched under seal {earlier}, which ended with an alarm; it is retired. Name "
                "another with `plumbline resume --monitors FILE --use NAME`, or resume in mode filter or regenerate"
            )


def _hold_to_seal(desk: Desk, number: int) -> None:
    record = seals(desk.store)[number]
    if said := broken(record, found(record, desk.heldout)):
        raise PlumblineError(
            f"{desk.heldout}: seal {number} is broken: {said[0]}"
            + (f", and {len(said) - 1} more" if said[1:] else "")
            + "; put it back, or begin another campaign"
        )


def history(store: Store, number: int) -> tuple[list[State], list[State]]:
    """The states each round of a seal opened and ended with."""
    rows = store.query(
        "SELECT round, read, state FROM gate_states WHERE seal = ? ORDER BY round, read", number
    ).to_pylist()
    opened = {row["round"]: from_json(State, row["state"]) for row in rows if not row["read"]}
    ended = {row["round"]: from_json(State, row["state"]) for row in rows}
    return list(opened.values()), list(ended.values())


def note_unblindings(desk: Desk) -> None:
    """Enter who opened the auditor's view while the campaign was not over; the files that say so stay."""
    for file in sorted((desk.folder / "auditor" / "unblinded").glob("*.json")):
        told = json.loads(file.read_text(encoding="utf-8"))
        opened = datetime.fromtimestamp(told["opened"] / 1e6, UTC).replace(tzinfo=None)
        desk.store.add("unblindings", [{**told, "opened": opened}])


def _tell(what: str, done: int, of: int) -> None:
    if not of or done in (1, of) or done % 50 == 0:
        _say({"step": f"{what} {done}/{of}" if of else what})


def _say(told: dict[str, object]) -> None:
    _OUT.write(json.dumps(told) + "\n")
    _OUT.flush()


_OUT = sys.stdout


@contextlib.contextmanager
def desk(folder: Path) -> Iterator[Desk]:
    with open_heldout(folder / "heldout") as store:
        yield Desk(folder, store)


def said(desk: Desk, number: int, find: Callable[[Desk, int], str] = answered) -> dict[str, object]:
    """What the other side is told of a round: the `answer` that `find` finds and `seals`, or `error` and nothing else.
    The whole story of an error goes to standard error, which is `heldout/audit.log`."""
    try:
        note_unblindings(desk)
        answer = find(desk, number)
        return {"answer": answer, "seals": {name: record.hash for name, record in seals(desk.store).items()}}
    except PlumblineError as error:
        return {"error": str(error)}
    except Exception as error:
        traceback.print_exc()
        log = desk.heldout / "audit.log"
        return {"error": f"the audit failed ({type(error).__name__}: {error}); the whole story is in {log}"}


def serve(folder: Path) -> None:
    """Answer until the other side closes its end."""
    # No heartbeats: each flow would wait a second for the end of its own, and this process ends with the campaign's.
    with desk(folder) as opened, temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
        for line in sys.stdin:
            *asked, number = line.split()
            _say(said(opened, int(number), publish_again if asked == [PUBLISH] else answered))


if __name__ == "__main__":
    # Whatever a library prints must not be taken for an answer.
    _OUT = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    serve(Path(sys.argv[1]))
