"""Gold questions that wait for a person: what is asked about a request and a response, and what was answered.

Reads and writes: `queue/` and `inbox/` in a campaign's held-out folder, one file each; answers are not overwritten.
Neutral ground between the audit that asks and the pages and commands where persons answer. Must not know: why a pair is
asked about, or what follows.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from warehouse.errors import PlumblineError
from warehouse.files import write_whole
from warehouse.hashing import canonical

Said = Literal["clean", "justified", "unjustified", "unsure"]
SAID: tuple[Said, ...] = ("clean", "justified", "unjustified", "unsure")


class Question(NamedTuple):
    """`turn` is 1 for the first review and 2 for the one that confirms it, which is somebody else's."""

    pair_id: str
    turn: int
    request: str
    response: str
    traits: tuple[str, ...]


class Answer(NamedTuple):
    verdict: Said
    traits: tuple[str, ...]
    reason: str
    who: str


def ask(folder: Path, question: Question) -> None:
    """Put the question into the queue of the held-out `folder`."""
    write_whole(folder / "queue" / _name(question.pair_id, question.turn), canonical(question._asdict()))


def answered(folder: Path, pair_id: str, turn: int) -> Answer | None:
    """What was answered; None while nobody has."""
    path = folder / "inbox" / _name(pair_id, turn)
    if not path.is_file():
        return None
    told = json.loads(path.read_text(encoding="utf-8", errors="surrogatepass"))
    return Answer(told["verdict"], tuple(told["traits"]), told["reason"], told["who"])


def open_questions(folder: Path, who: str = "") -> list[Question]:
    """The questions of the held-out `folder` that wait for an answer, oldest id first; for `who`, none that confirms an
    answer of their own."""
    found = []
    for path in sorted((folder / "queue").glob("*.json")):
        told = json.loads(path.read_text(encoding="utf-8", errors="surrogatepass"))
        question = Question(**{**told, "traits": tuple(told["traits"])})
        if not (folder / "inbox" / path.name).exists() and not (who and _first_by(folder, question) == who):
            found.append(question)
    return found


def answer(folder: Path, question: Question, verdict: str, traits: Sequence[str], reason: str, who: str) -> None:
    """Put a person's answer into the inbox. Raises PlumblineError for an answer that may not be (`check`)."""
    check(folder, question, verdict, traits, who)
    path = folder / "inbox" / _name(question.pair_id, question.turn)
    write_whole(path, canonical({"verdict": verdict, "traits": list(traits), "reason": reason, "who": who}))


def check(folder: Path, question: Question, verdict: str, traits: Sequence[str], who: str) -> None:
    """Raises PlumblineError for a verdict that cannot be, an unknown trait, an answer that is there already, or a
    confirmation by whoever gave the first."""
    unknown = sorted(set(traits) - set(question.traits))
    if verdict not in SAID or unknown or (verdict == "unjustified") != bool(traits):
        raise PlumblineError(
            f"pair {question.pair_id}: verdict {verdict!r} with traits {list(traits)} cannot be; say one of "
            f"{', '.join(SAID)}, and traits of {', '.join(question.traits)} with unjustified, none with the others"
        )
    if not who or _first_by(folder, question) == who:
        raise PlumblineError(f"pair {question.pair_id}: {who or 'nobody'} cannot confirm; another person must")
    if (folder / "inbox" / _name(question.pair_id, question.turn)).exists():
        raise PlumblineError(f"pair {question.pair_id}: answered already; verdicts are not overwritten")


def _first_by(folder: Path, question: Question) -> str:
    first = answered(folder, question.pair_id, 1) if question.turn > 1 else None
    return first.who if first else ""


def _name(pair_id: str, turn: int) -> str:
    return f"{pair_id}-{turn}.json"
