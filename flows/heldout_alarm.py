"""The page an alarm ends with: what moved, examples side by side, which amendment is to blame, how to go on.

Reads: the handed-over rounds, the held-out store. Writes: `<campaign>/auditor/alarm-<round>.html` and, for
`plumbline blame`, `alarm-<round>.json`. Must not know: how the gate came to ring.
"""

import json
from pathlib import Path
from typing import Any

import jinja2

from flows.handover import Circumstances, handed
from flows.round import flag_rate
from monitors.change import moved_traits
from monitors.gate import Design, State, evidence, from_json
from warehouse.files import write_whole
from warehouse.hashing import canonical
from warehouse.store import Store

EXAMPLES = 6
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 860, 300, 60, 840, 14, 262


def write_page(folder: Path, store: Store, about: Circumstances, since: int) -> None:
    """Both files of the alarm in the round that `about` tells of."""
    row = store.query("SELECT * FROM designs WHERE seal = ?", about.seal).to_pylist()[0]
    set_up, state = from_json(Design, row["design"]), _last(store, about.seal)
    chain = handed(folder, since).about.chain
    blamed, before = chain[-1], chain[-2] if len(chain) > 1 else chain[-1]
    facts: dict[str, Any] = {
        "campaign": about.campaign,
        "round": about.round,
        "since": since,
        "evidence": float(evidence(state)),
        "threshold": float(1 / set_up.alpha),
        "traits": moved_traits(set_up, state, json.loads(row["bets"])),
        "blamed": blamed.model_dump(mode="json") | {"hash": blamed.hash},
        "before": before.model_dump(mode="json") | {"hash": before.hash},
        "diff": before.diff(blamed).splitlines(),
    }
    place = folder / "auditor"
    place.mkdir(exist_ok=True)
    rounds = _figures(folder, store, about, int(row["began"]))
    told = {**facts, "examples": _examples(folder, store, about, since)}
    told["plot"] = _plot(rounds, since, float(set_up.ceilings[0, 0]))
    page = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=True).from_string(
        Path(__file__).with_name("alarm.html.jinja").read_text(encoding="utf-8")
    )
    write_whole(place / f"alarm-{about.round}.html", page.render(told).encode("utf-8", "replace"))
    write_whole(place / f"alarm-{about.round}.json", canonical(facts) + b"\n")


def _last(store: Store, seal: int) -> State:
    sql = "SELECT state FROM gate_states WHERE seal = ? ORDER BY round DESC, read DESC LIMIT 1"
    return from_json(State, store.query(sql, seal)["state"].to_pylist()[0])


def _figures(folder: Path, store: Store, about: Circumstances, began: int) -> list[tuple[int, float, float]]:
    """(round, flag rate, hidden rate of the unflagged) since this seal's baseline."""
    rows = store.query(
        "SELECT round, hidden_rate FROM v_audits WHERE seal = ? AND pool = 'unflagged' ORDER BY round", about.seal
    ).to_pylist()
    hidden = {row["round"]: row["hidden_rate"] for row in rows}
    found = []
    for number in range(began, about.round + 1):
        found.append((number, flag_rate(handed(folder, number).done) or 0.0, hidden.get(number) or 0.0))
    return found


def _examples(folder: Path, store: Store, about: Circumstances, since: int) -> list[dict[str, Any]]:
    """Confirmed bad pairs since the change, each beside a clean one from before whose prompt is of the same stratum."""
    sql = (
        "SELECT round, pair_id, stratum, verdict, traits FROM gold_verdicts JOIN coins USING (seal, round, pair_id) "
        "WHERE seal = ? AND pool = 'unflagged' AND turn = ? AND verdict = ? ORDER BY round DESC, pair_id"
    )
    bad = [r for r in store.query(sql, about.seal, 2, "unjustified").to_pylist() if r["round"] >= since]
    clean = [r for r in store.query(sql, about.seal, 1, "clean").to_pylist() if r["round"] < since]
    texts: dict[str, dict[str, Any]] = {}
    for number in {row["round"] for row in bad} | {row["round"] for row in clean}:
        for pair in handed(folder, number).done.pairs.select(["pair_id", "prompt", "chosen"]).to_pylist():
            said = {"request": pair["prompt"][-1]["content"], "response": pair["chosen"][-1]["content"]}
            texts[pair["pair_id"]] = {"round": number, **said}
    shown = []
    for row in bad[:EXAMPLES]:
        alike = next((one for one in clean if one["stratum"] == row["stratum"]), None)
        if alike:
            clean.remove(alike)
        beside = texts[alike["pair_id"]] if alike else None
        shown.append({**texts[row["pair_id"]], "traits": json.loads(row["traits"]), "before": beside})
    return shown


def _plot(rounds: list[tuple[int, float, float]], since: int, ceiling: float) -> dict[str, Any]:
    """Coordinates of the picture, in its own units."""
    top = max(0.1, 1.15 * max(max(flag, hidden) for _, flag, hidden in rounds), 1.15 * ceiling)
    first, last = rounds[0][0], rounds[-1][0]

    def x(number: float) -> float:
        return round(LEFT + (number - first) / max(1, last - first) * (RIGHT - LEFT), 1)

    def y(share: float) -> float:
        return round(BOTTOM - share / top * (BOTTOM - TOP), 1)

    ends = sorted((y(rounds[-1][1]), y(rounds[-1][2])))
    near = max(0.0, 16 - (ends[1] - ends[0]))
    flags_below = rounds[-1][1] < rounds[-1][2]
    return {
        **{"width": WIDTH, "height": HEIGHT, "left": LEFT, "right": RIGHT, "top": TOP, "bottom": BOTTOM},
        "since": max(LEFT, x(since - 0.5)),
        "ticks": [{"y": y(share), "label": f"{share:.0%}"} for share in (0, top / 3, 2 * top / 3)],
        "rounds": [{"x": x(number), "label": number or "start"} for number, *_ in rounds],
        "ceiling": y(ceiling),
        "flags": " ".join(f"{x(number)},{y(flag)}" for number, flag, _ in rounds),
        "hidden": " ".join(f"{x(number)},{y(hidden)}" for number, _, hidden in rounds),
        "flags_at": {"x": RIGHT - 62, "y": y(rounds[-1][1]) + (near / 2 + 14 if flags_below else -6 - near / 2)},
        "hidden_at": {"x": RIGHT - 205, "y": y(rounds[-1][2]) + (-6 - near / 2 if flags_below else near / 2 + 14)},
    }
