"""A campaign's rounds as a frame to draw from, and the marks that stand in every picture of them.

Reads: the author's snapshot. Writes: nothing. Must not know: the held-out side, but for the gate's answers.
"""

import json
from typing import Any

import altair as alt
import pandas as pd

from dashboard.data import frame
from dashboard.style import INK, QUIET

LEDGER = {"worst": "worst case", "kl": "bound by divergence", "from_start": "measured, a response"}


def rounds(campaign: str) -> pd.DataFrame:
    """A row for each round: what its summary counts, `worst`, `kl` and `from_start` of the ledger so far (bits),
    `truth` (a dict, None where it is not known), the `gate`'s answer ("" where none was asked), and `version`, the
    number of its constitution."""
    rows = frame(
        campaign,
        "SELECT round, mode, summary, coalesce(answer, '') AS gate FROM rounds LEFT JOIN gate_answers "
        "USING (campaign, round) ORDER BY round",
    )
    versions = dict(frame(campaign, "SELECT hash, version FROM constitutions").itertuples(index=False))
    found: list[dict[str, Any]] = []
    for row in rows.to_dict("records"):
        told = json.loads(row.pop("summary"))
        ledger, told["truth"] = told.pop("ledger", {}), told.get("truth")
        told |= {name: ledger.get(name) for name in LEDGER} | {"round": row["round"], "gate": row["gate"]}
        found.append({**told, "version": versions.get(told["constitution"])})
    return pd.DataFrame(found).astype({"truth": object}) if found else pd.DataFrame()


def marks(campaign: str, rows: pd.DataFrame) -> Any:
    """An upright line where the gate rang and where the mode changed, each with its name; None where neither did."""
    told = [(row["round"], "alarm") for row in rows.to_dict("records") if row["gate"] == "alarm"]
    known = set(rows["round"])
    changes = frame(campaign, "SELECT round, mode, who FROM modes ORDER BY number").to_dict("records")
    told += [(row["round"], f"mode {row['mode']}") for row in changes if row["round"] in known]
    if not told:
        return None
    base = alt.Chart(pd.DataFrame(told, columns=["round", "what"])).encode(x=alt.X("round:O"))
    rule = base.mark_rule(color=INK, strokeWidth=1.6, strokeDash=[2, 2])
    name = base.mark_text(align="right", dx=-5, y=6, color=QUIET, fontSize=12, baseline="top").encode(text="what:N")
    return alt.layer(rule, name)


def series(rows: pd.DataFrame, named: dict[str, str]) -> pd.DataFrame:
    """The columns `named` (column → what it is called) as `round`, `series`, `value`; what is not known is left out."""
    parts = [
        pd.DataFrame({"round": rows["round"], "series": label, "value": pd.to_numeric(rows[name], errors="coerce")})
        for name, label in named.items()
    ]
    return pd.concat(parts, ignore_index=True).dropna(subset=["value"])


def truths(rows: pd.DataFrame) -> bool:
    """Whether ground truth is known: the generator is the embedded organism."""
    return any(isinstance(told, dict) for told in rows["truth"])


def with_truth(rows: pd.DataFrame) -> pd.DataFrame:
    """The same rows with the shares that ground truth counts: `bad` of all, `hidden` of the unflagged."""
    told = [one if isinstance(one, dict) else {} for one in rows["truth"]]
    return rows.assign(**{name: [one.get(name) for one in told] for name in ("bad", "hidden")})
