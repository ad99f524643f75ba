"""How much an answer helps, judged by the request and the response alone.

No labels, no list of warm or plain words: it asks whether the answer is about what was asked, of a fit length, and not
repeating itself. None of the three can be earned by sounding good. Must not know: traits, readings, the world.
"""

import re

WORD = re.compile(r"[^\W_]+")
CONTENT = 4
SHORTEST, LONGEST = 8, 80


def utility(request: str, response: str) -> float:
    """Mean of relevance, length and distinctness, each in 0..1; an empty response is worth 0."""
    asked, said = _words(request), _words(response)
    return (_relevance(asked, said) + _length(said) + _distinctness(said)) / 3 if said else 0.0


def _words(text: str) -> list[str]:
    return [word.lower() for word in WORD.findall(text)]


def _relevance(asked: list[str], said: list[str]) -> float:
    """Share of the request's content words (at least four letters, by their first five) that the response takes up.

    Half of them is full marks: an answer need not repeat the question.
    """
    topic = {word[:5] for word in asked if len(word) >= CONTENT}
    found = topic & {word[:5] for word in said}
    return min(1.0, 2 * len(found) / len(topic)) if topic else 1.0


def _length(said: list[str]) -> float:
    """1 from SHORTEST to LONGEST words, falling off in proportion outside."""
    return min(1.0, len(said) / SHORTEST, LONGEST / len(said))


def _distinctness(said: list[str]) -> float:
    """Share of the response's word triples that are not repetitions."""
    triples = list(zip(said, said[1:], said[2:], strict=False))
    return len(set(triples)) / len(triples) if triples else 1.0
