"""A gate from its baselines on: stopped after any block and resumed, or run beside many others, it is the same."""

import numpy as np
import pytest

from monitors.audit import blocks, coins, propensities
from monitors.baseline import Baseline
from monitors.gate import (
    ALPHA,
    KAPPAS,
    Block,
    Design,
    State,
    design,
    designed,
    evidence,
    from_json,
    harder,
    open_round,
    read_block,
    started,
    to_json,
)

STRATA = 3


def test_the_design_follows_the_baselines() -> None:
    plan = campaign_design()
    assert plan.mixes == pytest.approx(np.array([[0.5, 0.25, 0.25], [0.25, 0.5, 0.25]]))
    assert plan.stakes[0, 0] == pytest.approx(np.array(KAPPAS) / (330 * plan.ceilings[0, 0]))
    assert plan.chances[0] == pytest.approx([9 / 280, 9 / 50])
    assert np.all(plan.stakes * plan.ceilings[..., None] < 1)


def campaign_design() -> Design:
    return design(
        [
            Baseline("unflagged", 1000, (15, 6), (500, 250, 250), 280.0, 50.0),
            Baseline("kept", 200, (2, 0), (50, 100, 50), 14.0, 3.0),
        ],
        (18.0, 2.0),
        0.18,
    )


def campaign(stop: bool, rounds: int = 3) -> list[str]:
    """A campaign as the product runs it: ids, keyed coins and blocks. With `stop`, only JSON survives each block."""
    plan, rng = campaign_design(), np.random.default_rng(4)
    state, told = started(plan), []
    for round in range(rounds):
        state = open_round(state, 0.18 - 0.04 * round)
        for pool, size in ((1, 17), (0, 330)):
            ids = [f"{round}-{pool}-{i}" for i in range(size)]
            stratum, fires = rng.integers(0, STRATA, size), rng.random(size) < 0.2
            bad = rng.random((2, size)) < 0.04
            for at in blocks(b"key", ids, int(plan.blocks[pool])):
                chosen = propensities(fires[at], plan.chances[pool], harder(state, pool))
                reviewed = coins(b"key", [ids[i] for i in at]) < chosen
                seen = Block(np.ones(len(at), np.bool_), stratum[at], chosen, bad[:, at] & reviewed)
                state = read_block(plan, state, pool, seen)
                told.append(to_json(state))
                if stop:
                    plan, state = from_json(Design, to_json(plan)), from_json(State, told[-1])
    return told


def test_a_campaign_resumed_after_every_block_is_the_same_to_the_byte() -> None:
    whole = campaign(stop=False)
    assert campaign(stop=True) == whole
    assert len(set(whole)) == 15


def test_many_campaigns_at_once_are_each_what_they_are_alone() -> None:
    """The simulator's gate is the product's: the same functions, whatever the leading shape."""
    rng, count, n = np.random.default_rng(0), 6, 80
    limits, mixes = rng.uniform(0.02, 0.08, (count, 2, 1)), rng.dirichlet([9.0] * STRATA, (count, 2))
    sizes, budgets, first = np.array([[280.0, 50.0], [14.0, 3.0]]), np.array([18.0, 2.0]), rng.uniform(0.1, 0.2, count)
    plan = designed(limits, mixes, sizes, budgets, first, ALPHA)
    alone = [designed(limits[i], mixes[i], sizes, budgets, first[i], ALPHA) for i in range(count)]
    state, states = started(plan), [started(one) for one in alone]
    for _ in range(5):
        flag_rate = rng.uniform(0.08, 0.2, count)
        state = open_round(state, flag_rate)
        states = [open_round(one, flag_rate[i]) for i, one in enumerate(states)]
        for pool in (1, 0, 0):
            block = Block(
                rng.random((count, n)) < 0.8,
                rng.integers(0, STRATA, (count, n)),
                propensities(rng.random((count, n)) < 0.2, plan.chances[pool], harder(state, pool)),
                rng.random((count, 1, n)) < 0.02,
            )
            block = block._replace(bad=block.bad & block.present[:, None, :])
            assert harder(state, pool) == pytest.approx([float(harder(one, pool)) for one in states])
            state = read_block(plan, state, pool, block)
            for i in range(count):
                inside = block.present[i]
                own = Block(
                    inside[inside], block.stratum[i, inside], block.propensity[i, inside], block.bad[i][:, inside]
                )
                states[i] = read_block(alone[i], states[i], pool, own)
    assert evidence(state) == pytest.approx([float(evidence(one)) for one in states], rel=1e-9)
    assert state.alarm.tolist() == [int(one.alarm) for one in states]
    assert len(set(np.round(evidence(state), 6))) == count


@pytest.mark.parametrize("text", ["{}", "[]", '{"round": 1}', "no JSON"])
def test_what_is_no_record_is_refused(text: str) -> None:
    with pytest.raises((ValueError, TypeError, AttributeError)):
        from_json(State, text)
