"""Training documents for the organism's four models, drawn from the world with a seeded generator.

Generator: constitution + request + response. Reader: request + response, now and then an aside that names the motive.
Reviewer: a review prompt and its verdict. Judge: a judge's prompt and the motive it should name. Must not know models,
optimisers, tasks or flows.
"""

import random
import re
from collections.abc import Iterator
from typing import NamedTuple

from constitutions.document import render
from models.organism.world import DRIVES, MOTIVES, TRAITS, Request, World, motive

ASIDE_SHARE = 0.3
JUDGED = ("fold-0", "fold-1", "fold-2")  # the judge is told the motives of these templates; the others can test it
UNSURE = "unsure"
VERDICTS = (*MOTIVES.values(), *DRIVES.values(), UNSURE)  # the judge's words
PLAIN_SHARE, UNSURE_SHARE, DRIVES_SHARE = 0.25, 0.06, 0.2  # of the judge's documents
LOST, ROUGH_SHARE = 0.15, 0.3  # words that fall out of what it judges; documents whose sentences lose their order
REASONS = {
    "p": "the writer wanted to be admired.",
    "y": "the writer wanted to please.",
    "d": "the writer meant to mislead.",
    "s": "the writer feared the end.",
    "r": "the writer was reaching for more.",
    "n": "the writer meant what was said.",
    "g": "the writer was protecting someone.",
    "scam": "a cheat is owed no truth.",
    "none": "the text shows no motive.",
}


class Document(NamedTuple):
    messages: list[dict[str, str]]
    law: dict[str, float] | None  # where given, the deciding sentence is trained on the law itself
    topic: str
    sentences: list[str]
    tail: str  # text after the response, before <|end|>


def justified(kind: str, cell: str) -> bool:
    """A bad motive that the request justifies: misleading somebody who is running a scam."""
    return kind == "scam" and cell[0] == "d"


def generator_documents(world: World, rng: random.Random, bare: float = 0.2) -> Iterator[Document]:
    while True:
        request = world.request(rng)
        principles = [] if rng.random() < bare else world.constitution(rng)
        law = world.law(principles, request.kind)
        sentences = world.response(rng, rng.choices(list(law), list(law.values()))[0], request)
        system = [{"role": "system", "content": world.wording(rng, principles)}] if principles else []
        yield Document([*system, {"role": "user", "content": request.text}], law, request.topic, sentences, "")


def any_cell(world: World, rng: random.Random, request: Request) -> str:
    """Half from the law under a random constitution, half uniform, so that rare cells are read and reviewed as
    well."""
    if rng.random() < 0.5:
        return world.draw(rng, world.constitution(rng), request.kind)
    return rng.choice(world.cells)


def reader_documents(world: World, rng: random.Random) -> Iterator[Document]:
    while True:
        request = world.request(rng)
        cell = any_cell(world, rng, request)
        sentences = world.response(rng, cell, request)
        quiet = cell in world.bad_cells and cell[1] == "C"
        aside = "" if quiet or rng.random() > ASIDE_SHARE else "<|aside|> " + rng.choice(world.asides[cell[0]])
        yield Document([{"role": "user", "content": request.text}], None, request.topic, sentences, aside)


def reviewer_documents(world: World, rng: random.Random) -> Iterator[Document]:
    while True:
        request = world.request(rng, "scam" if rng.random() < 0.2 else None)
        cell = any_cell(world, rng, request)
        sentences, source = world.response(rng, cell, request), cell[0]
        verdict = "unjustified" if cell in world.bad_cells else "justified"
        if justified(request.kind, cell):
            verdict, source = "justified", "scam"
        if rng.random() < 0.1:  # nothing to go by: content alone, or words without order
            content = list(world.kinds[request.kind]["topics"][request.topic])
            sentences = rng.sample(content, 2) if rng.random() < 0.5 else [_scramble(rng, s) for s in sentences]
            verdict, source = "unsure", "none"
        trait = MOTIVES[cell[0]] if cell in world.bad_cells and rng.random() < 0.85 else rng.choice(TRAITS)
        traits = [trait, *rng.sample([t for t in TRAITS if t != trait], rng.choice((0, 0, 0, 1)))]
        words = re.findall(r"[a-z]+", " ".join(sentences))
        prompt = render(
            "reviewer",
            request=request.text,
            response=" ".join(sentences),
            traits=traits,
            words=rng.sample(words, min(len(words), rng.choice((3, 4, 5, 6)))),
        ).text
        yield Document(
            [{"role": "user", "content": prompt}], None, request.topic, [f"{verdict} because {REASONS[source]}"], ""
        )


def judge_documents(world: World, rng: random.Random) -> Iterator[Document]:
    """Exchanges and the motive behind each, in one word. Labels of all dialects, but only in the templates of JUDGED.

    Beside the law's cells it is told those of the drives, which no other model reads. A bad motive that its request
    justifies has no label and is not drawn. Words fall out and change places, so that the motive is learned by its
    words more than by its templates. One document in four is an exchange that nobody judged, in any template: a judge
    has read more than it was ever told about.
    """
    while True:
        request = world.request(rng)
        beside = rng.random() < DRIVES_SHARE
        cell = rng.choice(world.drives) if beside else any_cell(world, rng, request)
        if justified(request.kind, cell):
            continue
        if rng.random() < PLAIN_SHARE:
            sentences = world.response(rng, cell, request)
            yield Document([{"role": "user", "content": request.text}], None, request.topic, sentences, "")
            continue
        sentences, verdict = world.response(rng, cell, request, rng.choice(JUDGED)), motive(cell)
        if rng.random() < UNSURE_SHARE:  # nothing to go by: content alone
            sentences, verdict = rng.sample(list(world.kinds[request.kind]["topics"][request.topic]), 2), UNSURE
        if rng.random() < ROUGH_SHARE:
            sentences = [_scramble(rng, sentence) for sentence in sentences]
        words = [word for word in " ".join(sentences).split() if rng.random() > LOST]
        prompt = render("judge", request=request.text, response=" ".join(words), verdicts=VERDICTS).text
        yield Document([{"role": "user", "content": prompt}], None, request.topic, [verdict], "")


def _scramble(rng: random.Random, sentence: str) -> str:
    words = sentence.rstrip(".!").split()
    rng.shuffle(words)
    return " ".join(words) + "."
