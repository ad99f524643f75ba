"""The command `plumbline study`: selection pressure as an experiment.

Like the others it imports what it needs when it runs. Must not know: how any of it is done.
"""

import os
from pathlib import Path

from flows.output import DEFAULT, Output, answer


def study(
    file: Path | None = None,
    /,
    *,
    jobs: int = 0,
    seeds: int = 0,
    to: Path | None = None,
    output: Output = DEFAULT,
) -> None:
    """Run campaigns arm by arm and seed by seed, and say what selection did: flags, truth, bits, the gate's delays.

    What is over is found; a study that was stopped goes on where it stood.

    Example: `plumbline study` or `plumbline study MY.yaml --jobs 4 --to results`

    Parameters
    ----------
    file
        Study file (YAML). Without one, the shipped study: six arms on the embedded organism.
    jobs
        Campaigns at a time, each in a process of one thread; without it, as many as there are cores.
    seeds
        Instead of the file's; more seeds later leave what is over as it is.
    to
        Folder for study.md, study.json, study.png and study.parquet; without it, the study's own below PLUMBLINE_HOME.
    """
    from flows.study_settings import load_study

    asked, cells = load_study(file, seeds)
    from flows.prefect_setup import prepare
    from warehouse.store import home

    prepare(home(), output.debug)
    from flows import study as studies
    from flows.progress import Progress
    from flows.study_page import show, write

    with Progress() as progress:
        results, spent = studies.run(asked, cells, jobs or os.cpu_count() or 1, progress)
        folder = to or studies.place(asked)
        given = (str(file.name) if file else "", f"--seeds {seeds}" if seeds else "", f"--jobs {jobs}" if jobs else "")
        found = write(asked, cells, results, folder, " ".join(filter(None, ("plumbline study", *given))), spent)
        progress.say(f"written: {folder / 'study.md'}")
    facts = {"study": asked.name, "folder": str(folder), "campaigns": len(results), **found.model_dump(mode="json")}
    answer(output, facts, lambda: show(found))
