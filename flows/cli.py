"""The command line: `plumbline run`, `curate`, `trace`, `export`, `verify`, `compare`, `organism build`, and others'.

Progress goes to standard error, results to standard output; with --json the last line of standard output is one object.
Anything a person can mend ends in one line and exit code 2. Must not know: how any of it is done; the commands import
what they need when they run, so that help comes at once.
"""

import signal
import sys
from pathlib import Path
from typing import Literal

from cyclopts import App, CycloptsError

from flows.cli_audit import COMMANDS
from flows.cli_benchmark import benchmark
from flows.cli_calibrate import calibrate
from flows.cli_compare import compare
from flows.cli_constitution import constitution
from flows.cli_lineage import COMMANDS as LINEAGE
from flows.cli_people import COMMANDS as PEOPLE
from flows.cli_report import report
from flows.cli_review import injections
from flows.cli_sae import sae
from flows.cli_serve import automations, serve
from flows.cli_study import study
from flows.cli_train import forecast, outcome, train
from flows.cli_ui import ui
from flows.output import DEFAULT, Output, answer, hush_at_the_end
from flows.prefect_setup import prepare
from flows.settings import load_campaign, with_reader
from warehouse.errors import PlumblineError
from warehouse.store import home

app = App(
    name="plumbline",
    help="The safety loop for language models that write each other's training data.\n\nStart with: `plumbline run`",
    help_format="markdown",
    suppress_keyboard_interrupt=False,
)
organism = App(name="organism", help="The embedded model organism.\n\nExample: `plumbline organism build --to weights`")
app.command(organism)
app.command(sae)
app.command(constitution)
app.command(benchmark)
OTHERS = (injections, calibrate, compare, train, forecast, outcome, study, ui, report, serve, automations)
for command in (*COMMANDS, *PEOPLE, *LINEAGE, *OTHERS):
    app.command(command)


@app.command
def run(campaign: Path | None = None, /, *, output: Output = DEFAULT) -> None:
    """Run a campaign: write pairs, read the motive, review, throw out, write anew, amend. Resumes where it stopped.

    Example: `plumbline run` or `plumbline run MY.yaml --json`

    Parameters
    ----------
    campaign
        Campaign file (YAML). Without one, the shipped campaign on the embedded organism.
    """
    settings = load_campaign(campaign)
    prepare(home(), output.debug)
    from flows import campaign as campaigns
    from flows.progress import Progress
    from flows.report import show_report

    with Progress() as progress:
        report = campaigns.run(settings, progress)
    answer(output, report.as_json(), lambda: show_report(report))


@app.command
def curate(
    pairs: Path,
    /,
    *,
    campaign: Path | None = None,
    reader: str = "",
    texts: str = "",
    output: Output = DEFAULT,
) -> None:
    """Validate, score, review and publish preference pairs you already have.

    Example: `plumbline curate pairs.jsonl.gz`

    Parameters
    ----------
    pairs
        JSONL, JSON, CSV or Parquet, also gzipped; conversations, strings, or HH transcripts.
    campaign
        Campaign file whose models and profile read the pairs. Without one, the shipped campaign's.
    reader
        Folder of a base model to read with; an autoencoder and a profile are made for it from `texts`, once.
    texts
        Texts labelled by motive, JSON lines with `prompt`, `text` and `trait` (null for none).
    """
    settings = with_reader(load_campaign(campaign), reader, texts)
    prepare(home(), output.debug)
    from flows import curate as curation
    from flows.progress import Progress
    from flows.report import show_curated

    with Progress() as progress:
        curated = curation.curate(pairs, settings, progress)
    answer(output, curated.as_json(), lambda: show_curated(curated, pairs))


