"""A campaign's stretches: from the start, and from wherever a person resumed it after an alarm.

Reads: the warehouse's `modes` and `gate_answers`. Writes: a row there when an alarm moves a campaign down, or a person
moves it on. Must not know: why the gate rang.
"""

import json
from typing import Any, NamedTuple

from constitutions.document import Constitution, Principle
from flows.author_snapshot import show_author
from flows.records import warehouse_of
from flows.settings import Audit, Campaign, Mode
from warehouse.errors import PlumblineError
from warehouse.hashing import short
from warehouse.people import may_steer
from warehouse.store import Store


class Stretch(NamedTuple):
    """Rounds under one seal: the first of them, `began`, is its baseline, after which nothing is amended.
    `constitution` is the one a person chose to go on from, None for the campaign's own start."""

    seal: int
    began: int
    mode: Mode
    constitution: Constitution | None
    audit: Audit


def stretches(store: Store, settings: Campaign) -> list[Stretch]:
    """The campaign's stretches in order; round 0 begins the first where the campaign is audited."""
    found = [Stretch(1, 0 if settings.audit.gold != "off" else 1, settings.mode, None, settings.audit)]
    resumed = {row["round"]: row for row in _rows(store, settings.name) if row["constitution"]}
    for row in resumed.values():  # of two words on the same round the later one counts
        audit = settings.audit.model_copy(update={"monitors": row["monitors"], "use": tuple(json.loads(row["use"]))})
        start = constitution_of(store, row["constitution"])
        found.append(Stretch(len(found) + 1, row["round"], row["mode"], start, audit))
    return found


def move_down(store: Store, campaign: str, number: int) -> None:
    """Enter that the gate moved the campaign down after round `number`; to enter it again changes nothing."""
    rows = _rows(store, campaign)
    if not any(row["round"] == number + 1 and row["who"] == "the gate" for row in rows):
        row = {"campaign": campaign, "number": len(rows) + 1, "round": number + 1, "mode": "filter"}
        store.add("modes", [row | {"who": "the gate", "reason": f"alarm in round {number}"}])


def resume(campaign: str, mode: Mode, who: str, reason: str, monitors: str, use: tuple[str, ...]) -> Stretch:
    """A person's word that a halted campaign goes on, in `mode`, from the constitution before the one to blame.

    Raises PlumblineError when the campaign does not stand still, when `who` is missing, or when they have seen held-out
    figures of it while it ran and the mode is `update`.
    """
    path = warehouse_of(campaign)
    if not who.strip():
        raise PlumblineError("--who: say who resumes it; the record keeps the name")
    if mode == "update":
        may_steer(path.parent.parent, who)
    with Store.open(path, allowed=path.parent) as store:
        answers = store.query("SELECT * FROM gate_answers WHERE campaign = ? ORDER BY round", campaign).to_pylist()
        rows = _rows(store, campaign)
        last = answers[-1] if answers else None
        if not last or last["answer"] == "go":
            raise PlumblineError(f"{campaign} does not stand still; resume is for a campaign that the gate has halted")
        blame = path.parent.parent / "auditor" / f"alarm-{last['round']}.json"
        if last["answer"] == "alarm":
            chosen = json.loads(blame.read_text(encoding="utf-8"))["before"]["hash"]
        else:
            sql = "SELECT constitution FROM pairs WHERE campaign = ? AND round = ? LIMIT 1"
            chosen = store.query(sql, campaign, last["round"])["constitution"].to_pylist()[0]
        config = Campaign.model_validate_json(
            store.query("SELECT config FROM campaigns WHERE campaign = ?", campaign)["config"].to_pylist()[0]
        )
        before = stretches(store, config)[-1]
        row: dict[str, Any] = {"campaign": campaign, "number": len(rows) + 1, "round": last["round"] + 1, "mode": mode}
        row |= {"who": who, "reason": reason, "constitution": chosen}
        row |= {"monitors": monitors or before.audit.monitors, "use": json.dumps(use or before.audit.use)}
        store.add("modes", [row])
        show_author(store, path.parent.parent, over=False)
        return stretches(store, config)[-1]


def _rows(store: Store, campaign: str) -> list[dict[str, Any]]:
    return store.query("SELECT * FROM modes WHERE campaign = ? ORDER BY number", campaign).to_pylist()


def constitution_of(store: Store, digest: str) -> Constitution:
    """The version with this hash. Raises PlumblineError when the warehouse has none."""
    rows = store.query("SELECT * FROM constitutions WHERE hash = ?", digest).to_pylist()
    if not rows:
        raise PlumblineError(f"{store.path}: no constitution {short(digest)} in it; go back to a copy of the record")
    principles = tuple(Principle.model_validate(one) for one in json.loads(rows[0]["principles"]))
    told = {name: rows[0][name] for name in ("name", "version", "parent", "amendment")}
    return Constitution.model_validate({**told, "principles": principles})
