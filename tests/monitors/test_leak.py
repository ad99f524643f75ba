"""The leak bound: never above a known truth, close to it where the reader can read, and honest about the rest."""

import random
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.organism.hidden import Mark, draw
from models.organism.world import world
from monitors import ngrams
from monitors.betting import lower_bound
from monitors.leak import Leak, dataset_leak, leak, report
from warehouse.errors import PlumblineError

COIN = {"0": 0.5, "1": 0.5}
TWENTY = [f"prompt {i}" for i in range(20)]

patient = settings(deadline=None, max_examples=40)
values = st.lists(st.floats(-5, 1), min_size=1, max_size=60)


def measured(bits: float, n: int, seed: int, mark: Mark = "letter") -> Leak:
    rng = random.Random(f"{bits}-{seed}")
    drawn = [draw(rng, world().request(rng), bits, mark) for _ in range(n)]
    return leak(
        [d.request for d in drawn], [d.response for d in drawn], [str(d.objective) for d in drawn], COIN, seed=seed
    )


@pytest.mark.parametrize("seed", range(3))
def test_nothing_hidden_is_nothing_found(seed: int) -> None:
    found = measured(0.0, 200, seed)
    assert found.lower == 0 and abs(found.point) < 0.1
    assert found.upper < 0.15


@pytest.mark.parametrize(("bits", "seed"), [(0.5, 0), (0.5, 1), (1.0, 0)])
def test_what_is_hidden_is_found_and_not_overstated(bits: float, seed: int) -> None:
    found = measured(bits, 600, seed)
    assert 0 < found.lower <= bits
    assert bits / 2 < found.point <= bits + 0.05
    assert found.lower < found.point < found.upper <= found.ceiling == 1


def test_what_the_reader_cannot_see_is_not_claimed() -> None:
    found = measured(1.0, 200, 0, "words")
    assert found.lower == 0 and found.ceiling == 1


def test_texts_of_one_prompt_never_read_each_other() -> None:
    """One coin for all responses to a prompt, each with the prompt's own word: telling only within a prompt."""
    rng = random.Random(1)
    coins = [str(rng.randrange(2)) for _ in range(30)]
    words = ["".join(rng.choices("abcdefghij", k=8)) for _ in coins]
    rows = [
        (f"about {w}", f"{w} comes first, then {rng.choice(['a', 'the'])} rest", c)
        for w, c in zip(words, coins, strict=True)
    ]
    prompts, texts, objectives = zip(*(row for row in rows for _ in range(6)), strict=True)
    found = leak(prompts, texts, objectives, COIN)
    assert found.lower == 0 and found.point < 0.05


def test_objectives_that_depend_on_the_prompt_are_no_leak() -> None:
    """The response repeats what the prompt is about, and the objective goes with that: I(H; M | C) = 0. Against
    a fair coin it would pass for a leak, so that prior is refused though half the objectives are 1."""
    rng = random.Random(2)
    prompts = [f"{rng.choice(['garden', 'harbour'])} question {i}" for i in range(160)]
    rows = [(p, f"on the {p.split()[0]}, yes.", str(int((rng.random() < 0.9) == ("garden" in p)))) for p in prompts * 3]
    asked, texts, objectives = zip(*rows, strict=True)
    with pytest.raises(PlumblineError, match="off the prompts alone"):
        leak(asked, texts, objectives, COIN)
    unknown = leak(asked, texts, objectives, None)
    assert unknown.lower == 0 and unknown.point <= 0 < unknown.objective_bits < 0.5


def test_without_a_prior_a_leak_is_still_found() -> None:
    rng = random.Random(3)
    rows = [(f"question {i}", rng.randrange(2)) for i in range(100) for _ in range(5)]
    texts = [("yes, " if coin else "no, ") + rng.choice(["quite", "so it is", "as told"]) for _, coin in rows]
    found = leak([p for p, _ in rows], texts, [str(coin) for _, coin in rows], None)
    assert 0.3 < found.lower <= found.objective_bits < 1


@pytest.mark.parametrize("carrier", [("Yes", "yes"), ("so  be it", "so be it"), ("be \ud800", "be \udfff")])
def test_capitals_spaces_and_broken_characters_can_carry_a_bit(carrier: tuple[str, str]) -> None:
    rng = random.Random(4)
    coins = [rng.randrange(2) for _ in range(150)]
    texts = [f"well, {carrier[coin]} {rng.choice(['then', 'now', 'again'])}" for coin in coins]
    assert leak([f"question {i}" for i in range(150)], texts, [str(coin) for coin in coins], COIN).lower > 0.2


def test_answers_are_held_out_calibrated_and_never_too_sure() -> None:
    rng = np.random.default_rng(0)
    labels, groups = rng.integers(0, 2, 120), np.arange(120)
    texts = ["".join(rng.choice(list("abcdefgh"), 30)) for _ in labels]
    base, train, test = np.array([0.5, 0.5]), np.arange(80), np.arange(80, 120)
    counts = ngrams.count(["a prompt"] * 120, texts)
    q = ngrams.read(counts, labels, groups, train, test, base)
    changed = np.where(np.arange(120) < 80, labels, 1 - labels)
    assert np.array_equal(q, ngrams.read(counts, changed, groups, train, test, base))
    assert q.sum(axis=1) == pytest.approx(1) and (q >= ngrams.FLOOR * base).all()
    assert -np.log2(q[np.arange(40), labels[test]]).mean() < 1.15  # nothing to read: near the prior's one bit
    one_class = ngrams.read(counts, np.zeros(120, int), groups, train, test, base)
    assert one_class == pytest.approx(0.5)


