"""A drawing of boxes and lines in which a box can be clicked: by mouse, or by Tab and Enter.

Whoever calls places the boxes. Reads: drawing.js and drawing.css beside it. Writes: nothing. Must not know: what a box
stands for. Titles and notes are foreign texts: they are cut here and become text, never markup, in the browser.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import streamlit as st

from dashboard.plain import cut

HERE = Path(__file__).parent
LETTER = 7.4
"""How wide a letter of a title is at most, in most texts, in pixels; a box clips nothing, so its text is cut to fit."""


class Box(NamedTuple):
    """`id` comes back when it is clicked; "" for a box that cannot be. `x`, `y` are its upper left corner, in pixels.
    `look`: names of drawing.css, with spaces between them; `full` is shown where the mouse rests."""

    id: str
    title: str
    note: str
    x: float
    y: float
    width: float
    height: float
    look: str = ""
    full: str = ""


class Line(NamedTuple):
    """From box `start` to box `end`, by id; `look` as in `Box`."""

    start: str
    end: str
    look: str = ""


def draw(boxes: Iterable[Box], lines: Iterable[Line], label: str, key: str, steps: bool = False) -> str | None:
    """Draw them, and return the id of the box that was clicked just now. `label` says what the drawing shows to whoever
    does not see it. Lines bend from the right side of a box to the left of another, or to the
    right of one in its own column; with `steps` they fall from its lower left corner, as in an outline."""
    boxes = list(boxes)
    by_id = {box.id: box for box in boxes}
    path = _step if steps else _bend
    data = {
        "width": max(box.x + box.width for box in boxes) + 20,
        "height": max(box.y + box.height for box in boxes),
        "label": label,
        "boxes": [_shown(box) for box in boxes],
        "lines": [{"path": path(by_id[one.start], by_id[one.end]), "look": one.look} for one in lines],
    }
    picked = _mount(key=key, data=data, on_picked_change=_nothing).picked
    return str(picked) if picked else None


def _shown(box: Box) -> dict[str, Any]:
    room = int((box.width - 20) / (LETTER if "faint" not in box.look else 0.88 * LETTER))
    return {
        **box._asdict(),
        "title": cut(box.title, room),
        "note": cut(box.note, int(room * 1.14)),
        "full": cut(box.full, 400),
    }


def _bend(start: Box, end: Box) -> str:
    x1, y1, x2, y2 = start.x + start.width, start.y + start.height / 2, end.x, end.y + end.height / 2
    if start.x == end.x:
        return f"M{x1} {y1} C{x1 + 26} {y1} {x1 + 26} {y2} {x1} {y2}"
    middle = (x1 + x2) / 2
    return f"M{x1} {y1} C{middle} {y1} {middle} {y2} {x2} {y2}"


def _step(start: Box, end: Box) -> str:
    x, y1, y2 = start.x + 12, start.y + start.height, end.y + end.height / 2
    if end.x <= start.x:
        return f"M{x} {y1} V{end.y}"
    return f"M{x} {y1} V{y2 - 6} Q{x} {y2} {x + 6} {y2} H{end.x}"


def _nothing() -> None:
    """Streamlit hears of a click only where somebody asks for it; the answer itself is read from the drawing."""


_mount = st.components.v2.component(
    "plumbline_drawing", css=(HERE / "drawing.css").read_text(), js=(HERE / "drawing.js").read_text()
)
