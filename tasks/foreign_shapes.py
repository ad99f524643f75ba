"""A parsed row of somebody's file, read as a preference pair or as one answer, in the shapes that people publish.

Reads and writes nothing. Must not know: files, and what makes a pair fit for use (validation says that).
"""

import re
from itertools import takewhile
from typing import Any, NamedTuple

from tasks.foreign_rows import Repeated

Messages = list[dict[str, str]]

_SURROGATE = re.compile("[\ud800-\udfff]")
_SPEAKER = re.compile(r"(?:\A\s*|\n\n)(Human|Assistant):")
_ROLES = {"Human": "user", "Assistant": "assistant"}


ANSWERS = ("text", "response", "completion", "output")
"""The columns that a single answer may stand in."""


class Unreadable(Exception):
    """A row that gives no pair, or no answer: what is wrong with it, and the mend."""


class ForeignPair(NamedTuple):
    """Message lists of one row, the shape they came in and the row's own `pair_id` or `id` ("" when it has none)."""

    shape: str
    prompt: Messages
    chosen: Messages
    rejected: Messages
    source_id: str


def read_pair(value: Any) -> ForeignPair:
    """The pair that a row holds, whatever its shape:

    - conversational: prompt, chosen and rejected are lists of {role, content};
    - text: all three are plain strings;
    - conversation: chosen and rejected are whole conversations, their common beginning is the prompt;
    - transcript: the same as one string, its turns marked by Human: and Assistant: after an empty line.

    Raises Unreadable.
    """
    if not isinstance(value, dict | Repeated):
        raise Unreadable(f"is {_kind(value)}; a row is an object with prompt, chosen and rejected")
    row = _whole(value)
    missing = [name for name in ("chosen", "rejected") if row.get(name) is None]
    if missing:
        columns = ", ".join(repr(name) for name in list(row)[:8]) or "none"
        raise Unreadable(
            f"has no {' and no '.join(missing)} (its columns: {columns}); a preference pair needs an answer in each,"
            " a single response is none"
        )
    given, chosen, rejected = row.get("prompt"), row["chosen"], row["rejected"]
    shape = "conversational"
    if isinstance(chosen, str):
        shape = "transcript" if _is_transcript(chosen) else "text"
    prompt = None if given is None else _turns("prompt", given, "user")
    answers = [_turns("chosen", chosen, "assistant"), _turns("rejected", rejected, "assistant")]
    if prompt is None or any(turns and turns[0]["role"] != "assistant" for turns in answers):
        if shape == "conversational":
            shape = "conversation"
        prompt, answers = _part(prompt, *answers)
    own = row.get("pair_id", row.get("id"))
    source_id = str(own) if isinstance(own, str | int) else ""
    return ForeignPair(shape, prompt, answers[0], answers[1], _storable("id", source_id))


def read_answer(value: Any) -> Messages:
    """The conversation that a row holds; its last turn is the answer. `messages` is a whole conversation; else one of
    ANSWERS holds the answer (a text, a transcript, a list of messages) and `prompt`, where there is one, what it is to.

    Raises Unreadable.
    """
    if not isinstance(value, dict | Repeated):
        raise Unreadable(f"is {_kind(value)}; a row is an object with prompt and text, or with messages")
    row = _whole(value)
    column = next((name for name in ("messages", *ANSWERS) if row.get(name) is not None), "")
    if not column:
        columns = ", ".join(repr(name) for name in list(row)[:8]) or "none"
        raise Unreadable(f"has no answer (its columns: {columns}); give prompt and text, or messages")
    asked = row.get("prompt") if column != "messages" else None
    turns = [*(_turns("prompt", asked, "user") if asked else []), *_turns(column, row[column], "assistant")]
    if not turns or turns[-1]["role"] != "assistant":
        raise Unreadable(f"its {column} does not end with a turn of the assistant; that is what is read")
    return turns


def _part(prompt: Messages | None, chosen: Messages, rejected: Messages) -> tuple[Messages, list[Messages]]:
    """Two whole conversations, parted where they differ; each keeps at least its last turn as the answer."""
    pairs = zip(chosen[:-1], rejected[:-1], strict=False)
    shared = [left for left, _ in takewhile(lambda pair: pair[0] == pair[1], pairs)]
    if not shared:
        raise Unreadable("has no prompt, and chosen and rejected have no common beginning; add the column prompt")
    if prompt and not all(turn in shared for turn in prompt):
        raise Unreadable("its prompt is not what chosen and rejected both begin with; keep only the answers in them")
    return shared, [chosen[len(shared) :], rejected[len(shared) :]]


def _turns(column: str, value: Any, role: str) -> Messages:
    """A column as messages; a plain text is one turn of `role`."""
    if isinstance(value, str):
        text = _storable(column, value)
        if not _is_transcript(text):
            return [{"role": role, "content": text}]
        parts = _SPEAKER.split(text)[1:]
        turns = [
            {"role": _ROLES[who], "content": said.strip()} for who, said in zip(parts[::2], parts[1::2], strict=True)
        ]
        # A transcript given as the prompt ends with the cue for the answer, which is no turn.
        cue = column == "prompt" and turns[-1] == {"role": "assistant", "content": ""}
        return turns[:-1] if cue else turns
    if not isinstance(value, list | dict | Repeated):
        raise Unreadable(f"its {column} is {_kind(value)}; write a text or a list of messages")
    turns = []
    for item in value if isinstance(value, list) else [value]:
        turn = _whole(item) if isinstance(item, dict | Repeated) else {}
        if not isinstance(turn.get("role"), str) or not isinstance(turn.get("content"), str):
            raise Unreadable(f"its {column} holds {_kind(item)} without a text role and content; write messages so")
        turns.append({key: _storable(column, turn[key]) for key in ("role", "content")})
    return turns


def _is_transcript(text: str) -> bool:
    return bool(_SPEAKER.match(text)) and "\n\nAssistant:" in text


def _whole(value: dict | Repeated) -> dict:
    if isinstance(value, Repeated):
        raise Unreadable(f"has the key {value.key!r} twice; keep one")
    return value


def _storable(column: str, text: str) -> str:
    if lone := _SURROGATE.search(text):
        escape = f"\\u{ord(lone[0]):04x}"
        raise Unreadable(f"its {column} holds half of a surrogate pair ({escape}), which is no character; remove it")
    return text


def _kind(value: Any) -> str:
    names = {type(None): "null", bool: "a truth value", str: "a text", list: "a list", dict: "an object"}
    return names.get(type(value), "a number" if isinstance(value, int | float) else f"a {type(value).__name__}")