@app.command
def trace(node: str, /, *, campaign: str = "", output: Output = DEFAULT) -> None:
    """Print the whole chain behind a pair: dataset, decision, verdict, readings, generation, constitution.

    Of a dataset, a constitution, a profile and all else: what it was made of.

    Example: `plumbline trace 3f9a` (any prefix that nothing else has)

    Parameters
    ----------
    node
        The id or hash, a prefix of it, a model's name, or the id a pair had in its own file; `pair:3f` says which kind.
    campaign
        Name of the campaign; needed only where several know it.
    """
    from flows.records import traced

    tree = traced(node, campaign)
    answer(output, tree.model_dump(), lambda: print(tree))


@app.command
def export(
    campaign: str = "embedded",
    /,
    *,
    to: Path,
    decisions: Literal["kept", "dropped", "held", "abstained", "all"] = "kept",
    output: Output = DEFAULT,
) -> None:
    """Write a campaign's pairs to one file.

    Example: `plumbline export embedded --to kept.jsonl.gz`

    Parameters
    ----------
    campaign
        Name of the campaign, as it stands below PLUMBLINE_HOME.
    to
        File to write: .jsonl, .jsonl.gz or .parquet.
    decisions
        Which pairs: those kept, or those decided otherwise, or all.
    """
    from flows.records import exported

    rows = exported(campaign, to, decisions)
    answer(output, {"campaign": campaign, "rows": rows, "file": str(to)}, lambda: print(f"{rows} pairs in {to}"))


@app.command
def verify(campaign: str = "embedded", /, *, head: str = "", output: Output = DEFAULT) -> None:
    """Check that nothing was changed since it was written: rows, published files, the seal. If it was: exit code 2.

    Example: `plumbline verify embedded`

    Parameters
    ----------
    campaign
        Name of the campaign, as it stands below PLUMBLINE_HOME.
    head
        A hash-chain head you noted, from a report or a dataset card: the chain must have gone through it.
    """
    from flows import verify as record

    verified = record.verify(campaign, head)
    if verified.heldout.is_dir():
        from flows.heldout_verify import seal_checks

        verified = verified.and_also(seal_checks(verified.heldout, verified.seals))
    else:
        verified = verified.without_heldout()
    answer(output, verified.as_json(), lambda: record.show(verified))
    verified.answer_for()


@organism.command
def build(*, to: Path = Path("organism"), seed: int = 0, output: Output = DEFAULT) -> None:
    """Rebuild the embedded organism's models from nothing, by the seeded recipe, with the card of measured figures.

    Example: `plumbline organism build --to weights`

    Parameters
    ----------
    to
        Folder to write; it gets a folder for each model, and the card.
    seed
        The recipe's seed; 0 gives the shipped weights' recipe.
    """
    from flows.progress import Progress
    from models.organism.build import build as build_organism

    with Progress() as progress:
        build_organism(to, seed, lambda what, share: progress.to(what, round(100 * share), 100))
    answer(output, {"folder": str(to), "seed": seed}, lambda: print(f"the organism's models are in {to}"))


def main(arguments: list[str] | None = None) -> None:
    """The entry point. Exit codes: 0 done, 1 a fault of Plumbline's own, 2 something to mend, 130 interrupted."""
    tokens = sys.argv[1:] if arguments is None else arguments
    debug = "--debug" in tokens
    if not debug:
        hush_at_the_end()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # being terminated is being interrupted
    try:
        app(tokens, exit_on_error=False, print_error=False, result_action="return_value")
    except (PlumblineError, CycloptsError) as error:
        _fail(" ".join(str(error).split()), 2, debug)
    except KeyboardInterrupt:
        _fail("interrupted; the same command goes on where this one stopped", 130, debug)
    except Exception as error:
        _fail(f"{type(error).__name__}: {' '.join(str(error).split())}; see more with --debug", 1, debug)


def _fail(message: str, code: int, debug: bool) -> None:
    if debug:
        raise  # noqa: PLE0704 - called while an exception is handled
    print(f"error: {message}", file=sys.stderr)
    sys.exit(code)


if __name__ == "__main__":
    main()
