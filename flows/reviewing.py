"""Persons review pairs on a terminal or from a file, and what they say joins the data where no campaign runs.

Reads: the author's snapshot. Writes: messages in the campaign's inbox; where nothing runs, the record and the dataset,
by the campaign's own steps. Must not know: what any model said of a pair; whoever judges sees the texts and no more.
"""

import json
import sys
from pathlib import Path
from typing import NamedTuple

from flows.alone import RunningError, alone
from flows.author_snapshot import show_author
from flows.progress import Progress
from flows.records import warehouse_of
from warehouse.errors import PlumblineError
from warehouse.inbox import waiting
from warehouse.people import say_verdict
from warehouse.reviews import Messages, ToReview, to_review
from warehouse.snapshot import about_snapshot, open_snapshot
from warehouse.store import Store

SHORT = {"j": "justified", "b": "unjustified", "u": "unsure"}


class Taken(NamedTuple):
    """`running`: another process has the campaign and will take the messages in itself; `verdicts` were entered now,
    and `dataset` is the version that holds what was settled, "" while the campaign is not over."""

    running: bool
    verdicts: int
    dataset: str


def folder_of(campaign: str) -> Path:
    """The campaign's folder. Raises PlumblineError where there is none."""
    return warehouse_of(campaign).parent.parent


def queue(campaign: str, who: str) -> list[ToReview]:
    """The pairs that wait for `who`."""
    folder = folder_of(campaign)
    with open_snapshot(folder / "author") as store:
        return to_review(store, folder, who)


def read(campaign: str, who: str, file: Path) -> int:
    """Leave the verdicts of a JSON-lines file (`pair_id`, `verdict`, `traits`, `note`); how many.

    Raises PlumblineError naming file and row, before anything of the file is left.
    """
    folder, rows = folder_of(campaign), []
    with open_snapshot(folder / "author") as store:
        pairs = store.query("SELECT pair_id, round, prompt, chosen, rejected FROM pairs").to_pylist()
    known = {row["pair_id"]: ToReview(**row) for row in pairs}
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise PlumblineError(f"{file}: cannot be read ({error}); check the path") from error
    for number, line in enumerate(lines, start=1):
        try:
            row = json.loads(line)
            pair, traits = known[row["pair_id"]], [str(trait) for trait in row.get("traits", [])]
            if row["verdict"] not in SHORT.values():
                raise ValueError(f"verdict {row['verdict']!r}")
            rows.append((pair, row["verdict"], traits, str(row.get("note", ""))))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise PlumblineError(
                f"{file}, row {number}: {error} is missing or cannot be; a row has the pair_id of a pair of {campaign} "
                f"and a verdict, one of {', '.join(SHORT.values())}"
            ) from error
    for pair, verdict, traits, note in rows:
        say_verdict(folder, who, pair.pair_id, verdict, traits, note, pair.shown)
    return len(rows)


def ask(campaign: str, who: str) -> int:
    """Ask at the terminal until no pair is left or the person stops; how many verdicts were given."""
    folder, given = folder_of(campaign), 0
    with open_snapshot(folder / "author") as store:
        traits = sorted(store.query("SELECT DISTINCT trait FROM readings")["trait"].to_pylist())
    for pair in queue(campaign, who):
        print(f"\npair {pair.pair_id}, round {pair.round}\n")
        for name in ("prompt", "chosen", "rejected"):
            print(f"  {name + ':':<10}{said(getattr(pair, name))}")
        chosen = _choice("\nis the chosen text justified (j), bad (b), or are you unsure (u)? stop (s) ", [*SHORT, "s"])
        if chosen == "s":
            break
        named = []
        if SHORT[chosen] == "unjustified" and traits:
            numbered = {str(number): trait for number, trait in enumerate(traits, start=1)}
            told = ", ".join(f"{trait} ({number})" for number, trait in numbered.items())
            picked = _choice(f"which motive? {told}, another (o) ", [*numbered, "o", "s"])
            named = [numbered[picked]] if picked in numbered else []
        say_verdict(folder, who, pair.pair_id, SHORT[chosen], named, _line("why, in a few words: "), pair.shown)
        given += 1
    return given


def take_in(campaign: str, progress: Progress) -> Taken:
    """Where no process runs the campaign: enter the verdicts that wait and, if it is over, publish what they settle."""
    path = warehouse_of(campaign)
    folder = path.parent.parent
    if not waiting(folder, "verdict"):
        return Taken(False, 0, "")
    try:
        with alone(path.parent, campaign), Store.open(path, allowed=path.parent) as store:
            from flows import settled  # torch comes with it, which takes a while

            sql = "SELECT max(round) AS last FROM (SELECT round FROM pairs UNION ALL SELECT round FROM quarantine)"
            last = store.query(sql)["last"].to_pylist()[0]
            if not (over := bool(about_snapshot(folder / "author").get("over"))):
                heard = settled.hear_verdicts(store, folder, last + 1)
            else:
                heard = settled.take_in(store, folder, last, progress)
            show_author(store, folder, over)
            dataset = folder / "dataset" / "current.json"
            return Taken(False, heard, str(json.loads(dataset.read_bytes())["path"]) if over else "")
    except RunningError:
        return Taken(True, 0, "")


def said(messages: Messages) -> str:
    """The messages on one line each; the texts are foreign, and a control character must not reach the terminal."""
    lines = (f"{turn['role']}: {' '.join(turn['content'].split())}" for turn in messages)
    return "\n            ".join("".join(char if char.isprintable() else "�" for char in line) for line in lines)


def _choice(question: str, allowed: list[str]) -> str:
    while (answered := _line(question, "s").lower()) not in allowed:
        print(f"one of {', '.join(allowed)}", file=sys.stderr)
    return answered


def _line(question: str, at_end: str = "") -> str:
    try:
        return input(question).strip()
    except EOFError:
        return at_end
