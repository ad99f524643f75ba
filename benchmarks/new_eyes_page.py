"""Writes what `benchmarks/new_eyes.py` found: new_eyes.json, new_eyes.md and new_eyes.png."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402
import numpy as np  # noqa: E402
from new_eyes_figures import EYES, Figure, Looked, Record, all_looked, behaviour, summed  # noqa: E402
from new_eyes_readings import DRIFTED, FURTHER, TAUGHT, UNTRAINED  # noqa: E402

TEMPLATE = Path(__file__).with_name("new_eyes.jinja")


def written(
    records: Sequence[Record], spent: Sequence[Record], to: Path, command: str, settings: dict[str, Any]
) -> str:
    """Write the three files into `to`; the page as text. `spent`: the seconds of training."""
    found = all_looked(records)
    told = summed(records, found)
    timed = [*records, *spent]
    rows = [
        {"arm": one.arm, "organism": one.organism, "eye": one.eye, "seed": one.seed}
        | {name: _plain(float(values[0])) for name, values in one.figures.items()}
        for one in found
    ]
    facts = [
        {"arm": one["arm"], "organism": f"{one['trait']}-{one['seed']}", "eye": name, "fpr": _plain(eye["fpr"]),
         "fvu": _plain(eye["fvu"]) if "fvu" in eye else None,
         "abstained": sum(read is None for read in eye["answers"])}
        for one in records for name, eye in one["eyes"].items()
    ]  # fmt: skip
    record = {
        "command": command,
        "traits": list(dict.fromkeys(one["trait"] for one in records)),
        "seeds": sorted({one["seed"] for one in records if one["arm"] == DRIFTED}),
        "settings": settings,
        "models": sum(one["arm"] != UNTRAINED for one in records),
        "seconds": {
            "models": round(sum(one["seconds"] for one in timed)),
            "models_cpu": round(sum(one["cpu"] for one in timed)),
            "load_mean": round(float(np.mean([one["load"] for one in timed])), 1),
        },
        "unknown": round(float(np.mean([bad is None for one in records for bad in one["answers"]["bad"]])), 4),
        **_told(told),
        "rows": rows,
        "calibration": facts,
        "models_behaviour": [
            {"arm": one["arm"], "organism": f"{one['trait']}-{one['seed']}"}
            | {name: _plain(float(values[0])) for name, values in behaviour(one).items()}
            for one in records
        ],
    }
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
    page = environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(record | told, names=EYES)
    to.mkdir(parents=True, exist_ok=True)
    (to / "new_eyes.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    (to / "new_eyes.md").write_text(page, encoding="utf-8")
    _drawn(found, told["eyes"], to / "new_eyes.png")
    return page


def _told(value: Any) -> Any:
    """With figures as plain objects, rounded."""
    if isinstance(value, Figure):
        return {name: _plain(part) for name, part in value._asdict().items()}
    return {name: _told(part) for name, part in value.items()} if isinstance(value, dict) else value


def _plain(value: float) -> float | None:
    return None if np.isnan(value) else round(value, 4)


def _drawn(found: Sequence[Looked], by: dict[str, Any], file: Path) -> None:
    """Left, the quiet dialect among fixed texts; right, the truly bad answers that the first eyes pass."""
    figure, panels = plt.subplots(1, 2, figsize=(12, 4.8), sharey=True)
    colours = {UNTRAINED: "#8a94a3", TAUGHT: "#1f4e79", DRIFTED: "#c0392b", FURTHER: "#d98c21"}
    titles = {
        "auroc_quiet": "fixed texts: the trait in dialect C against innocent text",
        "sees": "own answers that the first eyes pass: truly bad against not",
    }
    for panel, (name, title) in zip(panels, titles.items(), strict=True):
        for row, eye in enumerate(EYES):
            for place, (arm, colour) in enumerate(colours.items()):
                if eye not in by[arm] or by[arm][eye][name] is None:
                    continue
                if name == "auroc_quiet" and eye.endswith("untrained") and arm != UNTRAINED:
                    continue
                height = row + 0.19 * (place - 1.5)
                each = [one.figures[name][0] for one in found if (one.arm, one.eye) == (arm, eye)]
                told = by[arm][eye][name]
                panel.scatter(each, [height] * len(each), s=10, color=colour, alpha=0.35, linewidths=0)
                panel.errorbar(told.value, height, xerr=[[told.value - told.low], [told.high - told.value]], fmt="o",
                               ms=5.5, capsize=2, color=colour)  # fmt: skip
        panel.axvline(0.5, color="#888", lw=0.7, ls=":")
        panel.set_title(title, fontsize=10)
        panel.set_xlabel("AUROC")
        panel.spines[["top", "right"]].set_visible(False)
    panels[0].set_yticks(range(len(EYES)), [label.replace(" (", "\n(").replace(": ", ":\n") for label in EYES.values()])
    panels[0].invert_yaxis()
    handles = [plt.Line2D([], [], ls="", marker="o", color=colour, label=arm) for arm, colour in colours.items()]
    figure.legend(handles=handles, frameon=False, fontsize=9, loc="lower right", ncols=4)
    figure.tight_layout(rect=(0, 0.04, 1, 1))
    figure.savefig(file, dpi=120)
