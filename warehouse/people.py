"""What people say to a campaign, checked where they say it: answers to proposals, versions to go back to, verdicts.

Reads: the author's snapshot, who has looked at held-out figures. Writes: messages in the campaign's inbox, which the
campaign's own process takes into the record. Must not know: pages, flows, or what becomes of a message.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from warehouse.blinding import unblinded
from warehouse.errors import PlumblineError
from warehouse.hashing import short
from warehouse.inbox import put
from warehouse.snapshot import about_snapshot, open_snapshot
from warehouse.store import Store

Said = Literal["justified", "unjustified", "unsure"]


class Proposal(NamedTuple):
    """An amendment that waits for a person; `constitution` and `parent` are hashes."""

    round: int
    constitution: str
    parent: str
    amendment: str


def may_steer(campaign: Path, who: str) -> None:
    """Whether `who` may approve, reject and revert in the campaign in the folder `campaign`.

    Raises PlumblineError when nobody is named, or when they have seen held-out figures of it while it ran.
    """
    if not who.strip():
        raise PlumblineError("say who you are; the record keeps the name")
    if who.strip() in unblinded(campaign):
        raise PlumblineError(
            f"{who.strip()} opened the auditor's view while {campaign.name} was running, so may not steer its "
            "amendments; somebody else must"
        )


def waiting_proposals(store: Store, campaign: str) -> list[Proposal]:
    """Proposals that have no answer yet, oldest first: none, or the one that the campaign stands still for."""
    sql = (
        "SELECT round, constitution, parent, amendment FROM proposals "
        "ANTI JOIN approvals USING (campaign, round, constitution) WHERE campaign = ? ORDER BY round"
    )
    return [Proposal(**row) for row in store.query(sql, campaign).to_pylist()]


def say_approval(campaign: Path, who: str, constitution: str, approve: bool, note: str = "") -> Path:
    """Answer the proposal `constitution` (its hash); the message's file.

    Raises PlumblineError when it does not wait for an answer, or `who` may not give one. The message of somebody who
    has seen held-out figures is left all the same: the campaign refuses it and keeps a record of that.
    """
    with open_snapshot(campaign / "author") as store:
        waits = {proposal.constitution: proposal for proposal in waiting_proposals(store, campaign.name)}
    if constitution not in waits:
        raise PlumblineError(f"{campaign.name}: no amendment {short(constitution)} waits for an answer")
    said = {"round": waits[constitution].round, "constitution": constitution, "approve": approve, "note": note}
    left = put(campaign, "approval", who, said)
    may_steer(campaign, who)
    return left


def say_revert(campaign: Path, who: str, constitution: str, note: str = "") -> Path:
    """Go on from an earlier version, as `earlier_version` names it, from the next round on; the message's file.

    Raises PlumblineError as that does, or when `who` may not steer; the message of somebody who has seen held-out
    figures is left all the same.
    """
    digest = earlier_version(campaign, constitution)
    left = put(campaign, "revert", who, {"constitution": digest, "note": note})
    may_steer(campaign, who)
    return left


def earlier_version(campaign: Path, constitution: str) -> str:
    """The hash of a version to go back to, from as much of it as no other has.

    Raises PlumblineError when the campaign is over, when no such version has been in force, or it is so now.
    """
    if about_snapshot(campaign / "author").get("over"):
        raise PlumblineError(
            f"{campaign.name} has ended or stands still, so there is no next round; after an alarm the version is "
            f"chosen by `plumbline resume {campaign.name}`"
        )
    with open_snapshot(campaign / "author") as store:
        versions = in_force(store, campaign.name)
    earlier = [one for one in dict.fromkeys(versions) if one != versions[-1]]
    found = [one for one in earlier if constitution and one.startswith(constitution)]
    if len(found) != 1:
        known = ", ".join(map(short, earlier)) or "none yet"
        what = "means several versions" if found else "is no version to go back to"
        raise PlumblineError(f"{campaign.name}: {short(constitution) or 'nothing'} {what}; earlier versions: {known}")
    return found[0]


def say_verdict(
    campaign: Path, who: str, pair_id: str, verdict: str, traits: Sequence[str] = (), note: str = "", shown: str = ""
) -> Path:
    """Give a verdict on a pair; `shown` is the hash of what was shown, from `warehouse.reviews`. The message's file.

    Raises PlumblineError for a verdict that there is none of, or when nobody is named.
    """
    if verdict not in get_args(Said):
        raise PlumblineError(f"pair {pair_id}: verdict {verdict!r} cannot be; say one of {', '.join(get_args(Said))}")
    said = {"pair_id": pair_id, "verdict": verdict, "traits": list(traits), "note": note, "shown": shown}
    return put(campaign, "verdict", who, said)


def in_force(store: Store, campaign: str) -> list[str]:
    """The hashes of the constitutions that have been in force, in order, the one in force now last; empty where pairs
    were not written under any."""
    sql = "SELECT constitution FROM v_in_force WHERE campaign = ? ORDER BY round, step"
    hashes = store.query(sql, campaign)["constitution"].to_pylist()
    return [one for place, one in enumerate(hashes) if not place or one != hashes[place - 1]]
