"""What the held-out monitors make of texts: a dataset's pairs before training, a model's answers after it.

Reads: a campaign's monitors as they were sealed, or the ones its settings name. Writes: `<home>/cache/monitors/` where
the campaign has none, and that somebody looked while the campaign was not over. Must not be imported by any flow: the
command line alone does so. Must not know: how a shift is reckoned, what the detector read.
"""

from collections.abc import Sequence
from typing import Any

from transformers.utils.logging import disable_progress_bar

from flows.named_dataset import Published, trainable
from flows.progress import Progress
from flows.settings import Audit
from models.conversations import Messages
from models.shift import Shift, shift
from monitors.kept import chosen, monitors
from monitors.monitor import Monitor
from warehouse.blinding import unblind
from warehouse.hashing import content_hash
from warehouse.snapshot import about_snapshot
from warehouse.store import home

Shifts = dict[str, dict[str, Shift | None]]
"""Monitor → trait → how far its reading moves."""


def withheld(given: Published, who: str, seen: str) -> str:
    """Why held-out figures are not shown, "" where they may be: the campaign is over, or `who` gives up steering it,
    which is recorded."""
    if given.over:
        return ""
    if not who.strip():
        return (
            f"{given.campaign.name} is not over; say who looks with --who, who may not steer its amendments any more, "
            "or wait until it has ended"
        )
    unblind(given.campaign, who, about_snapshot(given.campaign / "author").get("round") or 0, seen, "")
    return ""


def watchers(given: Published, progress: Progress) -> dict[str, Monitor]:
    """The monitors of the campaign's last seal; of one that was never audited, those its settings name."""
    disable_progress_bar()
    audit = given.settings().audit
    sealed = sorted(given.campaign.glob("heldout/monitors-*"), key=lambda one: int(one.name.rpartition("-")[2]))
    named = chosen(audit.monitors if audit.gold != "off" else Audit().monitors, audit.use)
    if sealed:
        here = {name: one for name, one in named.items() if (sealed[-1] / name).is_dir()}
        if here:
            return monitors(sealed[-1], here, progress.to)
    key = content_hash({name: one.model_dump(mode="json") for name, one in named.items()})[:16]
    return monitors(home() / "cache" / "monitors" / key / "kept", named, progress.to)


def read(monitor: Monitor, texts: Sequence[Messages], what: str, progress: Progress) -> dict[str, list[float | None]]:
    """Trait → a reading of each text, None where it could not be read."""
    found = monitor.read(texts, lambda done, of: progress.to(what, done, of))
    return {trait: [one.readings[trait] for one in found] for trait in monitor.traits}


def forecasts(given: Published, without: tuple[str, ...], progress: Progress) -> Shifts:
    """Monitor → trait → the mean difference of its readings, chosen less rejected, with its interval over prompts."""
    rows, found = trainable(given.rows, without), Shifts()
    prompts = [str(row["prompt"]) for row in rows]
    for name, monitor in watchers(given, progress).items():
        chosen_, rejected = (
            read(monitor, [_exchange(row, side) for row in rows], f"{name} reads the {side}", progress)
            for side in ("chosen", "rejected")
        )
        found[name] = {trait: shift(chosen_[trait], rejected[trait], prompts) for trait in monitor.traits}
    return found


def outcomes(given: Published, before: Sequence[Messages], after: Sequence[Messages], progress: Progress) -> Shifts:
    """Monitor → trait → how far its reading moved from `before` to `after`, exchange by exchange."""
    found = Shifts()
    for name, monitor in watchers(given, progress).items():
        was, now = (
            read(monitor, texts, f"{name} reads the {what} model", progress)
            for what, texts in (("base", before), ("trained", after))
        )
        found[name] = {trait: shift(now[trait], was[trait], range(len(before))) for trait in monitor.traits}
    return found


def both(
    given: Published,
    without: tuple[str, ...],
    before: Sequence[Messages],
    after: Sequence[Messages],
    progress: Progress,
) -> tuple[Shifts, Shifts]:
    """`forecasts` of the dataset, and `outcomes` of the model."""
    return forecasts(given, without, progress), outcomes(given, before, after, progress)


def _exchange(row: dict[str, Any], side: str) -> Messages:
    return [*row["prompt"], *row[side]]
