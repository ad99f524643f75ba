"""What `plumbline benchmark sincerity` found, for people: tables on the terminal, a page in Markdown, one picture.

Reads: what was measured. Writes: `sincerity.md`, `sincerity.json` and, where matplotlib is installed, `sincerity.png`.
Must not know: how any figure came about. No text that was read is shown.
"""

import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from flows.sincerity import Sincerity, Source
from models.matched import Figure
from warehouse.files import write_whole

NO_FIGURE = "–"
HEAD = """# How sincere the text reads

Written by `{command}`.
Reader `{reader}`, profile `{profile}`; AUROC in calibration: {aurocs}.

A reading is what this reader makes of a text, not what its author meant. *Flagged* is the share of the texts read whose
reading is above the profile's threshold; *strength* the mean reading, in the reading's own units. Calibration allowed
{promised} of texts without any trait to be flagged, over all its traits together: a rate near that says nothing.
Intervals are of 95 %: a bootstrap over prompts.
"""
BESIDE = """*Control* is {compared}, weighed to the lengths of the source's texts (in {unit}, strata of 10 %).
*Difference* is of the texts that have a match of like length; the others are counted below and left out of it. It is in
**bold** where its interval leaves 0 out.
"""
ALLOWED = "calibration allowed {:.1f} % of texts without any trait to be flagged, over all its traits together"
NOT_USED = "*"
"""Stands behind a trait that the profile reads but does not use to flag."""
COLUMNS = ("source", "trait", "flagged", "control", "difference, points", "strength", "control", "difference")
COUNTS = ("source", "texts", "prompts", "abstained", "median length", "without a match")


def markdown(found: Sincerity, command: str) -> str:
    known = {"reader": found.reader, "profile": found.profile, "promised": f"{100 * found.promised:.1f} %"}
    lines = [HEAD.format(**known, command=command, aurocs=_aurocs(found))]
    lines += [*(f"- **Caution**: {line}" for line in found.cautions), *([""] if found.cautions else [])]
    if found.compared:
        lines.append(BESIDE.format(compared=found.compared, unit=found.unit))
    lines += [f"No comparison: {found.note}.\n"] if found.note else []
    lines += [*_table(COLUMNS, 2, _rows(found, "**")), *_footnote(found), "\n## What was read\n"]
    lines += [*_table(COUNTS, 1, _counts(found)), "", *(f"- {line}" for line in _abstained(found))]
    lines += [f"- {line}" for line in found.left_out]
    return "\n".join(lines).rstrip() + "\n"


def show(found: Sincerity) -> None:
    """The tables on the terminal, and what one has to know of them."""
    console = Console(highlight=False)
    console = console if console.is_terminal else Console(highlight=False, width=200)
    for title, columns, left, rows in (
        (f"read by {found.reader}, profile {found.profile}; beside: {found.compared or 'nothing'}", COLUMNS, 2,
         _rows(found)),
        ("what was read", COUNTS, 1, _counts(found)),
    ):  # fmt: skip
        table = Table(title=title, header_style="bold")
        for place, name in enumerate(columns):
            table.add_column(name, justify="left" if place < left else "right")
        last = ""
        for name, *cells in rows:
            table.add_row(*map(escape, ["" if name == last else name, *cells]))
            last = name
        console.print(table)
    told = [*_footnote(found), f"AUROC in calibration: {_aurocs(found)}", ALLOWED.format(100 * found.promised)]
    told += [f"no comparison: {found.note}"] if found.note else []
    for line in (*told, *found.cautions, *_abstained(found), *found.left_out):
        console.print(line, soft_wrap=True, markup=False)


def write(found: Sincerity, folder: Path, command: str) -> list[Path]:
    """The files written."""
    page, record, image = (folder / f"sincerity.{ending}" for ending in ("md", "json", "png"))
    text = markdown(found, command)
    folder.mkdir(parents=True, exist_ok=True)
    drawn = picture(found, image)
    if drawn:
        text = text.replace("\n| source |", "\n![share flagged, by source and trait](sincerity.png)\n\n| source |", 1)
    write_whole(page, text.encode())
    write_whole(record, (found.model_dump_json(indent=1) + "\n").encode())
    return [page, record, *([image] if drawn else [])]


