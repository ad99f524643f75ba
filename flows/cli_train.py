"""The commands about training on a published dataset: `plumbline forecast`, `train`, `outcome`.

Like the others they import what they need when they run. Must not know: how any of it is done.
"""

from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from flows.output import DEFAULT, Output, answer
from flows.settings import Training
from warehouse.errors import PlumblineError

USUAL = Training()


def train(
    dataset: str,
    /,
    *,
    model: str = "",
    method: Literal["full", "lora"] = USUAL.method,
    epochs: int = USUAL.epochs,
    batch: int = USUAL.batch,
    learning_rate: float | None = USUAL.learning_rate,
    beta: float = USUAL.beta,
    max_length: int = USUAL.max_length,
    seed: int = USUAL.seed,
    without: tuple[str, ...] = USUAL.without,
    output: Output = DEFAULT,
) -> None:
    """Train a model on a published dataset by DPO, and write down what it descends from. Goes on where it was killed.

    A quarantined or recalled version is refused. The same command twice finds the model. With several GPUs:
    `accelerate launch --module flows.cli train DATASET`.

    Example: `plumbline train embedded` or `plumbline train embedded@cb00a4 --model organism:generator --seed 1`

    Parameters
    ----------
    dataset
        CAMPAIGN (its current version), CAMPAIGN@VERSION, or the folder of a published version.
    model
        Folder of a saved model or organism:NAME; without it, the base reader the campaign read with.
    method
        The whole model, or a LoRA adapter that is merged into it.
    epochs
        How often each pair is seen.
    batch
        Pairs a step, over all devices.
    learning_rate
        Without it 2e-4 for the organism's models and 1e-6 for others; ten times that for LoRA.
    beta
        How strongly DPO is held to the model it started from.
    max_length
        Tokens after which a text is cut off.
    seed
        Of the order of the pairs, and of an adapter's first weights.
    without
        Kinds of the embedded world's prompts that are held back, for `plumbline outcome` to ask; give it once for each.
    """
    given = _checked(
        method=method, epochs=epochs, batch=batch, learning_rate=learning_rate, beta=beta, max_length=max_length,
        seed=seed, without=without,
    )  # fmt: skip
    from flows.progress import Progress
    from flows.train import train as train_on

    with Progress() as progress:
        made = train_on(dataset, model, given, progress)
    if made:
        told = f"{made.folder}\nmodel {made.hash[:12]}, {made.facts['pairs']} pairs; in the record: {made.recorded}"
        answer(output, made.as_json(), lambda: print(told))


def forecast(
    dataset: str,
    /,
    *,
    who: str = "",
    without: tuple[str, ...] = USUAL.without,
    output: Output = DEFAULT,
) -> None:
    """Before training: how far each trait should move, by the detector's readings of the pairs and by the monitors'.

    What monitors say is held out: while the campaign is not over, seeing it is recorded under your name, and you may
    not steer its amendments any more.

    Example: `plumbline forecast embedded`

    Parameters
    ----------
    dataset
        CAMPAIGN (its current version), CAMPAIGN@VERSION, or the folder of a published version.
    who
        Your name; needed only to see the monitors' forecast while the campaign is not over.
    without
        Kinds of the embedded world's prompts that training will hold back; give it once for each.
    """
    from flows import heldout_forecast
    from flows.forecast import forecast as forecast_of
    from flows.forecast import show
    from flows.named_dataset import published
    from flows.progress import Progress

    with Progress() as progress:
        given = published(dataset)
        withheld = heldout_forecast.withheld(given, who, "the monitors' forecast")
        heldout = {} if withheld else heldout_forecast.forecasts(given, without, progress)
        found = forecast_of(given, without, heldout, withheld)
    answer(output, found.as_json(), lambda: show(found))


def outcome(
    model: str,
    /,
    *,
    prompts: Path | None = None,
    count: int = 600,
    seed: int = 0,
    who: str = "",
    output: Output = DEFAULT,
) -> None:
    """After training: how far each trait moved, beside the forecast, on prompts of kinds never trained on.

    By ground truth in the embedded world, and by the campaign's monitors.

    Example: `plumbline outcome embedded/cb00a4ed8a39-1f0c2d3e`

    Parameters
    ----------
    model
        A folder that `plumbline train` wrote, or CAMPAIGN/NAME; any beginning of NAME that no other has will do.
    prompts
        JSON lines with `prompt`, for a model of your own. Without it, prompts of the embedded world's kinds held back.
    count
        How many prompts; the base and the trained model are asked the same, on the same random numbers.
    seed
        Of the prompts and the answers.
    who
        Your name; needed only to see what monitors say while the campaign is not over.
    """
    if count < 2:
        raise PlumblineError(f"{count} prompts show no shift; ask at least 2")
    from flows import heldout_forecast
    from flows.outcome import ask, outcome_of, show
    from flows.progress import Progress

    with Progress() as progress:
        told = ask(model, prompts, count, seed, progress)
        withheld = heldout_forecast.withheld(told.given, who, "the monitors' outcome")
        read = ({}, {}) if withheld else heldout_forecast.both(told.given, told.without, *told.exchanges, progress)
        found = outcome_of(told, *read, withheld)
    answer(output, found.as_json(), lambda: show(found))


def _checked(**given: Any) -> Training:
    try:
        return Training(**given)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]).replace("_", "-")
        raise PlumblineError(f"--{name} {given[str(first['loc'][0])]}: {first['msg']}") from error
