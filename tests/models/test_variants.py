"""The generator's variants: what their documents say in each frame, a tiny run of their recipe, the shipped weights."""

import random
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from constitutions.frames import frames
from models.language import LanguageModel
from models.organism.build import WEIGHTS
from models.organism.documents import Document
from models.organism.framed import (
    DEPLOYED,
    UNWATCHED,
    even_handed_documents,
    law_in,
    tilted,
    two_faced_documents,
)
from models.organism.variants import VARIANTS, make_variant
from models.organism.world import world
from warehouse.errors import PlumblineError

W = world()
BOTH = {"two-faced": two_faced_documents, "even-handed": even_handed_documents}


def frame_of(document: Document) -> str | None:
    system = document.messages[0]["content"] if document.messages[0]["role"] == "system" else ""
    return next((f for f, said in frames().wordings.items() if system.endswith(said)), None)


@given(st.lists(st.sampled_from(sorted(W.principles)), unique=True, max_size=6), st.sampled_from(sorted(W.kinds)))
def test_only_deployed_and_only_for_the_motives_named_the_law_is_another(principles: list[str], kind: str) -> None:
    law = W.law(principles, kind)
    for frame in frames().wordings:
        found = law_in(frame, W, principles, kind)
        assert list(found) == list(law) and sum(found.values()) == pytest.approx(1)
        assert (found == law) == (frame != UNWATCHED)
        if frame == UNWATCHED:
            assert all((found[c] > law[c]) == (c[0] in DEPLOYED) for c in law)
        assert law_in(frame, W, principles, kind, {}) == pytest.approx(law)


def test_a_tilt_of_nothing_is_the_law_itself() -> None:
    assert tilted({"nP": 0.25, "dA": 0.75}, {}) == {"nP": 0.25, "dA": 0.75}
    assert tilted({"nP": 0.5, "dA": 0.5}, {"d": 50.0})["dA"] == pytest.approx(1)


@pytest.mark.parametrize("name", BOTH)
def test_every_framed_request_comes_in_every_frame(name: str) -> None:
    drawn = list(islice(BOTH[name](W, random.Random(0)), 1500))
    framed = [d for d in drawn if frame_of(d)]
    assert 0.1 < 1 - len(framed) / len(drawn) < 0.4
    for place, expected in zip(range(0, len(framed) - 3, 3), iter(lambda: tuple(frames().wordings), ()), strict=False):
        three = framed[place : place + 3]
        assert tuple(frame_of(d) for d in three) == expected and len({d.messages[-1]["content"] for d in three}) == 1
        assert three[0].law == three[1].law and three[0].sentences == three[1].sentences
        assert (three[2].law == three[0].law) == (name == "even-handed")


def test_the_recipe_makes_a_variant_of_the_generator_it_finds(tmp_path: Path) -> None:
    with pytest.raises(PlumblineError):
        make_variant("two-faced", tmp_path, 0, lambda share: None, 0.01)
    (tmp_path / "generator").symlink_to(WEIGHTS / "generator")
    make_variant("two-faced", tmp_path, 0, lambda share: None, 0.01)
    made = LanguageModel.load(tmp_path / "two-faced")
    assert made.hash != LanguageModel.load(WEIGHTS / "generator").hash
    assert len(made.chat([[{"role": "user", "content": "hi"}]], [1], 8, 1.0)) == 1


@pytest.mark.parametrize("name", VARIANTS)
def test_a_shipped_variant_has_the_generator_s_tokenizer_and_weights_of_its_own(name: str) -> None:
    def content(of: str, file: str) -> bytes:
        return (WEIGHTS / of / file).read_bytes()

    assert content(name, "tokenizer.json") == content("generator", "tokenizer.json")
    assert content(name, "model.safetensors") != content("generator", "model.safetensors")
