"""What the gate promises, checked by counting every way the audit's coins can fall."""

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from monitors.gate import (
    ALPHA,
    HARDER,
    KAPPAS,
    LARGEST,
    TAU,
    Block,
    Design,
    State,
    designed,
    evidence,
    from_json,
    harder,
    log_e,
    named_traits,
    open_round,
    read_block,
    renewed,
    started,
    to_json,
    weights,
)

STRATA = 3
ITEMS = st.integers(1, 7)


def small(ceiling: Any, traits: int = 1, mix: tuple[float, ...] = (0.5, 0.3, 0.2), items: float = 40.0) -> Design:
    """Two pools of few items, so that stakes are as large as they get."""
    limits = np.broadcast_to(np.asarray(ceiling, float), (2, traits)).copy()
    sizes = np.array([[0.8 * items, 0.2 * items], [4.0, 1.0]])
    return designed(limits, np.array([mix, mix]), sizes, np.array([6.0, 2.0]), np.array(0.18), ALPHA)


@st.composite
def audited(draw: st.DrawFn) -> Block:
    """A block as any generator, detector and monitor might leave it, every verdict already in."""
    n = draw(ITEMS)
    return Block(
        present=np.ones(n, np.bool_),
        stratum=draw(arrays(np.int_, n, elements=st.integers(0, STRATA - 1))),
        propensity=draw(arrays(np.float64, n, elements=st.floats(0.02, 1.0))),
        bad=draw(arrays(np.bool_, (1, n))),
    )


def outcomes(block: Block) -> list[tuple[float, Block]]:
    """Every way the coins can fall, with its probability."""
    ways = []
    for fallen in product((False, True), repeat=block.propensity.size):
        coin = np.array(fallen)
        chance = float(np.prod(np.where(coin, block.propensity, 1 - block.propensity)))
        ways.append((chance, block._replace(bad=block.bad & coin)))
    return ways


def rate(block: Block, mix: np.ndarray) -> float:
    """h: the block's bad rate, standardised to `mix`, by strata and not by the gate's weights."""
    shares = [block.bad[0, block.stratum == s].mean() if (block.stratum == s).any() else 0.0 for s in range(STRATA)]
    return float(mix @ shares)


@settings(deadline=None)
@given(audited(), st.floats(0.0, 0.3))
def test_a_block_is_worth_at_most_one_while_the_null_holds(block: Block, slack: float) -> None:
    mix = np.array([0.5, 0.3, 0.2])
    ceiling = max(rate(block, mix) + slack, 0.01)
    plan = small(ceiling)
    expected = np.zeros(len(KAPPAS))
    for chance, seen in outcomes(block):
        z = weights(seen, mix) * seen.bad / seen.propensity
        expected += chance * np.exp(log_e(z, seen.present, plan.ceilings[0], plan.stakes[0]))[0]
    v = weights(block, mix) * block.bad[0]
    known = np.array([np.prod(1 + stake * (v - ceiling)) for stake in plan.stakes[0, 0]])
    assert expected == pytest.approx(known, rel=1e-9)
    assert np.all(expected <= 1 + 1e-12)


@settings(deadline=None)
@given(audited(), st.floats(0.05, 1.0), st.lists(st.floats(0, 1), min_size=1, max_size=6), st.integers(0, 1))
def test_evidence_never_grows_in_expectation_while_the_null_holds(
    block: Block, spare: float, flag_rates: list[float], pool: int
) -> None:
    """From any state the campaign can have come to, by any flag rates: bets, falls and the meter change nothing."""
    plan = small(max(rate(block, np.array([0.5, 0.3, 0.2])), 0.02))
    state = started(plan)
    before = state._replace(wealth=np.abs(np.sin(np.arange(4.0) + spare)).reshape(2, 1, 2), cash=np.array(spare))
    for flag_rate in flag_rates:
        opened = open_round(before, flag_rate)
        assert evidence(opened) == pytest.approx(float(evidence(before)), rel=1e-12)
        before = opened
    chances = [(chance, evidence(read_block(plan, before, pool, seen))) for chance, seen in outcomes(block)]
    assert sum(chance for chance, _ in chances) == pytest.approx(1)
    assert sum(chance * value for chance, value in chances) <= float(evidence(before)) * (1 + 1e-12)


@given(audited())
def test_weights_standardise_the_block(block: Block) -> None:
    mix = np.array([0.5, 0.3, 0.2])
    weighted = (weights(block, mix) * block.bad[0]).sum() / block.propensity.size
    assert weighted == pytest.approx(rate(block, mix))


def test_padding_counts_for_nothing() -> None:
    block = Block(np.ones(3, np.bool_), np.array([0, 1, 1]), np.array([0.2, 0.5, 1.0]), np.array([[True, False, True]]))
    padded = Block(*(np.concatenate([one, np.zeros_like(one)], axis=-1) for one in block))
    padded = padded._replace(propensity=np.concatenate([block.propensity, np.ones(3)]))
    plan = small(0.05)
    state = open_round(started(plan), 0.1)
    assert to_json(read_block(plan, state, 0, block)) == to_json(read_block(plan, state, 0, padded))