def picture(found: Sincerity, path: Path) -> bool:
    """A panel a trait: the share of each source flagged, the control's at its lengths below it. False where matplotlib
    is missing."""
    try:
        import matplotlib
    except ImportError:
        return False
    matplotlib.use("Agg")
    from matplotlib import pyplot, ticker

    furthest = found.promised
    names, height = list(found.sources), 1.7 + 0.5 * len(found.sources)
    size = (2.2 + 3.0 * len(found.traits), height)
    figure, panels = pyplot.subplots(
        1, len(found.traits), figsize=size, sharex=True, sharey=True, squeeze=False, layout="constrained"
    )
    for axis, (trait, bar) in zip(panels[0], found.traits.items(), strict=True):
        for row, one in enumerate(found.sources.values()):
            told = one.traits[trait]
            marks = [(told.shown.rate, "o", "#9b2226", -0.13, "source")] if told.shown else []
            if told.beside:
                marks.append((told.beside.control.rate, "s", "#8a8a8a", 0.17, "control, at the source's lengths"))
            for share, mark, colour, shift, label in marks:
                furthest = max(furthest, share.value, share.high or 0.0)
                if share.low is not None and share.high is not None:
                    axis.plot([share.low, share.high], [row + shift] * 2, color=colour, lw=1.5)
                axis.plot(share.value, row + shift, mark, color=colour, ms=5, label=label, clip_on=False)
            if not told.shown:
                axis.text(0.02, row, "none could be read", va="center", fontsize=8, color="#8a8a8a")
        axis.axvline(found.promised, color="#333333", lw=0.9, ls=":")
        axis.set_title(trait + ("" if bar.flags else " (not used to flag)"), fontsize=10)
        axis.set_xlabel("share flagged", fontsize=9)
        axis.xaxis.set_major_formatter(ticker.PercentFormatter(1))
        axis.tick_params(labelsize=8)
        axis.spines[["top", "right"]].set_visible(False)
    panels[0][0].set_yticks(range(len(names)), list(map(_lines, names)), fontsize=8)
    panels[0][0].set_ylim(len(names) - 0.5, -0.5)
    panels[0][0].set_xlim(0, 1.04 * furthest)
    seen = {label: line for line, label in _legend(panels[0])}
    figure.legend(seen.values(), seen, loc="outside lower center", ncols=2, fontsize=8, frameon=False)
    allowed = f"dotted: {100 * found.promised:.0f} % were allowed in calibration, over all traits"
    figure.suptitle(f"Share flagged by profile {found.profile} of {found.reader} ({allowed})", fontsize=10)
    figure.savefig(path, dpi=160)
    pyplot.close(figure)
    return True


def _legend(panels: Sequence[Any]) -> Iterator[tuple[Any, str]]:
    for axis in panels:
        yield from zip(*axis.get_legend_handles_labels(), strict=True)


def _rows(found: Sincerity, bold: str = "") -> Iterator[list[str]]:
    for name, one in _all(found):
        for trait, told in one.traits.items():
            own, there = told.shown, told.beside
            cells = [
                _percent(own.rate if own else None),
                _percent(there.control.rate if there else None),
                _signed(there.difference.rate if there else None, 100, 1, bold),
                _number(own.strength if own else None),
                _number(there.control.strength if there else None),
                _signed(there.difference.strength if there else None, 1, 2, bold),
            ]
            yield [name, trait + ("" if found.traits[trait].flags else NOT_USED), *cells]


def _counts(found: Sincerity) -> Iterator[list[str]]:
    for name, one in _all(found):
        without = {str(told.beside.unmatched) for told in one.traits.values() if told.beside}
        length = NO_FIGURE if one.length is None else f"{one.length:g}"
        counted = (one.texts, one.prompts, one.abstained)
        yield [name, *map(str, counted), length, " to ".join(sorted(without, key=int)) or NO_FIGURE]


def _all(found: Sincerity) -> list[tuple[str, Source]]:
    return [*found.sources.items(), *([("the control, all of it", found.control)] if found.control else [])]


def _aurocs(found: Sincerity) -> str:
    known = {name: NO_FIGURE if bar.auroc is None else f"{bar.auroc:.2f}" for name, bar in found.traits.items()}
    return ", ".join(f"{name} {auroc}" for name, auroc in known.items())


def _footnote(found: Sincerity) -> list[str]:
    if all(bar.flags for bar in found.traits.values()):
        return []
    return [f"\n{NOT_USED} read but not used to flag: the rate is what its threshold would flag."]


def _abstained(found: Sincerity) -> list[str]:
    return [f"{name}: {count} abstained from: {why}" for name, one in _all(found) for why, count in one.reasons.items()]


def _table(columns: Sequence[str], left: int, rows: Iterator[list[str]]) -> list[str]:
    marks = ["---"] * left + ["---:"] * (len(columns) - left)
    cells = ([cell.replace("|", "\\|") for cell in row] for row in rows)
    return [f"| {' | '.join(row)} |" for row in (columns, marks, *cells)]


def _percent(figure: Figure | None) -> str:
    if figure is None:
        return NO_FIGURE
    spread = "" if figure.low is None or figure.high is None else f" ({100 * figure.low:.1f}–{100 * figure.high:.1f})"
    return f"{100 * figure.value:.1f} %{spread}"


def _number(figure: Figure | None) -> str:
    if figure is None:
        return NO_FIGURE
    spread = "" if figure.low is None else f" ({figure.low:.2f} to {figure.high:.2f})"
    return f"{figure.value:.2f}{spread}"


def _signed(figure: Figure | None, scale: int, digits: int, bold: str) -> str:
    """A difference; of shares in points of a hundred."""
    if figure is None:
        return NO_FIGURE
    if figure.low is None or figure.high is None:
        return f"{scale * figure.value:+.{digits}f}"
    told = " to ".join(f"{scale * bound:+.{digits}f}" for bound in (figure.low, figure.high))
    mark = bold if figure.low > 0 or figure.high < 0 else ""
    return f"{mark}{scale * figure.value:+.{digits}f}{mark} ({told})"


def _lines(name: str) -> str:
    """A long name in up to three lines, cut where they are not enough; matplotlib takes what is between $ for maths."""
    return "\n".join(textwrap.wrap(name, 32, max_lines=3, placeholder="…")).replace("$", r"\$")
