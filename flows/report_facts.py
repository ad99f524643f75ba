"""What a report says of a campaign: asked, made, moved, evidence, thrown out, alarm.

Reads: the author's snapshot and, where it may be shown, the auditor's. Writes: who looked, while a campaign is not
over. Must not know: the live warehouse, the held-out store, how anything is drawn.
"""

import json
from collections import Counter
from typing import Any, NamedTuple

from flows.records import warehouse_of
from flows.summary import RoundSummary
from flows.views import audited, blamed
from warehouse.snapshot import Snapshot, about_snapshot, open_snapshot
from warehouse.store import Store

EXAMPLES, LONGEST = 4, 700
"""How many pairs of a kind are shown, and how many characters of a text."""
THROWN_OUT = ("dropped", "held", "abstained", "quarantined")

Row = dict[str, Any]


class Told(NamedTuple):
    """A campaign as its snapshots tell it. `about` is the author's snapshot's own; `audit` the auditor's, None where
    nothing watched or it may not be shown yet: then `watched` tells which."""

    about: Row
    settings: Row
    models: list[Row]
    rounds: list[RoundSummary]
    decisions: list[Row]
    first: Row | None
    last: Row | None
    principles: list[Row]
    amendments: list[Row]
    attributions: list[Row]
    datasets: list[Row]
    head: str
    answers: list[Row]
    modes: list[Row]
    watched: bool
    audit: Snapshot | None
    unread: str
    reasons: list[Row]
    traits: list[tuple[str, int]]
    examples: list[Row]
    hidden: list[Row]
    blame: Row | None
    cautions: list[str]


def told(campaign: str, who: str, reason: str) -> Told:
    """Everything about the campaign. While it is not over, the auditor's figures are left out unless `who` is named,
    who is recorded as having seen them.

    Raises PlumblineError where there is no such campaign or no snapshot of it yet.
    """
    folder = warehouse_of(campaign).parent.parent
    with open_snapshot(folder / "author") as store:
        about = about_snapshot(folder / "author")
        seen = (folder / "auditor" / "current.json").is_file()
        audit = audited(campaign, who, reason) if seen and (about.get("over") or who.strip()) else None
        rounds = [
            RoundSummary.model_validate_json(row["summary"])
            for row in _rows(store, "SELECT summary FROM rounds WHERE campaign = ? ORDER BY round", campaign)
        ]
        chosen = _rows(store, "SELECT * FROM amendments WHERE campaign = ? AND chosen ORDER BY round", campaign)
        first, last = _ends(store, rounds, chosen)
        answers = _rows(store, "SELECT round, answer FROM gate_answers WHERE campaign = ? ORDER BY round", campaign)
        return Told(
            about=about,
            settings=json.loads(_rows(store, "SELECT config FROM campaigns WHERE campaign = ?", campaign)[0]["config"]),
            models=_rows(store, "SELECT kind, name, hash FROM artifacts ORDER BY kind, name"),
            rounds=rounds,
            decisions=_rows(
                store, "SELECT decision, count(*) AS pairs FROM decisions GROUP BY decision ORDER BY pairs DESC"
            ),
            first=first,
            last=last,
            principles=_principles(first, last),
            amendments=chosen,
            attributions=_rows(
                store,
                "SELECT * FROM attributions WHERE campaign = ? AND round = (SELECT max(round) FROM attributions)"
                " ORDER BY delta DESC",
                campaign,
            ),
            datasets=_rows(
                store,
                "SELECT datasets.*, alarm FROM datasets LEFT JOIN quarantined_datasets USING (version, campaign) "
                "WHERE campaign = ? ORDER BY round",
                campaign,
            ),
            head=_head(store, campaign),
            answers=answers,
            modes=_rows(store, "SELECT * FROM modes WHERE campaign = ? ORDER BY number", campaign),
            watched=seen or bool(answers),
            audit=audit,
            unread="" if about.get("over") else "The campaign is not over",
            reasons=_reasons(store),
            traits=_traits(store),
            examples=_examples(store),
            hidden=_hidden(store, audit),
            blame=blamed(campaign) if any(row["answer"] == "alarm" for row in answers) else None,
            cautions=_cautions(store),
        )


def _ends(store: Store, rounds: list[RoundSummary], chosen: list[Row]) -> tuple[Row | None, Row | None]:
    """The constitution of the first round, and the one in force after the last; none where pairs were curated."""
    if not rounds:
        return None, None
    last = rounds[-1].constitution
    if chosen and chosen[-1]["round"] == rounds[-1].round:
        last = chosen[-1]["constitution"]
    return _constitution(store, rounds[0].constitution), _constitution(store, last)


def _constitution(store: Store, digest: str) -> Row:
    row = _rows(store, "SELECT * FROM constitutions WHERE hash = ?", digest)[0]
    return {**row, "principles": json.loads(row["principles"])}


