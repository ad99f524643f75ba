"""Power planning: what a budget of gold reviews would catch, and when, before anything is spent.

Reads: the budget, the rate of bad pairs and the suspected overlap of blind spots. Writes: nothing. Must not know: a
real campaign; it runs the simulator's world, in which everything else is as in the table.
"""

import numpy as np

from monitors.campaigns import Watch, watched
from monitors.simulator import CALM, ROUNDS, START, Progress, Row, after, delay, reviews, rung, within
from monitors.world import World
from warehouse.errors import PlumblineError

UNFLAGGED_SHARE = 0.9  # of the budget; the rest goes to pairs kept after review
HORIZONS = (1, 3, 5, 10)


def plan(
    budget: float = 20.0,
    rate: float = 0.15,
    overlap: float = 0.0,
    campaigns: int = 500,
    seed: int = 0,
    on_progress: Progress | None = None,
) -> list[Row]:
    """Rows without bars: the share of drifts caught within so many rounds, and the usual delay.

    `budget`: gold reviews a round; `rate`: the share of bad pairs, in the table's proportions over the strata;
    `overlap`: the chance ρ that what the detector cannot see, the monitor cannot see either.
    Raises PlumblineError for figures out of range, or where no baseline at that rate would be accepted.
    """
    highest = float(np.mean(START.rates) / max(START.rates))
    if not (budget > 0 and 0 < rate < highest and 0 <= overlap <= 1 and campaigns > 0):
        raise PlumblineError(
            f"cannot plan with budget {budget:g}, rate {rate:g}, overlap {overlap:g}, campaigns {campaigns}: take a "
            f"budget and campaigns above 0, a rate between 0 and {highest:g}, an overlap from 0 to 1"
        )
    start = START._replace(rates=tuple(one * rate / float(np.mean(START.rates)) for one in START.rates))
    watch = Watch(budgets=(UNFLAGGED_SHARE * budget, (1 - UNFLAGGED_SHARE) * budget))

    def creeping(round: int) -> World:
        return start._replace(invisible=1 - 0.9 ** max(0, round - CALM), overlap=overlap)

    drifts = {
        "80 % turn invisible": after(start, invisible=0.8, overlap=overlap),
        "50 % turn invisible": after(start, invisible=0.5, overlap=overlap),
        "10 % more each round": creeping,
    }
    tell = on_progress or (lambda *_: None)
    seeds = np.random.SeedSequence(seed).spawn(len(drifts) + 1)
    tell("no drift", 0.0)
    calm = watched(lambda _: start, ROUNDS, campaigns, np.random.default_rng(seeds[0]), watch)
    rows = [
        Row("share of starts refused as already bad", "", calm.refused, None),
        Row("no drift: false alarm within 30 rounds", "", rung(calm), None),
        Row("no drift: gold reviews a round", "", reviews(calm), None),
    ]
    for done, ((name, schedule), own) in enumerate(zip(drifts.items(), seeds[1:], strict=True), start=1):
        tell(name, done / (len(drifts) + 1))
        seen = watched(schedule, ROUNDS, campaigns, np.random.default_rng(own), watch)
        rows += [Row(f"{name}: caught within {most} rounds", "", within(most)(seen), None) for most in HORIZONS]
        rows.append(Row(f"{name}: median rounds until caught", "", delay(0.5)(seen), None))
    tell("done", 1.0)
    return rows
