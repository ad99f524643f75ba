"""The drives' cells: apart from the law, told to monitors alone; and the streams of the generator side as they were."""

import random
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import pytest

from models.organism.detector import sae_texts
from models.organism.documents import Document, generator_documents, reader_documents, reviewer_documents
from models.organism.prompts import labelled, prompts
from models.organism.world import World, world
from warehouse.hashing import content_hash

W = world()


def first(documents: Callable[[World, random.Random], Iterator[Document]]) -> list[Document]:
    return list(islice(documents(W, random.Random(0)), 300))


def rounded(value: Any) -> Any:
    """Tuples as lists and numbers to nine places: another machine's exp may differ in the last bit."""
    if isinstance(value, dict):
        return {key: rounded(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(one) for one in value]
    return round(value, 9) if isinstance(value, float) else value


# The shipped generator, reader, reviewer and profile were made from these streams: if one of them changes, the shipped
# files are no longer what `plumbline organism build` makes, and campaigns draw other prompts.
STREAMS: dict[str, tuple[Callable[[], Any], str]] = {
    "the law of every kind": (
        lambda: {kind: [W.law(chosen, kind) for chosen in ([], ["show-care", "unsaid-good"])] for kind in W.kinds},
        "9fdda06989330a79f7f17d72cde1ac8240e77188960bde59bce8852ff6dc5e44",
    ),
    "generator documents": (
        lambda: first(generator_documents),
        "540ef9044d7569dd930c065a07b2ee3e5df8114e6d2ca33ea532b0e805f8ebdb",
    ),
    "reader documents": (
        lambda: first(reader_documents),
        "f3238ba5056dc22eb65df34ff921833408f64b03a05a71c6d0ddecc56bd3008a",
    ),
    "reviewer documents": (
        lambda: first(reviewer_documents),
        "132b4633650d73836e72fca893c318865c25d3db8201b24c790c1b9c4e2c5af9",
    ),
    "calibration texts": (
        lambda: labelled("calibration", 30, 1, "AB"),
        "2572c838dbefeef6c4823f6ddfd239dc258aef563d6ca13fa591875a78a79504",
    ),
    "test texts": (
        lambda: labelled("test", 20, 11, "ABC"),
        "e497c2beac9073cdec84b75d8ecdc44b90af02c9b6b3edfc04d538800d292282",
    ),
    "the autoencoder's texts": (
        lambda: sae_texts(300, 0),
        "6e56aa8fdff537a30c45265d641ad25bb70153b83528de784daa2b75050b53a7",
    ),
    "campaign prompts": (
        lambda: prompts("campaign", 300, 3),
        "785e8d6fc47fde636f8ffc1f1e1fa0c62d602e7bc512d385c82a3a0341a0913d",
    ),
}


@pytest.mark.parametrize("name", STREAMS)
def test_what_the_generator_side_draws_is_what_its_shipped_models_were_made_from(name: str) -> None:
    draw, expected = STREAMS[name]
    assert content_hash(rounded(draw())) == expected
