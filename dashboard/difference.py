"""What changed between two versions of a constitution, principle by principle, and the words that did.

Reads and writes: nothing. Must not know: how versions follow one another. Principles may be a model's words: whatever
becomes HTML here is escaped first.
"""

import difflib
import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from constitutions.document import Constitution, Principle
from dashboard.plain import visible
from dashboard.style import escaped

WORDS = 1500
"""Beyond so many words in a principle it is shown as wholly replaced: comparing word by word takes time squared."""


class Change(NamedTuple):
    """`before` is "" for a principle that is new, `after` for one that is gone."""

    principle: str
    kind: Literal["same", "new", "gone", "reworded"]
    before: str
    after: str


def changes(before: Constitution, after: Constitution) -> list[Change]:
    """Every principle of either, in the order of `after`; one that is gone stands where it stood. Equal principles in
    another order count as the same."""
    old = {one.id: _said(one) for one in before.principles}
    new = {one.id: _said(one) for one in after.principles}
    found = [Change(name, _kind(old.get(name, ""), text), old.get(name, ""), text) for name, text in new.items()]
    for place, (name, text) in enumerate(old.items()):
        if name not in new:
            found.insert(place, Change(name, "gone", text, ""))
    return found


def as_html(change: Change) -> str:
    """The principle's words, those that came and went marked as such."""
    if change.kind == "same":
        return escaped(change.after)
    return "".join(_marked(change.before, change.after))


def _marked(before: str, after: str) -> Iterator[str]:
    old, new = re.findall(r"\S+\s*", before), re.findall(r"\S+\s*", after)
    if max(len(old), len(new)) > WORDS:
        old, new = [before], [after]
    for what, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        gone, come = escaped("".join(old[a:b])), escaped("".join(new[c:d]))
        if what == "equal":
            yield come
            continue
        yield f"<del>{gone}</del>" if gone else ""
        yield f"<ins>{come}</ins>" if come else ""


def _kind(before: str, after: str) -> Literal["same", "new", "reworded"]:
    if not before:
        return "new"
    return "same" if before == after else "reworded"


def _said(principle: Principle) -> str:
    return visible(principle.text + (f" (critique: {principle.critique})" if principle.critique else ""))
