"""Foreign text as HTML that stays text: escaped, kept apart from what stands around it, its telling words marked.

Reads: what it is given. Writes: nothing. Must not know: where the text comes from. Without its tags the HTML says,
character by character, what `visible` says of the text, so that whatever is selected and copied is what was written.
"""

import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from models.words import WORD, bare

Carried = Mapping[str, Sequence[tuple[str, float]]]
"""Trait → the words that carried its reading, with what each added to it."""

LIMIT = 20_000
# Okabe and Ito's colours, which most colour-blind readers tell apart; the first is the first trait's.
COLOURS = ("#e69f00", "#56b4e9", "#009e73", "#cc79a7", "#d55e00", "#0072b2", "#9a8f00", "#7f7f7f")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
# What cannot be seen and moves or hides other text: zero widths, direction marks, overrides and isolates, tags.
UNSEEN = re.compile("[\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]")
STYLE = """<style>
.text { white-space: pre-wrap; overflow-wrap: anywhere; unicode-bidi: isolate; line-height: 1.55; margin: 0 0 .6rem;
  padding: .5rem .75rem; border-left: 3px solid rgba(128,128,128,.35); background: rgba(128,128,128,.06);
  border-radius: 0 .4rem .4rem 0; max-height: 32rem; overflow-y: auto; }
.text mark { color: inherit; border-radius: .2rem; padding: 0 .1em; }
.role { font-size: .8rem; opacity: .65; margin-bottom: .15rem; }
.note { font-size: .85rem; opacity: .8; margin: 0 0 .4rem; }
.readings { border-collapse: collapse; width: 100%; font-size: .85rem; margin-bottom: .75rem; }
.readings td { padding: .15rem .5rem .15rem 0; border: none; vertical-align: middle; }
.readings .bar { position: relative; min-width: 4rem; }
.readings .bar div { position: absolute; top: .45rem; height: .5rem; border-radius: .15rem; }
.readings .bar i { position: absolute; top: .2rem; height: 1rem; border-left: 2px solid currentColor; opacity: .7; }
.readings td:first-child { white-space: nowrap; width: 1%; }
.readings .carried td { opacity: .75; padding-top: 0; }
.readings .number { font-variant-numeric: tabular-nums; white-space: nowrap; width: 1%; }
.facts { font-size: .9rem; line-height: 1.6; overflow-wrap: anywhere; }
.facts .fact { display: grid; grid-template-columns: 6.5rem 1fr; }
.facts .key { opacity: .65; }
</style>"""


def visible(text: str) -> str:
    """`text` with every control character but tab and line feed as its picture, and a lone surrogate as �."""
    return CONTROL.sub(lambda found: _picture(ord(found[0])), text)


def safe(text: Any) -> str:
    """One foreign word or phrase inside other HTML: escaped, and its direction its own."""
    return f"<bdi>{escape(visible(str(text)))}</bdi>"


def marked(text: str, carried: Carried, colours: Mapping[str, str]) -> str:
    """The text with each word marked that carried a reading: in the colour of the trait of whose reading it was the
    greatest part, the stronger the greater that part; its title names all."""
    told = _by_word(carried)
    pieces, last = [], 0
    for match in WORD.finditer(text) if told else ():
        if parts := told.get(bare(match[0])):
            start = match.start() + match[0].index(bare(match[0]))
            end = start + len(bare(match[0]))
            title = ", ".join(f"{trait} {share:+.2f}" for trait, share, _ in parts)
            trait, _, strength = max(parts, key=lambda part: part[2])
            colour = f"{colours[trait]}{round(48 + 112 * strength):02x}"
            word = escape(visible(text[start:end]))
            mark = f'<mark style="background:{colour}" title="{escape(visible(title))}">{word}</mark>'
            pieces += [escape(visible(text[last:start])), mark]
            last = end
    return "".join([*pieces, escape(visible(text[last:]))])


def messages(
    turns: Sequence[Mapping[str, str]], carried: Carried, colours: Mapping[str, str], limit: int = LIMIT
) -> str:
    """Every turn with its role, in a box of its own; the last one, which was read, with its words marked.

    After `limit` characters it is cut, and says so: nothing is left out unseen.
    """
    pieces, left, total = [], limit, sum(len(turn["content"]) for turn in turns)
    for place, turn in enumerate(turns):
        if left <= 0:
            break
        shown = turn["content"][:left]
        left -= len(shown) + 20  # a box takes room too, however empty
        words = carried if place == len(turns) - 1 else {}
        pieces.append(f'<div class="role">{safe(turn["role"])}</div>')
        pieces.append(f'<div class="text" dir="auto">{marked(shown, words, colours)}</div>')
    if left <= 0 and limit < total + 20 * len(turns):
        pieces.append(
            f'<div class="note">✂ Cut: the first {min(limit, total):,} of {total:,} characters are shown.</div>'
        )
    if unseen := sum(len(UNSEEN.findall(turn["content"])) for turn in turns):
        pieces.append(
            f'<div class="note">Holds {unseen:,} characters that cannot be seen: direction marks, zero widths.</div>'
        )
    return "".join(pieces)


def colours(traits: Sequence[str]) -> dict[str, str]:
    """Each trait's colour, by its place."""
    return {trait: COLOURS[place % len(COLOURS)] for place, trait in enumerate(traits)}


def _by_word(carried: Carried) -> dict[str, list[tuple[str, float, float]]]:
    """Word → trait, its part, and that part relative to the greatest of the trait."""
    found: dict[str, list[tuple[str, float, float]]] = {}
    for trait, words in carried.items():
        greatest = max((share for _, share in words), default=0.0)
        for word, share in words:
            if share > 0:
                found.setdefault(word, []).append((trait, share, share / greatest))
    return found


def _picture(code: int) -> str:
    if code < 0x20:
        return chr(0x2400 + code)
    return "␡" if code == 0x7F else "�"
