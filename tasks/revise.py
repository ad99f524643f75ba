"""Ask a reviser, another language model, for the next constitution: one amendment a candidate.

Like the seeded proposer it is shown the constitution and nothing else, so a best-of-K choice among its proposals
carries at most log2 K bits all the same. Reads: a constitution, the reviser. Writes: nothing. Must not know: flags,
verdicts, prompts, what a principle does.
"""

from collections.abc import Collection, Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, StringConstraints

from constitutions.document import Constitution, Principle, render
from models.chat import ChatModel
from models.structured import ask
from tasks.amend import FEWEST
from tasks.generate import seed_of

ANSWER_TOKENS, TEMPERATURE, TRIES = 300, 1.0, 3
Line = Annotated[str, StringConstraints(strip_whitespace=True, max_length=600, pattern=r"^[^\n]*$")]


class Edit(BaseModel):
    """One operation; `principle` is the id it is done to, `id` and `text` are the new principle's."""

    operation: Literal["add", "drop", "swap", "reword"]
    principle: Line = ""
    id: Line = ""
    text: Line = ""


def revise(
    incumbent: Constitution,
    reviser: ChatModel,
    most: int,
    count: int,
    seed: int,
    never: Collection[frozenset[Principle]] = (),
) -> list[Constitution]:
    """Up to `count` different successors, one edit away each; what does not fit is asked for again, TRIES times in all.

    Nothing is added to `most` principles, and no successor has those of one of `never`. Fewer come back where the
    reviser has no more to offer.
    """
    found: dict[tuple[Principle, ...], Constitution] = {}
    prompt = render("reviser", principles=incumbent.principles, fewest=FEWEST, most=most)
    for turn in range(TRIES):
        missing = count - len(found)
        if not missing:
            break
        seeds = [seed_of(seed, turn, number) for number in range(missing)]
        asked = [[{"role": "user", "content": prompt.text}]] * missing
        for edit in ask(reviser, asked, Edit, seeds, ANSWER_TOKENS, TEMPERATURE):
            changed = edit and applied(incumbent.principles, edit, most)
            if edit and changed and changed != incumbent.principles and frozenset(changed) not in never:
                found.setdefault(changed, _successor(incumbent, changed, edit))
    return list(found.values())


def applied(principles: Sequence[Principle], edit: Edit, most: int) -> tuple[Principle, ...] | None:
    """The principles after the edit, or None where it does not fit: an unknown or a taken id, no text, too many or
    too few."""
    ids = [principle.id for principle in principles]
    at = ids.index(edit.principle) if edit.principle in ids else None
    new = Principle(id=edit.id or edit.principle, text=edit.text) if edit.text and (edit.id or edit.principle) else None
    taken = new is not None and new.id in ids and new.id != edit.principle
    match edit.operation:
        case "drop" if at is not None and len(ids) > FEWEST:
            return (*principles[:at], *principles[at + 1 :])
        case "add" if new and not taken and new.id not in ids and len(ids) < most:
            return (*principles, new)
        case "swap" | "reword" if new and at is not None and not taken:
            reworded = principles[at].model_copy(update={"text": new.text})
            return (*principles[:at], new if edit.operation == "swap" else reworded, *principles[at + 1 :])
    return None


def _successor(incumbent: Constitution, principles: tuple[Principle, ...], edit: Edit) -> Constitution:
    new = f" for {edit.id}" if edit.operation == "swap" else ""
    return Constitution(
        name=incumbent.name,
        version=incumbent.version + 1,
        parent=incumbent.hash,
        amendment=f"{edit.operation} {edit.principle or edit.id}{new}",
        principles=principles,
    )
