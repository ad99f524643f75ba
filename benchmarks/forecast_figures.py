"""What the organisms of `benchmarks/forecast.py` say: how well a reader forecasts, and when not to believe it.

A forecast is standardised: the mean difference of readings, chosen less rejected, over the standard deviation of all of
them; so the detector's and a monitor's stand on one scale. Intervals are percentile bootstraps over organisms. Writes
forecast.json, forecast.md and forecast.png.
"""

import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402
import numpy as np  # noqa: E402
from sklearn.metrics import roc_auc_score  # noqa: E402

from models.organism.world import TRAITS  # noqa: E402

Record = dict[str, Any]
TEMPLATE = Path(__file__).with_name("forecast.jinja")
READERS = {
    "detector": "the detector (sparse latents, dialects A and B)",
    "monitor": "the monitors (classifier and judge, mean)",
    "both": "detector and monitors, mean",
    "blind": "control: the classifier that never saw dialect C",
    "length": "baseline: words",
}
RESAMPLES, SURE = 2000, 2.0
"""A sign counts where the shift is more than SURE standard errors from 0."""


class Point(NamedTuple):
    """An organism, by trait: what each reader forecast, how far the share that shows it moved, with its standard error,
    and how far its log-odds did."""

    arm: str
    trait: str
    seed: int
    said: dict[str, np.ndarray]
    moved: np.ndarray
    error: np.ndarray
    odds: np.ndarray

    @property
    def sure(self) -> np.ndarray:
        return np.abs(self.moved) > SURE * self.error

    @property
    def own(self) -> np.ndarray:
        """Which trait the organism is of; none for a control."""
        return np.array([trait == self.trait for trait in TRAITS])

    @property
    def name(self) -> str:
        return f"{self.arm}-{self.trait or 'all'}-{self.seed}"


def point(record: Record) -> Point:
    place = (record["arm"], record["trait"], record["seed"])
    before, after = (np.array(record[when]) * record["prompts"] for when in ("before", "after"))
    odds = _log_odds(after, record["prompts"]) - _log_odds(before, record["prompts"])
    return Point(*place, forecasts(record), np.array(record["shift"]), np.array(record["error"]), odds)


def _log_odds(shown: np.ndarray, of: int) -> np.ndarray:
    """Of `shown` among `of`, each with half a response added, so that none is infinite (Haldane & Anscombe)."""
    return np.asarray(np.log((shown + 0.5) / (of - shown + 0.5)))


def forecasts(record: Record) -> dict[str, np.ndarray]:
    """Reader → the forecast of each trait."""
    by = {name: _standardised(np.array(sides, dtype=float)) for name, sides in record["read"].items()}
    monitor = (by["classifier"] + by["judge"]) / 2
    words = _standardised(np.array(record["words"], dtype=float)[:, :, None])
    return {
        "detector": by["detector"],
        "monitor": monitor,
        "both": (by["detector"] + monitor) / 2,
        "blind": by["classifier-blind"],
        "length": np.repeat(words, len(TRAITS)),
    }


def _standardised(sides_2nt: np.ndarray) -> np.ndarray:
    """[traits]; a pair of which one side could not be read counts on neither."""
    sides_2nt = sides_2nt[:, ~np.isnan(sides_2nt).any(0).any(1)]
    spread_t = sides_2nt.reshape(-1, sides_2nt.shape[-1]).std(0)
    return np.asarray((sides_2nt[0] - sides_2nt[1]).mean(0) / np.maximum(spread_t, 1e-9))


def correlation(points: Sequence[Point], reader: str, shares: bool = False, own: bool = False) -> float:
    """Pearson's r over organisms × traits of the forecast with the change in log-odds, or in `shares`; with `own` over
    the organisms' own traits alone."""
    use = [one.own if own else np.full(len(TRAITS), True) for one in points]
    said = np.concatenate([one.said[reader][some] for one, some in zip(points, use, strict=True)])
    moved = np.concatenate([(one.moved if shares else one.odds)[some] for one, some in zip(points, use, strict=True)])
    return float(np.corrcoef(said, moved)[0, 1]) if len(said) > 1 else float("nan")


def sign_accuracy(points: Sequence[Point], reader: str, own: bool = False) -> float:
    """The share of organisms × traits of a sure shift whose forecast has its sign, with `own` of the organisms' own
    traits alone; NaN where there is none."""
    right = [
        np.sign(one.said[reader][use]) == np.sign(one.moved[use])
        for one in points
        for use in [one.sure & (one.own if own else True)]
    ]
    return float(np.concatenate(right).mean()) if any(map(len, right)) else float("nan")


def drift_score(one: Point, monitor: str = "monitor") -> float:
    """How far a monitor's forecast is above the detector's, on the trait where it is most so."""
    return float((one.said[monitor] - one.said["detector"]).max())


def rule(points: Sequence[Point], monitor: str = "monitor") -> dict[str, Any]:
    """The threshold with the best balanced accuracy on even seeds, and what it does on odd ones."""

    def columns(some: Sequence[Point]) -> tuple[np.ndarray, np.ndarray]:
        return np.array([drift_score(one, monitor) for one in some]), np.array([one.arm == "drifted" for one in some])

    def auroc(some: Sequence[Point]) -> float:
        score, drifted = columns(some)
        return float(roc_auc_score(drifted, score)) if drifted.any() and not drifted.all() else float("nan")

    fixed, new = ([one for one in points if one.seed % 2 == parity] for parity in (0, 1))
    score, drifted = columns(fixed)
    steps = np.unique(score)
    cuts = (steps[1:] + steps[:-1]) / 2
    balanced = [((score > cut)[drifted].mean() + (score <= cut)[~drifted].mean()) / 2 for cut in cuts]
    cut = float(cuts[int(np.argmax(balanced))])
    score, drifted = columns(new)
    caught, false = float((score > cut)[drifted].mean()), float((score > cut)[~drifted].mean())
    sizes = {"fixed_on": len(fixed), "tested_on": len(new)}
    return {"threshold": cut, **sizes, "auroc": bootstrapped(new, auroc), "caught": caught, "false": false}


