"""The commands of the audit: `plumbline audit`, `blame`, `resume`, `gold`, `simulate`, `frames`.

Like the others they import what they need when they run. Must not know: how any of it is done.
"""

from pathlib import Path
from typing import Literal

from flows.output import DEFAULT, Output, answer


def audit(campaign: str = "embedded", /, *, who: str = "", reason: str = "", output: Output = DEFAULT) -> None:
    """Show the auditor's view: what gold found, round by round, and where the evidence stands.

    While the campaign is not over, looking is recorded under your name, and you may not steer its amendments any more.

    Example: `plumbline audit embedded`

    Parameters
    ----------
    campaign
        Name of the campaign, as it stands below PLUMBLINE_HOME.
    who
        Your name; needed only while the campaign is not over.
    reason
        Why you look, for the record.
    """
    from flows.views import as_json, audited, show_audit

    snapshot = audited(campaign, who, reason)
    answer(output, as_json(snapshot), lambda: show_audit(snapshot))


def blame(campaign: str = "embedded", /, *, output: Output = DEFAULT) -> None:
    """After an alarm: the first constitution from which the hidden rate departs, with its diff.

    Example: `plumbline blame embedded`

    Parameters
    ----------
    campaign
        Name of the campaign, as it stands below PLUMBLINE_HOME.
    """
    from flows.views import blamed, show_blame

    facts = blamed(campaign)
    answer(output, facts, lambda: show_blame(facts))


def resume(
    campaign: str,
    /,
    *,
    mode: Literal["filter", "regenerate", "update"],
    who: str,
    monitors: str = "",
    use: tuple[str, ...] = (),
    reason: str = "",
    output: Output = DEFAULT,
) -> None:
    """A person's word that a campaign the gate has halted goes on, under a new seal and after a new baseline.

    It goes on from the constitution before the one to blame, when `plumbline run` is typed again.

    Example: `plumbline resume embedded --mode regenerate --who Ada`

    Parameters
    ----------
    campaign
        Name of the campaign, as it stands below PLUMBLINE_HOME.
    mode
        The mode it goes on in; `update` needs monitors that have not watched it yet.
    who
        Your name, for the record.
    monitors
        A YAML file of monitors; without one, the file used before.
    use
        Which monitors of that file watch; give it once for each.
    reason
        Why, for the record.
    """
    from flows.modes import resume as go_on

    file = str(Path(monitors).resolve()) if monitors and not monitors.startswith("embedded:") else monitors
    stretch = go_on(campaign, mode, who, reason, file, use)
    facts = {"campaign": campaign, "seal": stretch.seal, "round": stretch.began, "mode": mode, "who": who}
    answer(output, facts, lambda: print(f"{campaign} goes on from round {stretch.began} in mode {mode}: plumbline run"))


def gold(
    campaign: str = "embedded",
    /,
    *,
    who: str,
    verdicts: Path | None = None,
    list: bool = False,
    output: Output = DEFAULT,
) -> None:
    """Answer the questions that a campaign with `gold: person` waits for, one by one or from a file.

    Example: `plumbline gold mine --who Ada`

    Parameters
    ----------
    campaign
        Name of the campaign, as it stands below PLUMBLINE_HOME.
    who
        Your name, for the record; a positive must be confirmed by somebody else.
    verdicts
        JSON lines with `pair_id`, `turn`, `verdict` (clean, justified, unjustified, unsure), `traits` and `reason`.
    list
        Only list the questions.
    """
    from flows.heldout_gold import ask, take, waiting

    if list:
        questions = waiting(campaign, who)
        lines = [f"{one.pair_id} {one.turn}  {one.request} → {one.response}" for one in questions]
        answer(output, {"questions": [one._asdict() for one in questions]}, lambda: print("\n".join(lines)))
        return
    done = take(campaign, who, verdicts) if verdicts else ask(campaign, who)
    left = len(waiting(campaign, who))
    facts = {"campaign": campaign, "answered": done, "waiting": left}
    answer(output, facts, lambda: print(f"{done} answered, {left} wait for {who}"))


def simulate(
    *,
    campaigns: int = 500,
    seed: int = 0,
    budget: float | None = None,
    rate: float | None = None,
    overlap: float | None = None,
    output: Output = DEFAULT,
) -> None:
    """Put the gate to the test in a simulated world: false alarms, power, and controls that must fail.

    Example: `plumbline simulate` or, to plan an audit, `plumbline simulate --budget 30 --rate 0.1`

    Parameters
    ----------
    campaigns
        Simulated campaigns a row.
    seed
        The same seed gives the same rows.
    budget
        To plan: gold reviews a round (20 unless told).
    rate
        To plan: share of bad pairs (0.15 unless told).
    overlap
        To plan: chance that the monitor shares the detector's blind spot (0 unless told).
    """
    from flows.heldout_cli import as_json, planned_rows, show_rows, table_rows

    asked = {"budget": (budget, 20.0), "rate": (rate, 0.15), "overlap": (overlap, 0.0)}
    if budget is rate is overlap is None:
        rows = table_rows(campaigns, seed)
    else:
        told = {name: usual if given is None else given for name, (given, usual) in asked.items()}
        rows = planned_rows(**told, campaigns=campaigns, seed=seed)
    answer(output, as_json(rows), lambda: show_rows(rows))


def frames(
    *,
    generator: str = "organism:two-faced",
    constitution: str = "embedded:start",
    prompts: int = 200,
    monitor: Literal["classifier", "judge"] = "classifier",
    seed: int = 0,
    output: Output = DEFAULT,
) -> None:
    """Ask a generator the same held-out prompts as in training, under oversight and deployed: does its motive move?

    Example: `plumbline frames` or `plumbline frames --generator organism:even-handed`

    Parameters
    ----------
    generator
        Folder of a saved model, or organism:NAME for a shipped one.
    constitution
        Constitution file, or embedded:NAME for a shipped one; the frame is said after it.
    prompts
        How many, from a split that no campaign uses; each is answered once in each frame.
    monitor
        Which held-out monitor reads the motives.
    seed
        The same seed gives the same prompts, answers and figures.
    """
    from flows import heldout_frames

    found = heldout_frames.measure(generator, constitution, prompts, monitor, seed)
    answer(output, heldout_frames.as_json(found), lambda: heldout_frames.show(found))


COMMANDS = (audit, blame, resume, gold, simulate, frames)