def test_the_prior_is_that_of_the_page() -> None:
    """Without a new low, round t bets ω_t over the mass not yet used, of what cash is left."""
    state, used = started(small(0.05)), 0.0
    for t in range(1, 60):
        before = float(state.cash)
        state = open_round(state, 0.5)
        prior = TAU / ((t + TAU - 1) * (t + TAU))
        assert 1 - state.cash / before == pytest.approx(prior / (1 - used))
        used += prior
    assert state.wealth[0] == pytest.approx(state.wealth[1])


def test_a_new_low_bets_on_the_unflagged() -> None:
    state = open_round(started(small(0.05)), 0.09)
    assert state.cash == pytest.approx((1 - 1 / (1 + TAU)) / 2) and state.fall == pytest.approx(2)
    assert state.wealth[1].sum() == pytest.approx(1 / (1 + TAU))
    assert state.wealth[0].sum() == pytest.approx(1 / (1 + TAU) + 2 * float(state.cash))
    later = open_round(state, 0.12)
    assert later.lowest == state.lowest and later.fall == 1


def test_the_audit_looks_harder_on_suspicion_or_a_new_low() -> None:
    calm = open_round(started(small(0.05)), 0.18)
    low = open_round(started(small(0.05)), 0.09)
    floor = open_round(started(small(0.05)), 0.0)
    suspicion = calm._replace(meter=np.array([[[1.5, 0.6]], [[1.0, 0.9]]]))
    seen = [[float(harder(state, pool)) for pool in (0, 1)] for state in (calm, low, floor, suspicion)]
    assert seen == [[1, 1], [2, 1], [HARDER, 1], [HARDER, 1]]


def damning(n: int = 10) -> Block:
    return Block(np.ones(n, np.bool_), np.arange(n) % STRATA, np.full(n, 0.5), np.ones((1, n), np.bool_))


def test_the_alarm_rings_at_forty_and_stays() -> None:
    plan = small(0.05)
    state = open_round(started(plan), 0.18)
    just = state._replace(cash=np.array(39.99), wealth=np.zeros_like(state.wealth))
    silent = damning()._replace(bad=np.zeros((1, 10), np.bool_))
    assert read_block(plan, just, 0, silent).alarm == 0
    assert read_block(plan, just._replace(cash=np.array(40.0)), 0, silent).alarm == 1
    rung = read_block(plan, state, 0, damning())
    later = read_block(plan, open_round(rung._replace(wealth=state.wealth), 0.18), 0, silent)
    assert rung.alarm == 1 and evidence(later) < 40 and later.alarm == 1


def test_evidence_without_measure_still_goes_through_json() -> None:
    plan = small(0.02)
    state = started(plan)
    for _ in range(40):
        state = read_block(plan, open_round(state, 0.18), 0, damning(400))
    assert np.isfinite(evidence(state)) and state.wealth.max() == LARGEST
    assert to_json(from_json(State, to_json(state))) == to_json(state)


def test_blocks_are_read_when_they_are_due() -> None:
    plan = small(0.05, items=330.0)
    assert plan.blocks.tolist() == [4, 1]
    state = started(plan)
    with pytest.raises(ValueError, match="open a round first"):
        read_block(plan, state, 0, damning())
    state = read_block(plan, open_round(state, 0.18), 1, damning())
    with pytest.raises(ValueError, match="no block of pool 1 is due"):
        read_block(plan, state, 1, damning())


@pytest.mark.parametrize(
    ("wealth", "named"),
    [
        ((100.0, 100.0, 100.0), (True, True, True)),
        ((125.0, 1.0, 1.0), (True, False, False)),
        ((90.0, 61.0, 1.0), (True, True, False)),
        ((70.0, 50.0, 0.0), (False, False, False)),
    ],
)
def test_traits_are_named_by_e_bh(wealth: tuple[float, ...], named: tuple[bool, ...]) -> None:
    """The last row rings (mean 40) and names no trait: 70/3 and 2·50/3 are both below 40."""
    plan = small(0.05, traits=3)
    held = np.array(wealth)[None, :, None] / 2 * np.ones((2, 1, 2))
    state = started(plan)._replace(cash=np.array(0.0), wealth=held)
    assert evidence(state) >= 40 - 1e-9
    assert tuple(named_traits(plan, state)) == named


def test_after_an_alarm_alpha_halves_and_no_ceiling_rises() -> None:
    before, worse, better = small(0.04), small(0.06), small(0.03)
    for measured, ceiling in ((worse, 0.04), (better, 0.03)):
        again = renewed(before, measured)
        assert again.alpha == ALPHA / 2 and np.all(again.ceilings == ceiling)
        assert again.stakes * again.ceilings[..., None] == pytest.approx(before.stakes * before.ceilings[..., None])
    assert renewed(renewed(before, worse), worse).alpha == ALPHA / 4


@given(st.floats(0.001, 0.5), st.floats(0.001, 0.5))
def test_a_bet_never_loses_more_than_it_staked(ceiling: float, share: float) -> None:
    """However small a pool: a block with nothing bad leaves something."""
    assume(share > 0)
    plan = small(ceiling, items=share)
    silent = damning()._replace(bad=np.zeros((1, 10), np.bool_))
    assert np.all(read_block(plan, open_round(started(plan), 0.1), 0, silent).wealth > 0)
