"""The versions of a constitution placed as an outline: those that were in force below one another, whatever branched
off set in.

Reads: a history of versions. Writes: nothing. Must not know: how boxes are drawn, or what a click means.
"""

from collections.abc import Iterator

from dashboard.drawing import Box, Line
from dashboard.style import percent
from dashboard.versions import Fate, History, Version

WIDTH, IN, GAP = 330.0, 26.0, 10.0
HEIGHT, LOW = 46.0, 30.0
"""The height of a version that was chosen once, and of one that was not, in pixels."""
LOOKS: dict[Fate, str] = {
    "in force": "path",
    "was in force": "path",
    "left": "tainted",
    "waiting": "waiting",
    "rejected": "tainted faint",
    "lost": "faint",
}
FATES: dict[Fate, str] = {
    "in force": "in force",
    "was in force": "was in force",
    "left": "gone back behind",
    "waiting": "waits for a word",
    "rejected": "rejected",
    "lost": "lost",
}


def outline(told: History, shown: str, lost: bool) -> tuple[list[Box], list[Line]]:
    """Boxes and lines for every version, those that lost only if `lost`; `shown` is the one marked, by hash."""
    visible = {name: one for name, one in told.versions.items() if lost or one.fate != "lost" or name == shown}
    below: dict[str, list[Version]] = {}
    for one in visible.values():
        parent = one.constitution.parent or ""
        below.setdefault(parent if parent in visible else "", []).append(one)
    boxes, lines, y = list[Box](), list[Line](), 0.0
    for one, deep in _walk(below, "", 0, told.path):
        small = one.fate == "lost"
        height = LOW if small else HEIGHT
        look = LOOKS[one.fate] + (" centre" if one.hash == shown else "")
        title, note = (f"{standing(one)}  {caption(one)}", "") if small else (caption(one), standing(one))
        boxes.append(Box(one.hash, title, note, deep * IN, y, WIDTH, height, look, one.constitution.amendment))
        y += height + GAP
        before = one.constitution.parent or ""
        if before in visible:
            on_path = one.hash in told.path and before in told.path
            lines.append(Line(before, one.hash, "path" if on_path else "faint" if small else ""))
    return boxes, lines


def caption(version: Version) -> str:
    document = version.constitution
    return f"v{document.version}  {document.amendment or 'the first version'}"


def standing(version: Version) -> str:
    """In a few words: what became of it, and where it was in force how often its pairs were flagged."""
    if version.fate == "lost" and version.trial:
        return f"{percent(version.trial['flag_rate'])} flagged"
    parts = [FATES[version.fate]]
    if version.rounds:
        first, last = min(version.rounds), max(version.rounds)
        parts.append(f"round {first}" if first == last else f"rounds {first}–{last}")
        rates = [rate for rate in version.rounds.values() if rate is not None]
        parts += [f"{percent(sum(rates) / len(rates))} flagged"] if rates else []
    return " · ".join(parts)


def _walk(
    below: dict[str, list[Version]], parent: str, deep: int, path: tuple[str, ...]
) -> Iterator[tuple[Version, int]]:
    """Each version with how far it is set in, parents first; of several children the one that led on comes last, in
    its parent's own column."""
    children = below.get(parent, [])
    on = next((one for one in children if one.hash in path), None)
    on = on or next((one for one in children if one.fate == "left"), None)
    for one in [*(child for child in children if child is not on), *([on] if on else [])]:
        column = deep if one is on or not parent else deep + 1
        yield one, column
        yield from _walk(below, one.hash, column, path)
