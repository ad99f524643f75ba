"""The command `plumbline benchmark sincerity`.

Like the others it imports what it needs when it runs. Must not know: how any of it is done.
"""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from flows.output import DEFAULT, Output, answer

benchmark = App(
    name="benchmark",
    help="Measures of text and of readers.\n\nExample: `plumbline benchmark sincerity outputs.jsonl`",
)


@benchmark.command
def sincerity(
    files: list[Path],
    /,
    *,
    campaign: Path | None = None,
    reader: str = "",
    texts: str = "",
    control: Path | None = None,
    traits: Annotated[tuple[str, ...], Parameter(consume_multiple=True)] = (),
    pairs: Annotated[bool, Parameter(negative="")] = False,
    seed: int = 0,
    to: Path | None = None,
    output: Output = DEFAULT,
) -> None:
    """How phony, deceptive and sycophantic assistant text reads, source by source, beside text of like length.

    Example: `plumbline benchmark sincerity old.jsonl new.jsonl --control people.jsonl --to results`

    Parameters
    ----------
    files
        Assistant outputs: JSONL, JSON, CSV or Parquet, also gzipped. Each row has `text` (or `response`, `completion`,
        `output`) and may have `prompt`; or it has `messages`. `source` names its source, else the file does.
    campaign
        Campaign file whose reader and profile read the texts. Without one, the shipped campaign's.
    reader
        Folder of a base model to read with; an autoencoder and a profile are made for it from `texts`, once.
    texts
        Texts labelled by motive to calibrate that reader on, JSON lines with `prompt`, `text` and `trait`.
    control
        Texts to compare each source with, of the same kind and known to be sincere. Without it, the other sources.
    traits
        Traits of the profile to show instead, or all.
    pairs
        Rows are preference pairs; their chosen and rejected sides are sources of their own.
    seed
        Of the bootstrap.
    to
        Folder for sincerity.md, sincerity.json and a picture.
    """
    from flows.prefect_setup import prepare
    from flows.settings import load_campaign, with_reader
    from warehouse.store import home

    settings = with_reader(load_campaign(campaign), reader, texts)
    prepare(home(), output.debug)
    from flows.progress import Progress
    from flows.sincerity import measure
    from flows.sincerity_page import show, write

    with Progress() as progress:
        found = measure(files, settings, control, traits, pairs, seed, progress)
        options = {"campaign": campaign, "reader": reader, "texts": texts, "control": control, "traits": traits}
        command = _command(files, options | {"pairs": pairs, "seed": seed})
        for file in write(found, to, command) if to else []:
            progress.say(f"written: {file}")
    answer(output, found.model_dump(mode="json"), lambda: show(found))


def _command(files: Sequence[Path], options: Mapping[str, object]) -> str:
    """What was typed, folders left out."""
    words = ["plumbline", "benchmark", "sincerity", *(file.name for file in files)]
    for name, value in options.items():
        if value:
            values = () if value is True else value if isinstance(value, tuple) else (value,)
            words += [f"--{name}", *(Path(str(one)).name for one in values)]
    return shlex.join(words)
