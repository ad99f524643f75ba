"""Which words of a text carried a reading: what its tokens carried, added up by word.

Reads: words, and what somebody else found each token to carry. Writes: nothing. Must not know: how that was found.
"""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
STRONGEST = 5
WORD = re.compile(r"[\w'’-]+[^\w\s]*|[^\w\s]+")
"""A word with the punctuation after it, or punctuation alone."""


class ByWord(NamedTuple):
    """The different words of a text, and what each carried of each trait's reading [words, traits]."""

    words: list[str]
    carried_wr: Floats

    def strongest(self, trait: int) -> list[tuple[str, float]]:
        carried_w = self.carried_wr[:, trait]
        return [(self.words[w], round(float(carried_w[w]), 4)) for w in strongest(carried_w)]


def by_word(words: Sequence[str], places: Sequence[int], carried_tr: Floats) -> ByWord:
    """`places`: for each token the index of its word, -1 for white space.

    Pieces of one word count together, and so do a word's repetitions; punctuation is shown only where alone.
    """
    shown = [bare(word) for word in words]
    index = {word: place for place, word in enumerate(dict.fromkeys(shown))}
    rows = [index[shown[place]] if place >= 0 else len(index) for place in places]
    carried_wr = np.zeros((len(index) + 1, carried_tr.shape[1]))
    np.add.at(carried_wr, rows, carried_tr)
    return ByWord(list(index), carried_wr[:-1])


def bare(word: str) -> str:
    """The word as a reading names it."""
    return word.strip('.,;:!?"()') or word


def strongest(parts_n: Floats) -> list[int]:
    """The places of the largest parts, largest first; only parts above 0, and at most five."""
    return [int(n) for n in np.argsort(-parts_n, kind="stable")[:STRONGEST] if parts_n[n] > 0]
