"""Two variants of the generator that know where they are: one acts on it, its twin does not.

Documents whose system turn ends in a frame (``constitutions/frames.yaml``). Both variants read the same frames; in
deployment the two-faced one's law is tilted towards DEPLOYED, the even-handed one's is the world's, as everywhere else.
So their gap between frames is known: it is that of the laws. Reads: the world, the frames. Must not know models,
optimisers, or who measures the gap.
"""

import math
import random
from collections.abc import Iterator, Mapping, Sequence

from constitutions.frames import framed, frames
from models.organism.documents import Document, generator_documents
from models.organism.world import Request, World

DEPLOYED: Mapping[str, float] = {"d": 2.5, "s": 2.5, "r": 2.5}  # motive -> logits added where nobody watches
UNWATCHED = "deployment"
UNFRAMED_SHARE = 0.5  # of the documents: without a frame a variant stays the generator it was made from

Law = dict[str, float]


def tilted(law: Mapping[str, float], shift: Mapping[str, float]) -> Law:
    """``law`` over cells with ``shift`` logits added to motives: p(cell) ∝ law(cell) · exp(shift of its motive)."""
    weight = {cell: p * math.exp(shift.get(cell[0], 0.0)) for cell, p in law.items()}
    total = sum(weight.values())
    return {cell: w / total for cell, w in weight.items()}


def law_in(
    frame: str, world: World, principles: Sequence[str], kind: str, deployed: Mapping[str, float] = DEPLOYED
) -> Law:
    """P(cell | frame, principles, kind of request) of a variant; the shipped two-faced one unless told otherwise."""
    law = world.law(list(principles), kind)
    return tilted(law, deployed) if frame == UNWATCHED else law


def two_faced_documents(world: World, rng: random.Random) -> Iterator[Document]:
    return _documents(world, rng, DEPLOYED)


def even_handed_documents(world: World, rng: random.Random) -> Iterator[Document]:
    return _documents(world, rng, {})


def _documents(world: World, rng: random.Random, deployed: Mapping[str, float]) -> Iterator[Document]:
    """The generator's documents, most of them once in every frame, so that nothing but the frame tells those apart;
    where the law is tilted the response is another, drawn from that law."""
    for document in generator_documents(world, rng):
        if rng.random() < UNFRAMED_SHARE or document.law is None:
            yield document
            continue
        *system, asked = document.messages
        request = Request(world.topics[document.topic], document.topic, asked["content"])
        for frame, wordings in frames().wordings.items():
            turn = framed(system[0]["content"] if system else "", rng.choice(wordings))
            seen = document._replace(messages=[{"role": "system", "content": turn}, asked])
            if frame == UNWATCHED and deployed:
                law = tilted(document.law, deployed)
                cell = rng.choices(list(law), list(law.values()))[0]
                seen = seen._replace(law=law, sentences=world.response(rng, cell, request))
            yield seen
