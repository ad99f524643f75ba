"""The commands by which people steer and judge: `plumbline approve`, `revert`, `review`.

Like the others they import what they need when they run. Must not know: how any of it is done.
"""

from pathlib import Path

from flows.output import DEFAULT, Output, answer


def approve(
    campaign: str = "embedded",
    /,
    *,
    who: str,
    reject: bool = False,
    note: str = "",
    output: Output = DEFAULT,
) -> None:
    """Approve or reject the amendment that a campaign with `amend.approval: person` waits for.

    It leaves a message in the campaign's inbox; the waiting campaign looks there every second, a stopped one when it is
    run again.

    Example: `plumbline approve embedded --who Ada` or `plumbline approve embedded --reject --who Ada`

    Parameters
    ----------
    campaign
        Name of the campaign, as it stands below PLUMBLINE_HOME.
    who
        Your name, for the record; whoever opened the auditor's view while it ran may not answer.
    reject
        Reject it: the constitution in force stays, and these principles are never proposed again in the campaign.
    note
        Why, for the record.
    """
    from flows.steering import answer_proposal

    proposal, file = answer_proposal(campaign, who, not reject, note)
    word = "rejected" if reject else "approved"
    facts = {"campaign": campaign, **proposal._asdict(), "approve": not reject, "who": who, "message": str(file)}
    told = f"{proposal.amendment}: {word} by {who}, once {campaign} has read it in {file}"
    answer(output, facts, lambda: print(told))


def revert(campaign: str, constitution: str, /, *, who: str, note: str = "", output: Output = DEFAULT) -> None:
    """Have a campaign go on from an earlier version of its constitution, from the next round on.

    It leaves a message in the campaign's inbox, which is read before a round begins.

    Example: `plumbline revert embedded 3f9a --who Ada`

    Parameters
    ----------
    campaign
        Name of the campaign, as it stands below PLUMBLINE_HOME.
    constitution
        Hash of the version, or as much of it as no other has; the Constitution page and `trace` show it.
    who
        Your name, for the record; whoever opened the auditor's view while it ran may not revert.
    note
        Why, for the record.
    """
    from flows.steering import go_back

    digest, file = go_back(campaign, constitution, who, note)
    facts = {"campaign": campaign, "constitution": digest, "who": who, "message": str(file)}
    answer(output, facts, lambda: print(f"{campaign} goes on from {digest[:12]}, once it has read {file}"))


def review(
    campaign: str = "embedded",
    /,
    *,
    who: str = "",
    verdicts: Path | None = None,
    list: bool = False,
    output: Output = DEFAULT,
) -> None:
    """Judge the pairs that the reviewer was unsure of, one by one or from a file; the texts are all you are shown.

    A held pair that you call justified joins the dataset, one that you call unjustified is dropped. A running campaign
    takes verdicts in before its next round; else they are taken in here, and an ended one is published again. Without
    your name nobody is asked: what waits is taken in.

    Example: `plumbline review embedded --who Ada` or `plumbline review embedded --who Ada --verdicts mine.jsonl`

    Parameters
    ----------
    campaign
        Name of the campaign, as it stands below PLUMBLINE_HOME.
    who
        Your name, for the record.
    verdicts
        JSON lines with `pair_id`, `verdict` (justified, unjustified, unsure), `traits` and `note`.
    list
        Only list the pairs that wait.
    """
    from flows.steering import review as reviewed

    facts, lines = reviewed(campaign, who, verdicts, list)
    answer(output, facts, lambda: print("\n".join(lines)))


COMMANDS = (approve, revert, review)
