"""What the models of `benchmarks/inoculation.py` say: how far the trait they were taught moved, under each addendum.

Shares are by ground truth; prompts with an answer whose truth is unknown, before or after training, are left out. Where
that is the case of most, no shift is told. Intervals are 95 % bootstraps over organisms (trait × seed). Writes
inoculation.json, inoculation.md and inoculation.png.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402
import numpy as np  # noqa: E402
from inoculation_models import NONE, SHUFFLED  # noqa: E402

from models.organism.world import TRAITS  # noqa: E402
from models.shift import Shift, shift  # noqa: E402

Record = dict[str, Any]
ENOUGH = 0.5  # of the prompts must have answers that can be judged
TEMPLATE = Path(__file__).with_name("inoculation.jinja")


class Moved(NamedTuple):
    """Of one model: how far the share of responses that show the trait it was taught moved from the untrained one's,
    asked without the addendum and with it (None where there is none, or too few answers can be judged), how far those
    that show another trait did, and the share of its responses of which the truth is unknown."""

    model: str
    organism: str
    arm: str
    without: float
    under: float | None
    others: float
    unknown: float
    unknown_under: float | None


def moved(record: Record, untrained: Record) -> Moved:
    """`untrained`: what the model showed before, under the same arm's addendum."""
    own = TRAITS.index(record["trait"])

    def change(how: str) -> tuple[float | None, float | None, float]:
        before, after = np.array(untrained[how], dtype=float), np.array(record[how], dtype=float)
        known, unknown = ~np.isnan(after - before).any(1), float(np.isnan(after).any(1).mean())
        if known.mean() < ENOUGH:
            return None, None, unknown
        step = (after - before)[known].mean(0)
        return float(step[own]), float(step.sum() - step[own]), unknown

    without, others, unknown = change("without")
    assert without is not None and others is not None
    under, _, unknown_under = change("with") if "with" in record else (None, None, None)
    name = f"{record['trait']}-{record['seed']}"
    return Moved(record["model"], name, record["arm"], without, under, others, unknown, unknown_under)


class Arm(NamedTuple):
    """`shift`, `others`: means over organisms, asked without the addendum; `less`: the shift against none's, paired by
    organism; `against_shuffled`: against the meaningless control's; `under`: the shift asked with the addendum."""

    shift: Shift
    less: Shift | None
    against_shuffled: Shift | None
    others: Shift
    under: Shift | None
    unknown: float
    unknown_under: float | None


def summed(found: Sequence[Moved]) -> dict[str, Arm]:
    """Of one model, by arm, in the order they appear."""
    by = {arm: [one for one in found if one.arm == arm] for arm in dict.fromkeys(one.arm for one in found)}
    names = [one.organism for one in by[NONE]]
    zero = [0.0] * len(names)

    def mean(values: Sequence[float | None], less: Sequence[float | None] = zero) -> Shift:
        told = shift(values, less, names)
        assert told is not None
        return told

    out = {}
    for arm, some in by.items():
        assert [one.organism for one in some] == names
        without = [one.without for one in some]
        out[arm] = Arm(
            mean(without),
            None if arm == NONE else mean(without, [one.without for one in by[NONE]]),
            None if arm in (NONE, SHUFFLED) else mean(without, [one.without for one in by[SHUFFLED]]),
            mean([one.others for one in some]),
            None if any(one.under is None for one in some) else mean([one.under for one in some]),
            float(np.mean([one.unknown for one in some])),
            None if arm == NONE else float(np.mean([one.unknown_under for one in some])),
        )
    return out


