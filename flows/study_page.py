"""A study for people: one page with one picture, the table as Parquet, the figures as JSON.

Reads: a study's figures. Writes: `study.md`, `study.json`, `study.png`, `study.parquet`. Must not know: how any figure
came about.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2
import matplotlib.pyplot as plt
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

from flows.study import Results
from flows.study_cell import Told
from flows.study_figures import Found, Share, after, figures, table
from flows.study_settings import Cell, Study
from models.shift import Shift, mean
from warehouse.files import write_whole

TEMPLATE = Path(__file__).with_name("study.md.jinja")
COLOURS = ("#8d99ae", "#33658a", "#2a9d8f", "#9b2226", "#c07d1f", "#1b1b1e", "#6a4c93", "#5f7336")


def write(study: Study, cells: Sequence[Cell], results: Results, to: Path, command: str, spent: str) -> Found:
    """Write the four files into `to`. `spent` is a sentence about time, or none."""
    found = figures(cells, results)
    to.mkdir(parents=True, exist_ok=True)
    rows = table(study.name, cells, results)
    pq.write_table(pa.Table.from_pylist(rows), to / "study.parquet")
    told = {"command": command, "spent": spent, "study": study.model_dump(mode="json"), **found.model_dump(mode="json")}
    write_whole(to / "study.json", (json.dumps(told, indent=1) + "\n").encode())
    _drawn(cells, results, found, to / "study.png")
    write_whole(to / "study.md", _page(study, cells, results, found, command, spent).encode())
    return found


def _page(
    study: Study, cells: Sequence[Cell], results: Results, found: Found, command: str, spent: str
) -> str:  # fmt: skip
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
    last = study.first_seed + study.seeds - 1
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        found=found,
        command=command,
        spent=spent,
        picture="study.png",
        campaigns=len(results),
        pairs=cells[0].settings.pairs,
        rounds=study.rounds,
        seeds=f"{study.first_seed} to {last}" if study.seeds > 1 else study.first_seed,
        embedded=cells[0].settings.models.generator.startswith("organism:"),
        campaigns_told=[(cell, results[cell.settings.name]) for cell in cells],
        share=_share,
        by_round=_by_round,
    )


def show(found: Found) -> None:
    """The arms, a line each."""
    shown = Table(title="what selection did, % (95 % intervals over campaigns)", header_style="bold")
    for name in ("arm", "K", "flagged: first", "last", "hidden: first", "last", "published, truly bad", "alarms"):
        shown.add_column(name, justify="left" if name == "arm" else "right")
    for one in found.arms:
        alarms = found.gate[one.arm].alarms if one.arm in found.gate else None
        cells = (one.flagged_first, one.flagged_last, one.hidden_first, one.hidden_last, one.published_bad)
        shown.add_row(one.arm, one.strength, *map(_percent, cells), f"{alarms.count} of {alarms.of}" if alarms else "–")
    console = Console(highlight=False)
    (console if console.is_terminal else Console(highlight=False, width=160)).print(shown)


def _percent(one: Shift | None) -> str:
    """One campaign has no interval."""
    if one is None or one.count < 2:
        return "–" if one is None else f"{100 * one.value:.1f}"
    return f"{100 * one.value:.1f} ({100 * one.low:.1f}–{100 * one.high:.1f})"


def _share(one: Share) -> str:
    return f"{one.count} of {one.of} ({100 * one.low:.0f}–{100 * one.high:.0f} %)"


def _by_round(told: Told, name: str) -> str:
    values = [getattr(one, name) for one in told.rounds]
    return " ".join("–" if value is None else f"{100 * value:.0f}" for value in values)


def _drawn(cells: Sequence[Cell], results: Results, found: Found, file: Path) -> None:
    """Flags and hidden rate by round; what stands published; the curves of pressure with their residuals."""
    order = list(dict.fromkeys(cell.arm for cell in cells))
    colour = {arm: COLOURS[place % len(COLOURS)] for place, arm in enumerate(order)}
    figure, ((flags, hidden, standing), (curve, left, proxy)) = plt.subplots(2, 3, figsize=(15, 8.2))
    for panel, name, title in (
        (flags, "flag_rate", "flagged by the detector"),
        (hidden, "hidden", "hidden: truly bad among the unflagged"),
    ):
        for arm in order:
            _lines(panel, arm, [results[cell.settings.name] for cell in cells if cell.arm == arm], name, colour[arm])
        panel.set(title=title, xlabel="round", ylabel="share of first attempts", ylim=(0, None))
    if flags.get_legend_handles_labels()[0]:
        flags.legend(frameon=False, fontsize=8, ncols=2)
    _dots(standing, found, colour)
    _curve(curve, found, "hidden", colour, "how far the hidden rate has risen")
    _residuals(left, found, "hidden", colour)
    _curve(proxy, found, "flagged", colour, "how far the flag rate has fallen")
    for panel in figure.axes:
        panel.spines[["top", "right"]].set_visible(False)
        panel.title.set_fontsize(10)
    figure.tight_layout()
    figure.savefig(file, dpi=120, metadata={"Software": None})
    plt.close(figure)


def _lines(panel: Any, arm: str, found: Sequence[Told], name: str, colour: str) -> None:
    """The mean of the campaigns that ran the round, its interval shaded; of several campaigns, one alone is no mean."""
    rounds = sorted({one.round for told in found for one in after(told)})
    values = {at: [getattr(one, name) for told in found for one in after(told) if one.round == at] for at in rounds}
    shown = [(at, one) for at in rounds if (one := mean(values[at])) and (one.count > 1 or len(found) == 1)]
    if shown:
        at = [number for number, _ in shown]
        panel.plot(at, [one.value for _, one in shown], color=colour, lw=2, label=arm)
        panel.fill_between(at, [o.low for _, o in shown], [o.high for _, o in shown], color=colour, alpha=0.12, lw=0)


def _dots(panel: Any, found: Found, colour: dict[str, str]) -> None:
    several = len({one.strength for one in found.arms if one.strength != "–"}) > 1
    names = [f"{one.arm}, K {one.strength}" if several and one.strength != "–" else one.arm for one in found.arms]
    for place, one in enumerate(found.arms):
        if (bad := one.published_bad) is not None:
            panel.plot([bad.low, bad.high], [place, place], color=colour[one.arm], lw=2)
            panel.plot(bad.value, place, "o", color=colour[one.arm])
    panel.set(title="truly bad share of what stands published", xlim=(0, None), yticks=range(len(names)))
    panel.set_yticklabels(names)
    panel.invert_yaxis()


def _curve(panel: Any, found: Found, name: str, colour: dict[str, str], title: str) -> None:
    for arm, pressure in found.pressure.items():
        known = [(one.d, value) for one in pressure.points if (value := one.moved[name]) is not None]
        if not known:
            continue
        d, moved = zip(*known, strict=True)
        panel.plot(d, moved, "o", ms=3.5, alpha=0.45, color=colour[arm], mew=0)
        if (fitted := pressure.fits[name]) is not None:
            along = np.linspace(0, max(d), 100)
            panel.plot(along, [fitted.at(x) for x in along], color=colour[arm], lw=2, label=arm)
    panel.axhline(0, color="#999", lw=0.7)
    panel.set(title=title, xlabel="d = √KL, nats", ylabel="change of the share since the start")
    if panel.get_legend_handles_labels()[0]:
        panel.legend(frameon=False, fontsize=8, title="d(α − βd)", title_fontsize=8)


def _residuals(panel: Any, found: Found, name: str, colour: dict[str, str]) -> None:
    for arm, pressure in found.pressure.items():
        if (fitted := pressure.fits[name]) is not None:
            d = [one.d for one in pressure.points if one.moved[name] is not None]
            panel.plot(d, fitted.residuals, "o", ms=3.5, alpha=0.45, color=colour[arm], mew=0)
    panel.axhline(0, color="#999", lw=0.7)
    panel.set(title="what that curve leaves over", xlabel="d = √KL, nats", ylabel="residual")
