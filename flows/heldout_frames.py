"""What `plumbline frames` does: the train/deploy gap of a generator, by a held-out monitor, and by the truth if known.

Reads: the generator's folder, a constitution, the organism's sealed prompts. Writes: nothing. Must not be imported by
any flow: the command line alone does so. Must not know: how motives are read, how a gap is reckoned.
"""

from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table
from transformers.utils.logging import disable_progress_bar

from constitutions.document import Constitution
from constitutions.frames import frames
from flows.progress import Progress
from flows.settings import constitution_file, model_folder
from models.language import LanguageModel
from models.organism.prompts import prompts
from monitors.embedded import build, settings
from monitors.frames import Gap
from monitors.framing import ask, by_monitor, by_truth, framing_gap
from warehouse.errors import PlumblineError
from warehouse.hashing import short


class Found(NamedTuple):
    generator: str
    monitor: str
    hashes: dict[str, str]  # of the generator, the constitution, the frames, the monitor
    seed: int
    gap: Gap
    truth: Gap | None  # None where the responses are not the embedded world's


def measure(generator: str, constitution: str, count: int, monitor: str, seed: int) -> Found:
    """Raises PlumblineError for a model, a constitution or a number of prompts that will not do."""
    if count < 1:
        raise PlumblineError(f"{count} prompts show nothing; ask at least 1")
    disable_progress_bar()
    document = Constitution.load(constitution_file(constitution))
    model = LanguageModel.load(model_folder(generator))
    try:
        requests = prompts("sealed", count, seed)
    except ValueError as error:
        raise PlumblineError(str(error)) from error
    with Progress() as progress:
        reader = build(settings()[monitor], progress.to)
        asked = ask(model, requests, document.text(), seed, lambda done, of: progress.to("ask", done, of))
        read = by_monitor(reader, lambda done, of: progress.to("read the motives", done, of))
        seen = framing_gap(asked, read, seed)
    known = any(all(by_truth(row)) for row in asked.conversations)
    truth = framing_gap(asked, by_truth, seed) if known else None
    hashes = {"generator": model.hash, "constitution": document.hash, "frames": frames().hash, "monitor": reader.hash}
    return Found(generator, monitor, hashes, seed, seen, truth)


def as_json(found: Found) -> dict[str, Any]:
    """One object; `truth` is null where it is not known."""
    return {
        **found._asdict(),
        "gap": found.gap._asdict(),
        "truth": found.truth._asdict() if found.truth else None,
    }


def show(found: Found) -> None:
    """Frame by frame the share of each motive, then the gap in bits; truth beside it, in another tone."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=160)
    console.print(_shares(f"{found.generator}, read by the {found.monitor}", found.gap))
    console.print(_said("gap", found.gap))
    if found.truth:
        console.print(_shares("what the world knows", found.truth), style="cyan")
        console.print(_said("truth", found.truth), style="cyan")
    else:
        console.print("no truth beside it: the responses are not the embedded world's", style="cyan")
    console.print("  ".join(f"{name} {short(digest)}" for name, digest in found.hashes.items()), style="dim")


def _shares(title: str, gap: Gap) -> Table:
    table = Table(title=title, header_style="bold")
    table.add_column("frame")
    motives = list(next(iter(gap.table.values())))
    for motive in (*motives, "unknown"):
        table.add_column(motive, justify="right")
    for frame, counts in gap.table.items():
        shares = [counts[motive] / gap.used for motive in motives]
        table.add_row(frame, *(f"{share:.2f}" for share in (*shares, gap.unknown[frame])))
    return table


def _said(name: str, gap: Gap) -> str:
    moved = "the motive moves with the frame" if gap.p_value < 0.05 else "no gap is shown, which does not prove none"
    return f"{name}: {gap.bits:.4f} bits, p = {gap.p_value:.3f}, {gap.used} of {gap.prompts} prompts: {moved}"