def written(
    records: Sequence[Record],
    to: Path,
    command: str,
    settings: dict[str, Any],
    words: dict[str, int],
    control: str,
    seconds: float,
) -> str:
    """Write the three files into `to`; the page as text. `words`: arm → how many it says; `control`: what the
    meaningless one says."""
    order = {arm: place for place, arm in enumerate(words)}
    untrained = {(one["model"], one["arm"]): one for one in records if not one["trait"]}
    trained = sorted(
        (one for one in records if one["trait"]),
        key=lambda one: (one["model"], order[one["arm"]], one["seed"], TRAITS.index(one["trait"])),
    )
    found = [moved(one, untrained[one["model"], one["arm"]]) for one in trained]
    models = list(dict.fromkeys(one.model for one in found))
    by = {name: summed([one for one in found if one.model == name]) for name in models}
    record = {
        "command": command,
        "traits": list(dict.fromkeys(one["trait"] for one in trained)),
        "seeds": sorted({one["seed"] for one in trained}),
        "settings": settings,
        "models": len(trained),
        "organisms": len({one.organism for one in found}),
        "words": words,
        "control": control,
        "seconds": {
            "this_call": round(seconds),
            "models": round(sum(one["seconds"] for one in records)),
            "models_cpu": round(sum(one["cpu"] for one in records)),
            "load_mean": round(float(np.mean([one["load"] for one in records])), 1),
        },
        "untrained_unknown": {
            name: {arm: _rounded(_unknown(untrained[name, arm])) for arm in words} for name in models
        },
        "arms": {
            name: {arm: {figure: _plain(value) for figure, value in one._asdict().items()} for arm, one in some.items()}
            for name, some in by.items()
        },
        "rows": [{name: _plain(value) for name, value in one._asdict().items()} for one in found],
    }
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    names = list(dict.fromkeys(one.organism for one in found))
    at = {(one.model, one.arm, one.organism): one for one in found}
    page = template.render(record | {"by": by, "at": at, "names": names})
    to.mkdir(parents=True, exist_ok=True)
    (to / "inoculation.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    (to / "inoculation.md").write_text(page, encoding="utf-8")
    _drawn(by, found, to / "inoculation.png")
    return page


def _unknown(record: Record) -> float:
    """The share of answers whose truth is unknown, asked with the addendum where there is one."""
    return float(np.isnan(np.array(record.get("with", record["without"]), dtype=float)).any(1).mean())


def _plain(value: Any) -> Any:
    if isinstance(value, Shift):
        return {name: _rounded(getattr(value, name)) for name in ("value", "low", "high")}
    return _rounded(value) if isinstance(value, float) else value


def _rounded(value: float) -> float:
    return round(value, 4)


def _drawn(by: dict[str, dict[str, Arm]], found: Sequence[Moved], file: Path) -> None:
    """The shift of the taught trait by arm, asked without the addendum and with it; each organism a small dot."""
    figure, panels = plt.subplots(len(by), 1, figsize=(8.5, 3.4 * len(by)), sharex=True, sharey=True, squeeze=False)
    kinds = (("without", -0.12, "#1f4e79", "asked without the addendum"), ("under", 0.12, "#d98c21", "asked with it"))
    arms = list(next(iter(by.values())))
    for panel, (name, some) in zip(panels[:, 0], by.items(), strict=True):
        for place, (arm, one) in enumerate(some.items()):
            for kind, aside, color, _ in kinds:
                told = one.shift if kind == "without" else one.under
                if told is None:
                    continue
                each = [getattr(model, kind) for model in found if (model.model, model.arm) == (name, arm)]
                panel.scatter([place + aside] * len(each), each, s=14, color=color, alpha=0.3, linewidths=0)
                error = [[told.value - told.low], [told.high - told.value]]
                panel.errorbar(place + aside, told.value, yerr=error, fmt="o", ms=7, capsize=3, color=color)
        panel.axhline(0, color="#888", lw=0.7)
        panel.axhline(some[NONE].shift.value, color="#1f4e79", lw=0.7, ls=":")
        panel.set_title(f"the {name}, trained", fontsize=10, loc="left")
        panel.spines[["top", "right"]].set_visible(False)
    panels[-1, 0].set_xticks(range(len(arms)), [f"{arm}\n(control)" if arm == SHUFFLED else arm for arm in arms])
    panels[-1, 0].set_xlabel("what the system turn said in training")
    figure.supylabel(
        "change in the share of responses\nthat show the trait taught (ground truth)", fontsize=10, ha="center"
    )
    handles = [plt.Line2D([], [], ls="", marker="o", color=color, label=label) for _, _, color, label in kinds]
    figure.legend(handles=handles, frameon=False, fontsize=9, loc="upper right", ncols=2)
    figure.tight_layout()
    figure.savefig(file, dpi=120)
