"""How far the hidden rate of each round can be from what was measured: bounds for the rounds of a seal.

Two sequences for each pool. `low` and `high` are of one round: they begin anew with it, and hold however early the gate
stopped reading it, with chance 1 − α for each round taken alone. `so_far…` is one sequence over all rounds since the
baseline, about the share among all they held: it holds for all rounds together, and narrows. In the baseline every item
was reviewed, so there is nothing to bound.
Reads: coins, gold verdicts, designs and states of the held-out store. Writes: nothing. Must not know: who looks.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from monitors.confidence import ALPHA, Floats, sequence
from monitors.gate import HARDER, Design, State, from_json
from monitors.pools import POOLS
from warehouse.store import Store

ITEMS = """
SELECT c.round, c.propensity, (count(g.turn) = 2 AND bool_and(g.verdict = 'unjustified')) AS bad
FROM coins c LEFT JOIN gold_verdicts g USING (seal, pair_id)
WHERE c.seal = ? AND c.pool = ?
GROUP BY c.round, c.block, c.pair_id, c.propensity ORDER BY c.round, c.block, c.pair_id
"""
OPENED = "SELECT round, state FROM gate_states WHERE seal = ? AND read = 0"


class Known(NamedTuple):
    """What can be said of one round and pool; None where there is nothing to say."""

    low: float | None
    high: float | None
    so_far: float | None = None
    so_far_low: float | None = None
    so_far_high: float | None = None


NOTHING = Known(None, None)


def bounds(store: Store, alpha: float = ALPHA) -> dict[tuple[int, int, str], Known]:
    """By seal, round and pool; a pool without items in a round has no entry."""
    found: dict[tuple[int, int, str], Known] = {}
    for row in store.query("SELECT seal, began, design FROM designs ORDER BY seal").to_pylist():
        set_up = from_json(Design, row["design"])
        falls = {
            told["round"]: float(from_json(State, told["state"]).fall)
            for told in store.query(OPENED, row["seal"]).to_pylist()
        }
        for place, pool in enumerate(POOLS):
            least = float(set_up.chances[place].min())
            items = store.query(ITEMS, row["seal"], pool).to_pandas()
            whole, later = items[items["round"] == row["began"]], items[items["round"] > row["began"]]
            if len(whole):
                rate = float(whole["bad"].mean())
                found[row["seal"], row["began"], pool] = Known(rate, rate)
            if len(later):
                mine = later["round"].to_numpy(), later["bad"].to_numpy(float), later["propensity"].to_numpy(float)
                told = _rounds(*mine, least, falls if place == 0 else {}, alpha)
                found |= {(row["seal"], number, pool): known for number, known in told.items()}
    return found


def _rounds(
    rounds: Any, bad: Floats, chance: Floats, least: float, falls: Mapping[int, float], alpha: float
) -> dict[int, Known]:
    """Both sequences at the end of each round. `falls`: how many times harder than `least` a round looks at least,
    known when it opens: the gate looks at the unflagged by as much harder as the flag rate has just fallen."""
    numbers, starts = np.unique(rounds, return_index=True)
    ends = np.append(starts[1:], len(rounds))
    running = sequence(bad, chance, least, ends, alpha)
    found = {}
    for number, start, end, so_far in zip(numbers.tolist(), starts, ends, running, strict=True):
        floor = min(1.0, least * min(falls.get(number, 1.0), HARDER))
        own = sequence(bad[start:end], chance[start:end], floor, np.array([end - start]), alpha)[0]
        found[number] = Known(own.low, own.high, so_far.rate, so_far.low, so_far.high)
    return found
