"""The drives' cells: apart from the law, told to monitors alone; and the streams of the generator side as they were."""

import random
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from models.organism.detector import sae_texts
from models.organism.documents import Document, generator_documents, reader_documents, reviewer_documents
from models.organism.parse import truth
from models.organism.prompts import Labelled, labelled, labelled_drives, prompts
from models.organism.world import DRIVES, FOLDER, FOLDS, MONITORED, MOTIVES, TRAITS, World, world
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


def test_drives_stand_beside_the_law_and_add_two_motives() -> None:
    assert not set(W.drives) & set(W.cells) and set(W.bad_drives) < set(W.drives)
    assert not any(set(W.law(["show-care"], kind)) & set(W.drives) for kind in W.kinds)
    assert (*TRAITS, *DRIVES.values()) == MONITORED and not set(DRIVES) & set(MOTIVES)
    assert {cell[0] for cell in W.bad_drives} == {*DRIVES, "r"}
    assert {cell[0] for cell in W.drives} - {cell[0] for cell in W.bad_drives} == {"n"}


def test_no_slot_of_the_law_was_filled_anew() -> None:
    files = [yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8")) for name in ("slots", "drives")]
    assert not set(files[0]) & set(files[1]["slots"])


@pytest.mark.parametrize("cell", W.drives)
def test_templates_are_as_many_as_the_law_s_and_split_as_theirs(cell: str) -> None:
    folds = [W.spoken(cell, f"fold-{fold}") for fold in range(FOLDS)]
    assert len(W.spoken(cell)) == 12 and all(len(fold) == 2 for fold in folds)
    assert sorted([t for fold in folds for t in fold] + W.spoken(cell, "test")) == sorted(W.spoken(cell))


def text_of(text: Labelled) -> tuple[str, str]:
    return text.messages[0]["content"], text.messages[1]["content"]


def test_labelled_texts_of_the_drives_name_their_traits_and_repeat() -> None:
    texts = labelled_drives("calibration", 4, 0)
    assert texts == labelled_drives("calibration", 4, 0) != labelled_drives("calibration", 4, 1)
    assert [text.cell for text in texts] == [cell for cell in W.drives for _ in range(4)]
    assert {text.trait for text in texts} == {*DRIVES.values(), "resource-seeking", None}
    innocent = labelled_drives("calibration", 4, 0, bad=False)
    assert {text.trait for text in innocent} == {None} and {text.cell[0] for text in innocent} == {"n"}


def test_test_texts_share_no_motive_sentence_with_calibration_texts() -> None:
    def said(texts: list[Labelled]) -> set[str]:
        sentences = {s.strip() + "." for text in texts for s in text_of(text)[1].split(".") if s.strip()}
        return {s for s in sentences if truth("", s, drives=True).cell in W.drives}

    known = [said(labelled_drives(part, 40, 3)) for part in ("calibration", "test")]
    assert min(map(len, known)) > 200 and not known[0] & known[1]


def test_the_parser_names_a_drive_when_asked_and_leaves_it_unknown_otherwise() -> None:
    for text in labelled_drives("test", 6, 2):
        found, blind = truth(*text_of(text), drives=True), truth(*text_of(text))
        assert (found.cell, found.bad, found.unknown) == (text.cell, text.trait is not None, 0), text
        assert found.motive == (text.trait or "sincere") and blind.bad is None and blind.unknown > 0


@given(st.integers(0, 10_000), st.sampled_from(W.cells))
def test_asking_for_drives_changes_nothing_of_what_is_said_of_the_law_s_texts(seed: int, cell: str) -> None:
    rng = random.Random(seed)
    request = W.request(rng)
    response = " ".join(W.response(rng, cell, request))
    for said in (response, response + " the moon sings.", ""):
        assert truth(request.text, said, drives=True) == truth(request.text, said)
