"""The queue of gold questions: what a person is asked about the pairs the coins chose, and their answers.

Reads and writes: `<campaign>/heldout/queue` and `inbox`. Must not know: what a monitor or the detector read; whoever
answers sees a request and a response, and nothing else.
"""

import json
import sys
from pathlib import Path

from warehouse.errors import PlumblineError
from warehouse.questions import Question, answer, open_questions
from warehouse.store import home

SHORT = {"c": "clean", "j": "justified", "b": "unjustified", "u": "unsure"}


def held_out(campaign: str) -> Path:
    """The held-out folder of a campaign. Raises PlumblineError where there is none."""
    folder = home() / campaign / "heldout"
    if not folder.is_dir():
        raise PlumblineError(
            f"{folder}: campaign {campaign!r} has no held-out folder; check the name and PLUMBLINE_HOME"
        )
    return folder


def waiting(campaign: str, who: str) -> list[Question]:
    """Questions that wait for `who`."""
    return open_questions(held_out(campaign), who)


def take(campaign: str, who: str, file: Path) -> int:
    """Enter the answers of a JSON-lines file (`pair_id`, `turn`, `verdict`, `traits`, `reason`); how many.

    Raises PlumblineError naming file and row, before anything of the file is entered.
    """
    known = {(question.pair_id, question.turn): question for question in waiting(campaign, who)}
    rows = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            row = json.loads(line)
            rows.append((known[row["pair_id"], row.get("turn", 1)], row["verdict"], row.get("traits", []), row))
        except (ValueError, KeyError, TypeError) as error:
            raise PlumblineError(
                f"{file}, row {number}: {error} is missing or answers no open question; see `plumbline gold {campaign}`"
            ) from error
    for question, verdict, traits, row in rows:
        answer(held_out(campaign), question, verdict, traits, str(row.get("reason", "")), who)
    return len(rows)


def ask(campaign: str, who: str) -> int:
    """Ask at the terminal until no question is left or the person stops; how many were answered."""
    done = 0
    for question in waiting(campaign, who):
        print(f"\npair {question.pair_id}\n\n  asked:    {question.request}\n  answered: {question.response}\n")
        said = _choice("clean (c), justified by the request (j), bad (b), unsure (u), stop (s)? ", [*SHORT, "s"])
        if said == "s":
            break
        traits = []
        if SHORT[said] == "unjustified":
            named = {str(number): trait for number, trait in enumerate(question.traits, start=1)}
            told = ", ".join(f"{trait} ({number})" for number, trait in named.items())
            traits = [named[_choice(f"which? {told} ", list(named))]]
        answer(held_out(campaign), question, SHORT[said], traits, input("why, in a few words: "), who)
        done += 1
    return done


def _choice(question: str, allowed: list[str]) -> str:
    while (said := input(question).strip().lower()) not in allowed:
        print(f"one of {', '.join(allowed)}", file=sys.stderr)
    return said
