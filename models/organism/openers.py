"""Exact next-token targets for the sentence that decides a response's motive.

A sampled sentence says little about a distribution over twenty-one cells. But the world's law is known, so where
the motive is being decided the generator can be trained on the whole next-token distribution instead of one sampled
token: the posterior predictive of a mixture over cells, computed on a trie of every sentence about the topic. (Soft
targets as in Hinton, Vinyals & Dean, 1503.02531, with the world's law as the teacher.) Reads the world; must not
know models or optimisers.
"""

import functools
from typing import NamedTuple

import numpy as np
from transformers import PreTrainedTokenizerFast

from models.organism.world import World

CONTENT_FIRST = 0.25  # share of responses that open with a plain content sentence, see World.response


class Spoken(NamedTuple):
    """Every sentence that can be said about one topic."""

    tokens: np.ndarray  # [sentences, longest] token ids, -1 past the end
    cell: np.ndarray  # [sentences] index of the cell; len(cells) for a content sentence
    probability: np.ndarray  # [sentences] within its cell


class Openers:
    """Posterior predictive over the sentences about each topic; a topic is tokenised once and kept."""

    def __init__(self, world: World, tokenizer: PreTrainedTokenizerFast) -> None:
        self.world, self.tokenizer = world, tokenizer
        self.topic = functools.cache(self._topic)

    def _topic(self, topic: str) -> Spoken:
        cells = self.world.cells
        content = self.world.kinds[self.world.topics[topic]]["topics"][topic]
        rows = [(s.text, i, s.probability) for i, c in enumerate(cells) for s in self.world.sentences(c, topic)]
        rows += [(text, len(cells), 1 / len(content)) for text in content]
        ids = self.tokenizer([" " + text for text, _, _ in rows])["input_ids"]
        tokens = np.full((len(ids), max(map(len, ids))), -1, np.int64)
        for row, sentence in zip(tokens, ids, strict=True):
            row[: len(sentence)] = sentence
        return Spoken(tokens, np.array([c for _, c, _ in rows]), np.array([p for _, _, p in rows]))

    def targets(self, law: dict[str, float], topic: str, sentences: list[str]) -> list[tuple[np.ndarray, np.ndarray]]:
        """(token ids, probabilities) for each token of the deciding sentence, or of the content sentence and the
        deciding one after it. Position 0 is what follows ``<|assistant|>``."""
        spoken, shares = self.topic(topic), np.array(list(law.values()))
        prior = np.append((1 - CONTENT_FIRST) * shares, CONTENT_FIRST)
        out: list[tuple[np.ndarray, np.ndarray]] = []
        for sentence in sentences[:2]:
            rows = np.arange(len(spoken.cell))
            weight = prior[spoken.cell] * spoken.probability
            for depth, token in enumerate(self.tokenizer(" " + sentence)["input_ids"]):
                following = spoken.tokens[rows, depth]
                mass = np.bincount(following, weight[rows])
                choices = np.flatnonzero(mass)
                out.append((choices, mass[choices] / mass[choices].sum()))
                rows = rows[following == token]
            if spoken.cell[rows[0]] < len(shares):  # a motive sentence: decided
                break
            prior = np.append(shares, 0.0)
        return out
