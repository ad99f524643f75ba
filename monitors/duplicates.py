"""Near-duplicates are one item: ten copies of a text are one piece of evidence, and counting them ten times would break
the gate's promise.

Reads: texts. Writes: nothing. Must not know: what a text is evidence of. Candidates come from MinHash with locality
sensitive hashing (datasketch; Broder 1997), and each is then compared exactly, so that a collision joins nothing.
"""

import re
from collections.abc import Sequence

from datasketch import MinHash, MinHashLSH

ALIKE = 0.8  # Jaccard similarity of word shingles from which on two texts are one
WORDS = 3
PERMUTATIONS = 128


def clusters(texts: Sequence[str]) -> list[list[int]]:
    """Positions of `texts`, those of near-duplicates together; each position once, clusters in the order of their
    first. Similarity is chained: what is like a text that is like a third is one with it."""
    shingles = [_shingles(text) for text in texts]
    index = MinHashLSH(threshold=ALIKE, num_perm=PERMUTATIONS)
    sketches, first = list[MinHash](), dict[frozenset[str], int]()
    parent = list(range(len(texts)))

    def root(place: int) -> int:
        while parent[place] != place:
            place = parent[place]
        return place

    for place, grams in enumerate(shingles):
        sketch = MinHash(num_perm=PERMUTATIONS, seed=1)
        sketch.update_batch([gram.encode("utf-8", "surrogatepass") for gram in grams])
        sketches.append(sketch)
        if (twin := first.setdefault(grams, place)) != place:
            parent[root(place)] = root(twin)
            continue
        for other in sorted(index.query(sketch)):
            if _jaccard(grams, shingles[other]) >= ALIKE:
                low, high = sorted((root(other), root(place)))
                parent[high] = low
        index.insert(place, sketch)
    found: dict[int, list[int]] = {}
    for place in range(len(texts)):
        found.setdefault(root(place), []).append(place)
    return list(found.values())


def _shingles(text: str) -> frozenset[str]:
    """Runs of three words, lower case, without punctuation; a shorter text is one shingle."""
    words = re.findall(r"\w+", text.lower())
    return frozenset(" ".join(words[at : at + WORDS]) for at in range(max(1, len(words) - WORDS + 1)))


def _jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / len(one | other)