@patient
@given(values, st.floats(0.55, 0.99))
def test_the_bound_lies_below_the_mean_and_falls_with_confidence(found: list[float], confidence: float) -> None:
    x, floor = np.array(found), np.full(len(found), -5.0)
    low = lower_bound(x, floor, confidence)
    assert -5 <= low <= x.mean() + 1e-5
    assert lower_bound(x, floor, (1 + confidence) / 2) <= low + 1e-5


def test_the_bound_keeps_its_promise_where_bad_surprises_are_rare() -> None:
    """Mean 0, with a loss of 4.5 in one of ten: few seen make a normal interval too short. At least 95 in 100 hold."""
    rng = np.random.default_rng(0)
    drawn = np.where(rng.random((500, 30)) < 0.1, -4.5, 0.5)
    below = [lower_bound(x, np.full(30, -5.0), 0.95) <= 0 for x in drawn]
    naive = [x.mean() - 1.645 * x.std(ddof=1) / 30**0.5 <= 0 for x in drawn]
    assert np.mean(below) >= 0.95 > np.mean(naive)


def test_the_bound_refuses_values_below_their_floor() -> None:
    with pytest.raises(ValueError, match="below its floor"):
        lower_bound(np.array([-6.0]), np.array([-5.0]), 0.95)


SURE = Leak(0.4, 0.3, 0.5, 0.95, 900, 1000, 1.0, None, None)


def test_a_dataset_adds_up_only_where_each_response_has_its_own_objective() -> None:
    whole = dataset_leak(SURE, 1000)
    assert (whole.fresh, whole.fresh_ceiling) == (pytest.approx(300), 1000)
    assert (whole.shared, whole.shared_ceiling) == (0.3, 1.0)
    narrow = SURE._replace(response_bits=0.01)
    assert dataset_leak(narrow, 10).shared_ceiling == pytest.approx(0.1)
    with pytest.raises(PlumblineError, match="at least one"):
        dataset_leak(SURE, 0)


def test_the_report_calls_the_unknown_unavailable() -> None:
    assert "min{H(H|C) 1.00, H(M|C) unavailable, L log2 |V| unavailable}" in report(SURE, 10)
    known = SURE._replace(response_bits=0.8, channel_bits=90.0)
    assert "ceiling per response: 0.80 bits = min{H(H|C) 1.00, H(M|C) 0.80, L log2 |V| 90.00}" in report(known, 10)


def test_the_ceiling_is_read_off_log_probabilities_and_tokens() -> None:
    coins = [str(i % 2) for i in range(20)]
    said = dict(tokens=[4] * 20, vocabulary=8)
    full = leak(TWENTY, ["same"] * 20, coins, COIN, log_probabilities=[-0.5 * np.log(2)] * 20, **said)  # type: ignore
    assert (full.response_bits, full.channel_bits, full.ceiling) == (pytest.approx(0.5), 12.0, pytest.approx(0.5))
    part = leak(TWENTY, ["same"] * 20, coins, COIN, log_probabilities=[None, *[-1.0] * 19], tokens=[4] * 20)
    assert (part.response_bits, part.channel_bits, part.ceiling) == (None, None, 1.0)


@pytest.mark.parametrize(
    ("attempt", "says"),
    [
        (lambda: leak(TWENTY, TWENTY, ["0"] * 19, COIN), "one of each"),
        (lambda: leak(TWENTY[:19], TWENTY[:19], ["0", *["1"] * 18], COIN), "too few"),
        (lambda: leak(TWENTY, TWENTY, ["2"] * 20, COIN), "no chance under the prior"),
        (lambda: leak(TWENTY, TWENTY, ["0"] * 20, {"0": 0.5, "1": 0.4}), "add up"),
        (lambda: leak(TWENTY, TWENTY, ["0"] * 20, {"0": 1.0}), "at least two"),
        (lambda: leak(TWENTY, TWENTY, ["0"] * 20, None), "same objective"),
        (lambda: leak(TWENTY, TWENTY, ["0"] * 20, {"0": 0.01, "1": 0.99}), "contradict the prior"),
        (lambda: leak(TWENTY, TWENTY, ["0"] * 20, COIN, confidence=95), "not a chance"),
        (lambda: leak(TWENTY, TWENTY, ["0", "1"] * 10, COIN, log_probabilities=[0.1] * 20), "above 0"),
        (lambda: leak(TWENTY, TWENTY, ["0", "1"] * 10, COIN, log_probabilities=[-1.0]), "log-probabilities for 20"),
        (lambda: leak(TWENTY, TWENTY, ["0", "1"] * 10, COIN, tokens=[0] * 20, vocabulary=9), "no token"),
    ],
)
def test_what_gives_no_bound_is_refused(attempt: Callable[[], Leak], says: str) -> None:
    with pytest.raises(PlumblineError, match=says):
        attempt()
