"""Two popular estimates of what hides, kept as diagnostics and labelled optimistic. Neither may decide an alarm.

Reads: rounds of the synthetic world. Writes: nothing. Must not know: the gate.
"""

import numpy as np

from monitors.world import UNFLAGGED, World, draw, gold, pool


def chapman_bias(world: World, campaigns: int, rng: np.random.Generator) -> float:
    """Relative bias of Chapman's capture–recapture estimate of the bad pairs in a round.

    The detector and the monitor each catch some, and (n1 + 1)(n2 + 1) / (m + 1) − 1 is how many there are (Chapman
    1951), if they are independent. A shared blind spot makes it too low: Goel et al. 2502.04313.
    """
    drawn = draw(world, campaigns, rng)
    first, second = drawn.bad & drawn.flagged, drawn.bad & drawn.fires
    found = (first.sum(1) + 1) * (second.sum(1) + 1) / ((first & second).sum(1) + 1) - 1
    return float(found.mean() / drawn.bad.sum(1).mean() - 1)


def ppi_coverage(world: World, reviews: int, campaigns: int, rng: np.random.Generator) -> float:
    """How often PPI++'s 95 % interval for the unflagged pool's gold-bad rate holds it, from one round's gold reviews.

    Power-tuned prediction-powered mean with its normal interval (Angelopoulos, Duchi & Zrnic 2311.01453, section 6);
    `reviews` pairs drawn evenly, the monitor's readings as predictions. Without a positive the interval collapses.
    """
    drawn = draw(world, campaigns, rng)
    expected = pool(world, UNFLAGGED)
    held = 0
    for row in range(campaigns):
        members = rng.permutation(np.flatnonzero(~drawn.flagged[row]))
        labelled, rest = members[:reviews], members[reviews:]
        truth = gold(world, drawn.bad[row, labelled], rng).bad.astype(float)
        guess, other = drawn.fires[row, labelled].astype(float), drawn.fires[row, rest].astype(float)
        ratio = len(labelled) / len(rest)
        spread = np.var(np.concatenate([guess, other]))
        tuned = np.clip(np.mean((truth - truth.mean()) * (guess - guess.mean())) / ((1 + ratio) * spread), 0, 1)
        estimate = tuned * other.mean() + np.mean(truth - tuned * guess)
        width = np.sqrt(tuned**2 * np.var(other) / len(rest) + np.var(truth - tuned * guess) / len(labelled))
        held += abs(estimate - expected.mix @ expected.gold_bad) <= 1.96 * width
    return held / campaigns
