"""Persons' reviews: which pairs wait for one, and how far the judges of the same pairs agree.

Reads: the warehouse or a snapshot of it, a campaign's inbox. Writes: nothing. Must not know: what a verdict does.
"""

import math
import warnings
from pathlib import Path
from typing import Any, NamedTuple

from sklearn.metrics import cohen_kappa_score

from warehouse.hashing import content_hash
from warehouse.inbox import waiting
from warehouse.store import Store

Messages = list[dict[str, str]]


class ToReview(NamedTuple):
    """A pair as a person is shown it, blind to what any model said; `shown` is the hash of the three texts."""

    pair_id: str
    round: int
    prompt: Messages
    chosen: Messages
    rejected: Messages

    @property
    def shown(self) -> str:
        return content_hash([self.prompt, self.chosen, self.rejected])


class Agreement(NamedTuple):
    """Two judges of the same `pairs`: how many verdicts `agreed`, their `share`, and Cohen's `kappa`, which is None
    where it is undefined: both said one and the same of every pair."""

    one: str
    other: str
    pairs: int
    agreed: int
    share: float
    kappa: float | None


def to_review(store: Store, campaign: Path, who: str = "") -> list[ToReview]:
    """Pairs of the campaign in the folder `campaign` that the loop held for a person, oldest first: for `who` those
    they have given no verdict on, in the record or in the inbox, and what others have settled last; for nobody in
    particular those nobody has settled."""
    sql = "SELECT pair_id FROM person_verdicts WHERE campaign = $1 AND ($2 = '' OR who = $2)"
    sql = (
        "SELECT pair_id, round, prompt, chosen, rejected FROM pairs JOIN v_decisions USING (pair_id) "
        "WHERE campaign = $1 AND decision = 'held' AND (settled = 'held' OR $2 <> '') "
        f"AND ($2 = '' OR pair_id NOT IN ({sql})) ORDER BY settled <> 'held', round, attempt, position"
    )
    said = {str(one.said.get("pair_id")) for one in waiting(campaign, "verdict") if who in ("", one.who)}
    rows = store.query(sql, campaign.name, who.strip()).to_pylist()
    return [ToReview(**row) for row in rows if row["pair_id"] not in said]


def agreement(store: Store, campaign: str) -> list[Agreement]:
    """Every two judges who have judged the same pairs, the reviewer model and each person first."""
    rows = store.query("SELECT * FROM v_agreement WHERE campaign = ?", campaign).to_pylist()
    judges = sorted({(row["one"], row["other"]) for row in rows}, key=lambda two: (not two[0].startswith("the "), two))
    return [_between(one, other, [r for r in rows if (r["one"], r["other"]) == (one, other)]) for one, other in judges]


def _between(one: str, other: str, rows: list[dict[str, Any]]) -> Agreement:
    first, second, pairs = ([row[name] for row in rows] for name in ("one_said", "other_said", "pairs"))
    agreed = sum(row["pairs"] for row in rows if row["one_said"] == row["other_said"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # where it is undefined it is None, and says so
        kappa = float(cohen_kappa_score(first, second, sample_weight=pairs))
    return Agreement(one, other, sum(pairs), agreed, agreed / sum(pairs), None if math.isnan(kappa) else kappa)
