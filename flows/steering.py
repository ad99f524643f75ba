"""What a person's command does: answer the proposal that waits, go back to a version, give verdicts.

Reads: the author's snapshot. Writes: messages in the campaign's inbox. Must not know: who takes them out again.
"""

from pathlib import Path
from typing import Any

from flows import reviewing
from flows.progress import Progress
from warehouse.errors import PlumblineError
from warehouse.people import Proposal, earlier_version, say_approval, say_revert, waiting_proposals
from warehouse.snapshot import open_snapshot


def answer_proposal(campaign: str, who: str, approve: bool, note: str) -> tuple[Proposal, Path]:
    """Answer the proposal that the campaign waits for: it, and the message's file.

    Raises PlumblineError when none waits, it is answered already, or `who` may not answer.
    """
    folder = reviewing.folder_of(campaign)
    with open_snapshot(folder / "author") as store:
        proposals = waiting_proposals(store, campaign)
    if not proposals:
        raise PlumblineError(f"{campaign}: no amendment waits for an answer; one does where amend.approval is person")
    return proposals[0], say_approval(folder, who, proposals[0].constitution, approve, note)


def go_back(campaign: str, constitution: str, who: str, note: str) -> tuple[str, Path]:
    """Ask for an earlier version: its hash, and the message's file. Raises PlumblineError as `say_revert` does."""
    folder = reviewing.folder_of(campaign)
    digest = earlier_version(folder, constitution)
    return digest, say_revert(folder, who, digest, note)


def review(campaign: str, who: str, verdicts: Path | None, only_list: bool) -> tuple[dict[str, Any], list[str]]:
    """Give verdicts, take in what can be: the facts, and the lines that tell them.

    Raises PlumblineError for verdicts without a name, or a file that is none of verdicts.
    """
    pairs = reviewing.queue(campaign, who)
    if only_list:
        lines = [f"{pair.pair_id}  {reviewing.said(pair.prompt)} → {reviewing.said(pair.chosen)}" for pair in pairs]
        return {"campaign": campaign, "pairs": [pair._asdict() | {"shown": pair.shown} for pair in pairs]}, lines
    if verdicts and not who:
        raise PlumblineError("--who: say whose verdicts these are; the record keeps the name")
    given = reviewing.read(campaign, who, verdicts) if verdicts else reviewing.ask(campaign, who) if who else 0
    with Progress() as progress:
        taken = reviewing.take_in(campaign, progress)
    left = len(reviewing.queue(campaign, who))
    facts = {"campaign": campaign, "given": given, "waiting": left, **taken._asdict()}
    if taken.running:
        said = f"{campaign} is running and takes the verdicts in before its next round"
    elif taken.dataset:
        said = f"{taken.verdicts} taken into the record; the dataset is now {taken.dataset}"
    else:
        said = f"{taken.verdicts} taken into the record; they join the dataset at the next publication"
    return facts, [f"{given} verdicts given, {left} pairs wait" + (f" for {who}" if who else ""), said]