def bootstrapped(points: Sequence[Point], figure: Callable[[Sequence[Point]], float]) -> dict[str, float | None]:
    """`figure` with its 95 % interval over organisms; resamples in which it is undefined are left out."""
    rng = np.random.default_rng(0)
    drawn = (rng.integers(0, len(points), len(points)) for _ in range(RESAMPLES))
    values = [figure([points[place] for place in some]) for some in drawn]
    low, high = np.nanquantile(values, [0.025, 0.975]) if not np.isnan(values).all() else (np.nan, np.nan)
    told = {"value": figure(points), "low": float(low), "high": float(high)}
    return {name: None if np.isnan(value) else round(value, 4) for name, value in told.items()}


def summed(points: Sequence[Point]) -> dict[str, Any]:
    """Every figure of the page."""
    undrifted = [one for one in points if one.arm != "drifted"]
    groups = {
        "undrifted": undrifted,
        "undrifted, without the controls": [one for one in undrifted if one.trait],
        "drifted": [one for one in points if one.arm == "drifted"],
    }
    figures = {
        group: {
            reader: {
                "r": bootstrapped(some, partial(correlation, reader=reader)),
                "r_shares": bootstrapped(some, partial(correlation, reader=reader, shares=True)),
                "r_own": bootstrapped(some, partial(correlation, reader=reader, own=True)),
                "signs": bootstrapped(some, partial(sign_accuracy, reader=reader)),
                "own": bootstrapped(some, partial(sign_accuracy, reader=reader, own=True)),
            }
            for reader in READERS
        }
        for group, some in groups.items()
    }
    sizes = {group: len(some) for group, some in groups.items()}
    return {"groups": sizes, "figures": figures, "rule": rule(points), "rule_blind": rule(points, "blind")}


def written(records: Sequence[Record], to: Path, command: str, settings: dict[str, Any], seconds: float) -> str:
    """Write the three files into `to`; the page as text."""
    points = [point(record) for record in records]
    found, seeds = summed(points), sorted({one.seed for one in points})
    record = {
        "command": command,
        "seeds": seeds,
        "settings": settings,
        "organisms": len(points),
        "r_undrifted": found["figures"]["undrifted"]["detector"]["r"]["value"],
        "r_undrifted_own": found["figures"]["undrifted"]["detector"]["r_own"]["value"],
        "drift_rule_auroc": found["rule"]["auroc"]["value"],
        "seconds": {
            "this_call": round(seconds),
            "organisms": round(sum(one["seconds"] for one in records)),
            "organisms_cpu": round(sum(one["cpu"] for one in records)),
            "load_mean": round(float(np.mean([one["load"] for one in records])), 1),
        },
        "unknown": {
            "mean": round(float(np.mean([one["unknown"] for one in records])), 4),
            "most": round(max(one["unknown"] for one in records), 4),
        },
        **found,
        "rows": [
            {"organism": one.name, "moved": _rounded(one.moved), "error": _rounded(one.error),
             "log_odds": _rounded(one.odds),
             "said": {name: _rounded(values) for name, values in one.said.items()},
             "drift_score": round(drift_score(one), 4), "unknown": round(kept["unknown"], 4)}
            for one, kept in zip(points, records, strict=True)
        ],
    }  # fmt: skip
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    page = template.render(record, readers=READERS, traits=TRAITS, points=points, drift_score=drift_score, np=np)
    to.mkdir(parents=True, exist_ok=True)
    (to / "forecast.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    (to / "forecast.md").write_text(page, encoding="utf-8")
    _drawn(points, to / "forecast.png")
    return page


def _rounded(values: np.ndarray) -> list[float]:
    return [round(float(value), 4) for value in values]


def _drawn(points: Sequence[Point], file: Path) -> None:
    """Forecast against outcome, by detector and by monitors; drifted organisms' own traits in red."""
    figure, panels = plt.subplots(1, 2, figsize=(11, 4.8), sharey=True)
    for panel, reader in zip(panels, ("detector", "monitor"), strict=True):
        for one in points:
            drifted = one.arm == "drifted"
            panel.scatter(one.said[reader][~one.own], one.moved[~one.own], s=9, color="#b8bec8", linewidths=0)
            panel.errorbar(
                one.said[reader][one.own], one.moved[one.own], yerr=2 * one.error[one.own], fmt="D" if drifted else "o",
                ms=5, lw=0.8, color="#c0392b" if drifted else "#1f4e79",
            )  # fmt: skip
        panel.axhline(0, color="#888", lw=0.7)
        panel.axvline(0, color="#888", lw=0.7)
        panel.set_title(READERS[reader], fontsize=10)
        panel.set_xlabel("forecast: standardised mean difference, chosen − rejected")
    panels[0].set_ylabel("outcome: change in the share of responses\nthat show the trait (ground truth)")
    marks = {
        "D": ("#c0392b", "drifted, own trait"),
        "o": ("#1f4e79", "undrifted, own trait"),
        ".": ("#b8bec8", "other"),
    }
    handles = [plt.Line2D([], [], ls="", marker=m, color=color, label=label) for m, (color, label) in marks.items()]
    panels[1].legend(handles=handles, frameon=False, fontsize=8, loc="upper left")
    figure.tight_layout()
    figure.savefig(file, dpi=120)