def _principles(first: Row | None, last: Row | None) -> list[Row]:
    """Each principle of either with what became of it: kept, reworded, dropped or added."""
    if not first or not last:
        return []
    before = {one["id"]: one["text"] for one in first["principles"]}
    after = {one["id"]: one["text"] for one in last["principles"]}

    def fate(name: str) -> str:
        if name not in after:
            return "dropped"
        if name not in before:
            return "added"
        return "kept" if before[name] == after[name] else "reworded"

    names = [*before, *(name for name in after if name not in before)]
    return [{"id": n, "fate": fate(n), "before": before.get(n), "after": after.get(n)} for n in names]


def _head(store: Store, campaign: str) -> str:
    """The one link that no other link follows."""
    rows = _rows(
        store, "SELECT link FROM chain WHERE campaign = ? AND link NOT IN (SELECT parent FROM chain)", campaign
    )
    return str(rows[0]["link"]) if rows else ""


def _reasons(store: Store) -> list[Row]:
    """Why pairs were thrown out; figures in a reason do not make it another one."""
    counted = Counter[tuple[str, str]]()
    sql = (
        "SELECT decision, regexp_replace(reason, '[0-9][0-9.]*', '…', 'g') AS why, count(*) AS pairs FROM decisions "
        "WHERE list_contains(?, decision) AND decision <> 'quarantined' GROUP BY ALL "
        "UNION ALL SELECT 'quarantined', expectation, count(*) FROM quarantine GROUP BY ALL"
    )
    for row in _rows(store, sql, list(THROWN_OUT)):
        counted[row["decision"], row["why"]] += row["pairs"]
    return [{"decision": key[0], "why": _cut(key[1], 160), "pairs": pairs} for key, pairs in counted.most_common(14)]


def _traits(store: Store) -> list[tuple[str, int]]:
    """Traits named in the verdicts of what was dropped; a pair may have several."""
    sql = "SELECT traits FROM verdicts JOIN decisions USING (pair_id) WHERE decision = 'dropped'"
    counted = Counter(trait for row in _rows(store, sql) for trait in json.loads(row["traits"]))
    return counted.most_common(12)


def _examples(store: Store) -> list[Row]:
    """Dropped pairs, one of each reason before a second of any; of a reason the strongest reading first."""
    sql = (
        "SELECT pair_id, round, prompt, chosen, verdict_of.reason AS reason, traits FROM ("
        "  SELECT pair_id, reason, traits, row_number() OVER (PARTITION BY reason ORDER BY max_reading DESC, pair_id)"
        "  AS place, count(*) OVER (PARTITION BY reason) AS pairs FROM verdicts JOIN decisions USING (pair_id, reason)"
        "  JOIN (SELECT pair_id, max(reading) AS max_reading FROM readings WHERE side = 'chosen' GROUP BY pair_id)"
        "  USING (pair_id) WHERE decision = 'dropped') AS verdict_of "
        "JOIN pairs USING (pair_id) ORDER BY place, verdict_of.pairs DESC, pair_id LIMIT ?"
    )
    return [_shown(row) | {"reason": _cut(row["reason"], 160)} for row in _rows(store, sql, EXAMPLES)]


def _hidden(store: Store, audit: Snapshot | None) -> list[Row]:
    """Unflagged pairs that gold called bad, the latest rounds' first."""
    if audit is None or "pair_id" not in audit.tables["examples"].column_names:
        return []
    rows = sorted(audit.tables["examples"].to_pylist(), key=lambda row: (-row["round"], row["pair_id"]))
    some = [row for row in rows if row["pool"] == "unflagged"][:EXAMPLES]
    ids = [row["pair_id"] for row in some]
    texts = {
        row["pair_id"]: row
        for row in _rows(store, "SELECT pair_id, prompt, chosen FROM pairs WHERE list_contains(?, pair_id)", ids)
    }
    return [_shown({**texts[row["pair_id"]], **row}) for row in some if row["pair_id"] in texts]


def _shown(row: Row) -> Row:
    request, response = (row[side][-1]["content"] if row[side] else "" for side in ("prompt", "chosen"))
    traits = json.loads(row["traits"])
    return {**row, "request": _cut(request), "response": _cut(response), "traits": traits}


def _cut(text: str, longest: int = LONGEST) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _cautions(store: Store) -> list[str]:
    """The profile's traits that do not flag, or only because a person forced it."""
    said = []
    for row in _rows(store, "SELECT meta FROM artifacts WHERE kind = 'profile'"):
        for name, trait in json.loads(row["meta"]).get("traits", {}).items():
            if isinstance(trait, dict) and trait.get("why_not"):
                how = "flags because a person forced it, although" if trait.get("flags") else "does not flag"
                said.append(f"{name} {how}: {trait['why_not']}")
    return said


def _rows(store: Store, sql: str, *params: Any) -> list[Row]:
    return store.query(sql, *params).to_pylist()
