"""One round through the held-out side: its baseline before the first amendment, later the gate, block by block.

Reads: a round's items, gold's verdicts, the state the last round ended in. Writes: the held-out store, and nothing else
anywhere; to do a round again after a crash writes the same rows. Must not know: the detector, the constitution, what an
alarm leads to.
"""

import json
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from monitors.audit import blocks, coins, propensities
from monitors.baseline import Baseline
from monitors.gate import Block, Design, State, evidence, from_json, harder, open_round, read_block, started, to_json
from monitors.gold import Case, Gold, Settled, settle
from monitors.pools import POOLS, Item, Pool, Tell, strata
from warehouse.store import Store

ANY = "any bad motive"


class Watch(NamedTuple):
    """Who watches a campaign, and with what: `key` turns the coins, `traits` are gold's. The gate bets on each of them
    and on any: one that grows alone shows soonest in its own rate, several that grow a little in their sum."""

    store: Store
    seal: int
    key: bytes
    gold: Gold
    traits: tuple[str, ...]
    tell: Tell | None = None

    @property
    def bets(self) -> tuple[str, ...]:
        """What the gate has a rate for, in its order."""
        return (ANY, *self.traits)


def bad(settled: Settled | None, bet: str) -> bool:
    """Whether gold's last word counts against that rate; a pair that was not reviewed never does."""
    return settled is not None and (bool(settled.traits) if bet == ANY else bet in settled.traits)


def take_baseline(watch: Watch, number: int, items: dict[Pool, list[Item]], round_share: float) -> list[Baseline]:
    """Gold reviews every item of the round. `round_share`: a later round's pairs, in rounds of this size."""
    found = []
    for pool in POOLS:
        mine = items[pool]
        sure = np.ones(len(mine))
        settled = _reviewed(watch, number, pool, 0, mine, sure, np.zeros(len(mine)))
        fired = sum(item.fires for item in mine)
        by_stratum = np.bincount([item.stratum for item in mine], minlength=len(strata()))
        counts = tuple(sum(bad(one, bet) for one in settled) for bet in watch.bets)
        quiet, by = len(mine) - fired, tuple(by_stratum.tolist())
        found.append(Baseline(pool, len(mine), counts, by, quiet * round_share, fired * round_share))
    watch.store.add(
        "baselines",
        [
            {**one._asdict(), "seal": watch.seal, "bad": json.dumps(one.bad), "strata": json.dumps(one.strata)}
            for one in found
        ],
    )
    return found


def audit_round(
    watch: Watch, design: Design, state: State, number: int, items: dict[Pool, list[Item]], flag_rate: float
) -> State:
    """Open the round, toss the coins block by block, have gold look, and read each block: the state after it.

    Once the gate has rung, what is left of the round is not looked at: it will not be published.
    """
    state = open_round(state, flag_rate)
    _keep(watch, number, state, "", None)
    for pool in reversed(POOLS):  # the few that were flagged first: what they show makes the audit of the others harder
        place, mine = POOLS.index(pool), {item.pair.pair_id: item for item in items[pool]}
        for block, places in enumerate(blocks(watch.key, list(mine), int(design.blocks[place]))):
            some = [list(mine.values())[at] for at in places]
            if not some:
                continue
            fires = np.array([item.fires for item in some])
            chance = propensities(fires, design.chances[place], harder(state, place))
            tossed = coins(watch.key, [item.pair.pair_id for item in some])
            settled = {one.pair_id: one for one in _reviewed(watch, number, pool, block, some, chance, tossed)}
            found = np.array([[bad(settled.get(item.pair.pair_id), bet) for item in some] for bet in watch.bets])
            stratum = np.array([item.stratum for item in some])
            state = read_block(design, state, place, Block(np.ones(len(some), np.bool_), stratum, chance, found))
            _keep(watch, number, state, pool, block)
            if state.alarm:
                return state
    return state


def last_state(store: Store, seal: int, design: Design, before: int) -> State:
    """Where the evidence stood when round `before` − 1 ended, or before the first round of this seal."""
    sql = "SELECT state FROM gate_states WHERE seal = ? AND round < ? ORDER BY round DESC, read DESC LIMIT 1"
    rows = store.query(sql, seal, before)["state"].to_pylist()
    return from_json(State, rows[0]) if rows else started(design)


def _reviewed(
    watch: Watch,
    number: int,
    pool: Pool,
    block: int,
    items: Sequence[Item],
    chance: "np.ndarray[tuple[int], np.dtype[np.float64]]",
    tossed: "np.ndarray[tuple[int], np.dtype[np.float64]]",
) -> list[Settled]:
    """Gold on those whose coin says so. The coins are written down first, so that a crash cannot toss them again."""
    chosen = [item for item, one, pi in zip(items, tossed, chance, strict=True) if one < pi]
    watch.store.add(
        "coins",
        [
            {
                "seal": watch.seal,
                "round": number,
                "pair_id": item.pair.pair_id,
                "pool": pool,
                "block": block,
                "stratum": item.stratum,
                "fired": item.fires,
                "propensity": float(pi),
                "coin": float(one),
                "reviewed": bool(one < pi),
                "duplicates": json.dumps(item.duplicates),
            }
            for item, one, pi in zip(items, tossed, chance, strict=True)
        ],
    )
    if watch.tell:
        watch.tell(f"gold reviews, {pool}", block, 0)
    cases = [Case(item.pair.pair_id, item.pair.request, item.pair.response) for item in chosen]
    settled = settle(watch.gold, cases)
    watch.store.add(
        "gold_verdicts",
        [
            {
                **said._asdict(),
                "traits": json.dumps(said.traits),
                "seal": watch.seal,
                "pair_id": one.pair_id,
                "turn": turn,
                "round": number,
            }
            for one in settled
            for turn, said in enumerate(one.reviews, start=1)
        ],
    )
    alike = {item.pair.pair_id: item.duplicates for item in chosen}
    watch.store.add(
        "withheld",
        [
            {"pair_id": pair, "round": number, "seal": watch.seal, "why": "bad" if one.traits else "unsure"}
            for one in settled
            if one.traits or one.held
            for pair in (one.pair_id, *alike[one.pair_id])
        ],
    )
    return settled


def _keep(watch: Watch, number: int, state: State, pool: str, block: int | None) -> None:
    row = {"seal": watch.seal, "round": number, "read": int(state.read.sum()), "pool": pool, "block": block}
    told = {"evidence": float(evidence(state)), "alarm": bool(state.alarm > 0), "state": to_json(state)}
    watch.store.add("gate_states", [row | told])
