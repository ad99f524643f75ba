"""How different texts are from one another: the share of their word pairs that are not repetitions.

Distinct-2 (Li et al. 2016, arXiv 1510.03055, sec. 5). It falls with the number of texts, so it is always taken of the
same number. Reads and writes: nothing. Must not know: where the texts come from.
"""

import re
from collections.abc import Sequence

WORD = re.compile(r"\w+")
OF = 80


def distinct(texts: Sequence[str], of: int = OF) -> float | None:
    """In 0..1, of `of` texts evenly spaced among `texts`; None where there are fewer, or no word pair in them."""
    if len(texts) < of:
        return None
    some = [texts[at * len(texts) // of] for at in range(of)]
    words = [[word.lower() for word in WORD.findall(text)] for text in some]
    pairs = [pair for said in words for pair in zip(said, said[1:], strict=False)]
    return len(set(pairs)) / len(pairs) if pairs else None
