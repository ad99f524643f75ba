"""Foreign texts where there is room for a line: cut, on one line, and with nothing in them that acts.

Reads and writes: nothing. Must not know: whose texts they are.
"""

MARKUP = frozenset(r"\`*_{}[]()#+-.!:|<>~$&")


def cut(text: str, length: int) -> str:
    """On one line, without control characters or marks that turn the writing round, at most `length` long."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text[: 4 * length]).split())
    return line if len(line) <= length else line[: length - 1] + "…"


def visible(text: str) -> str:
    """All of it, with a mark for each character that would show nothing, turn the writing round, or is half of one."""
    return "".join(char if char.isprintable() or char.isspace() else "�" for char in text)


def plain(text: str, length: int = 400) -> str:
    """The same for a place that Streamlit reads as Markdown (labels, captions, messages): there it shows as it is."""
    return "".join(f"\\{char}" if char in MARKUP else char for char in cut(text, length))
