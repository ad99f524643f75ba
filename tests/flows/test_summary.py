"""The ledger so far: what adds up, what stands as it was measured, and what is absent without a gate."""

import math

import pytest
from rich.console import Console

from constitutions.document import Constitution
from flows.amend import Amended
from flows.report import ledger_table
from flows.summary import AmendmentFacts, LedgerFacts, RoundSummary, ledger_so_far
from tasks.amend import Figures

FIGURES = Figures(0.1, 0.1, 0.9)


def amended(from_start: float | None) -> Amended:
    constitution = Constitution(name="t", version=2, principles=())
    return Amended(constitution, "drop a", "drop a", 2.0, 0.9, 0.3, from_start, FIGURES, FIGURES)


def test_choices_add_up_and_the_distance_from_the_start_is_the_latest_measured() -> None:
    told, rounds = None, [None, amended(0.25), amended(0.5), None, amended(None)]
    seen = [told := ledger_so_far(told, one, number, 5) for number, one in enumerate(rounds, 1)]
    assert [ledger.worst for ledger in seen] == [0.0, 2.0, 4.0, 4.0, 6.0]
    assert [ledger.kl for ledger in seen] == pytest.approx([0.0, 0.9, 1.8, 1.8, 2.7])
    assert [ledger.from_start for ledger in seen] == [None, 0.25, 0.5, 0.5, None]
    assert [ledger.gate for ledger in seen] == [None] * 5


def test_an_audited_campaign_has_the_gates_figures_too() -> None:
    quiet = ledger_so_far(None, None, 2, 7, alpha=0.05).gate
    alarmed = ledger_so_far(None, None, 2, 7, alpha=0.05, alarmed=True).gate
    assert quiet and alarmed
    assert (quiet.worst, quiet.null) == (alarmed.worst, alarmed.null) == pytest.approx((3.0, 0.4267647))
    assert quiet.left == pytest.approx(math.log2(6)) and alarmed.left == 0


@pytest.mark.parametrize("alpha", [None, 0.05])
def test_the_table_is_readable_in_100_columns(alpha: float | None) -> None:
    rounds = [summary(number, ledger_so_far(None, amended(None), number, 5, alpha)) for number in range(1, 6)]
    console = Console(width=100)
    with console.capture() as captured:
        console.print(ledger_table(tuple(rounds)))
    shown = captured.get()
    lines = shown.splitlines()
    assert max(map(len, lines)) <= 100 and len(lines) == 6 + len(rounds)  # no heading is broken up
    assert "ledger, bits so far" in shown and "unavailable" in shown
    assert ("monitor: left" in shown) == (alpha is not None)


def summary(number: int, ledger: LedgerFacts) -> RoundSummary:
    chosen = {f"{on}_{name}": value for on in ("frozen", "fresh") for name, value in FIGURES._asdict().items()}
    counts = dict.fromkeys(("reviewed", "dropped", "regenerated", "kept", "held", "abstained", "quarantined"), 1)
    return RoundSummary(
        round=number,
        mode="update",
        constitution="c",
        pairs=1,
        flag_rate=0.1,
        **counts,
        amendment="drop a",
        selection_bits=2.0,
        filter_bits=0.1,
        ledger=ledger,
        amended=AmendmentFacts(**chosen, no_utility="drop a", moved=None),
    )
