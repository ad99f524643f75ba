"""A person's word on an amendment: the campaign stands still until somebody has approved or rejected it.

The pause is Prefect's own, so that its page can answer it; whoever answers on the command line or the dashboard leaves
a message in the inbox, which this process looks for once a second and hands to the pause. Reads: the record of
proposals and answers. Writes: a row in each; the author's snapshot. Must not know: how a candidate was chosen.
"""

import contextlib
import contextvars
import threading
import time
from collections.abc import Iterator
from typing import Annotated, Any, NamedTuple
from uuid import UUID

from prefect.context import FlowRunContext
from prefect.exceptions import NotPausedError
from prefect.flow_runs import pause_flow_run, resume_flow_run
from prefect.input import RunInput
from pydantic import StringConstraints

from constitutions.document import Constitution
from flows.author_snapshot import show_author
from flows.hearing import refuse, steers
from flows.modes import constitution_of
from flows.workshop import Workshop
from warehouse.hashing import short
from warehouse.inbox import Message, take, waiting
from warehouse.store import Store

PATIENCE = 365 * 24 * 3600  # seconds: as good as for ever, which Prefect cannot say
EVERY = 1  # second


class Approval(RunInput):
    """The form on Prefect's page."""

    approve: bool
    who: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
    note: str = ""


class Box(NamedTuple):
    """The message that answered the pause, where one did, and whether to go on looking for one."""

    answered: list[Message]
    over: threading.Event


def approved(shop: Workshop, number: int, incumbent: Constitution, proposed: Constitution) -> bool:
    """Whether `proposed` may take the incumbent's place: where a person is asked, what the first of them said who may.

    The answer is the record's where it has one, so a campaign that goes on asks nobody twice.
    """
    if shop.settings.amend.approval == "none" or proposed == incumbent:
        return True
    campaign, folder = shop.settings.name, shop.folder.parent
    row = {"campaign": campaign, "round": number, "constitution": proposed.hash}
    shop.register(proposals=[{**row, "parent": incumbent.hash, "amendment": proposed.amendment}])
    while (answer := _recorded(shop.store, campaign, number, proposed)) is None:
        show_author(shop.store, folder, over=False)
        shop.progress.step("waits for a person")
        shop.progress.say(
            f"{campaign} waits for a person: {proposed.amendment} (constitution {short(proposed.hash)})? Answer with "
            f"`plumbline approve {campaign} --who YOU` or `plumbline approve {campaign} --reject --who YOU`, on the "
            f"dashboard, or on Prefect's page of the flow run {campaign} amend {number}"
        )
        form, message = _wait(shop, number, proposed)
        said = message or Message(shop.folder, form.who, time.time_ns() // 1000, form.model_dump(exclude={"who"}))
        if reason := steers(folder, said.who):
            refuse(shop.store, folder, "approval", said, number, reason)
            shop.progress.say(f"{campaign}: {reason}")
        else:
            told = {"number": 1, "approve": form.approve, "who": said.who, "given": said.given, "note": form.note}
            shop.register(approvals=[row | told])
        if message:
            take(message)
    shop.progress.say(f"{campaign}: {answer['who']} {'approved' if answer['approve'] else 'rejected'} the amendment")
    return bool(answer["approve"])


def rejected(store: Store, campaign: str, before: int) -> list[Constitution]:
    """What people rejected before round `before`, none of which is proposed again."""
    sql = "SELECT constitution FROM approvals WHERE campaign = ? AND round < ? AND NOT approve ORDER BY round"
    hashes = store.query(sql, campaign, before)["constitution"].to_pylist()
    return [constitution_of(store, digest) for digest in hashes]


def answered_by(store: Store, campaign: str, number: int, proposed: Constitution) -> str:
    """Who answered the proposal; "" where nobody was asked."""
    answer = _recorded(store, campaign, number, proposed)
    return str(answer["who"]) if answer else ""


def _recorded(store: Store, campaign: str, number: int, proposed: Constitution) -> dict[str, Any] | None:
    sql = "SELECT * FROM approvals WHERE campaign = ? AND round = ? AND constitution = ?"
    return next(iter(store.query(sql, campaign, number, proposed.hash).to_pylist()), None)


def _wait(shop: Workshop, number: int, proposed: Constitution) -> tuple[Approval, Message | None]:
    """Pause until Prefect's page or a message answers: the answer, and the message if it was one."""
    context = FlowRunContext.get()
    assert context and context.flow_run
    with _looking(shop, number, proposed, context.flow_run.id) as box:
        form = Approval.with_initial_data(description=f"{proposed.amendment}\n\n{proposed.text()}")
        answer = pause_flow_run(wait_for_input=form, timeout=PATIENCE, poll_interval=EVERY)
    return answer, next(iter(box.answered), None)


@contextlib.contextmanager
def _looking(shop: Workshop, number: int, proposed: Constitution, run: UUID) -> Iterator[Box]:
    """Look into the inbox, in a thread of its own, as long as the pause lasts."""
    box, context = Box([], threading.Event()), contextvars.copy_context()
    thread = threading.Thread(target=context.run, args=(_look, shop, number, proposed, run, box), daemon=True)
    thread.start()
    try:
        yield box
    finally:
        box.over.set()
        thread.join()


def _look(shop: Workshop, number: int, proposed: Constitution, run: UUID, box: Box) -> None:
    trouble = ""
    while not box.over.wait(EVERY) and not box.answered:
        try:
            for message in waiting(shop.folder.parent, "approval"):
                if _answers(shop, number, proposed, message):
                    told = {"approve": message.said["approve"], "who": message.who}
                    resume_flow_run(run, run_input=told | {"note": str(message.said.get("note", ""))})
                    box.answered.append(message)
                    break
        except (NotPausedError, RuntimeError):
            continue  # the pause is not up yet, or somebody has just answered it on the page
        except Exception as error:  # a file that is no message, a server that is away: to be mended while it waits
            if str(error) != trouble:
                shop.progress.say(trouble := str(error))


def _answers(shop: Workshop, number: int, proposed: Constitution, message: Message) -> bool:
    """Whether a message answers this proposal; one that does not, or may not, is refused here and now."""
    folder = shop.folder.parent
    reason = steers(folder, message.who)
    if message.said.get("constitution") != proposed.hash or not isinstance(message.said.get("approve"), bool):
        reason = f"it answers no proposal that waits; {short(proposed.hash)} does"
    if reason:
        refuse(shop.store, folder, "approval", message, number, reason)
        take(message)
        shop.progress.say(f"{folder.name}: {reason}")
    return not reason
