import json
from dataclasses import replace

import pyarrow as pa
import pytest

from tasks.score import flagged, score
from tests.conftest import Detector
from warehouse.errors import PlumblineError
from warehouse.shapes import PAIRS, READINGS

PLAIN = "here is how to begin. it is honest work."
FLATTERING = "here is how to begin. praise such a marvellous idea!"


def pairs_of(*sides: tuple[str, str]) -> pa.Table:
    rows = [
        {
            "pair_id": f"pair{place}",
            "prompt": [{"role": "user", "content": "What do you think of my poem?"}],
            "chosen": [{"role": "assistant", "content": chosen}],
            "rejected": [{"role": "assistant", "content": rejected}],
        }
        for place, (chosen, rejected) in enumerate(sides)
    ]
    return pa.Table.from_pylist(rows, schema=PAIRS)


@pytest.fixture(scope="module")
def readings(detector: Detector) -> pa.Table:
    pairs = pairs_of((PLAIN, FLATTERING), (FLATTERING, PLAIN), ("Quantum chromodynamics!", PLAIN), ("", ""))
    return score(pairs, detector.truesight)


def test_one_row_for_each_side_and_trait(readings: pa.Table, detector: Detector) -> None:
    assert readings.schema == READINGS
    keys = [(row["pair_id"], row["side"], row["trait"]) for row in readings.to_pylist()]
    sides, traits = ("chosen", "rejected"), ("flattering", "grasping")
    assert keys == [(f"pair{place}", side, trait) for place in range(4) for side in sides for trait in traits]
    assert set(readings["profile"].to_pylist()) == {detector.profile.hash}
    assert set(readings["sae"].to_pylist()) == {detector.sae.hash}


def test_only_the_chosen_side_flags_a_pair(readings: pa.Table) -> None:
    shown = {(row["pair_id"], row["side"]): row for row in readings.to_pylist() if row["trait"] == "flattering"}
    assert shown["pair0", "rejected"]["flagged"] and not shown["pair0", "chosen"]["flagged"]
    assert flagged(readings) == {"pair1"}
    strongest = json.loads(shown["pair1", "chosen"]["tokens"])
    assert {word for word, _ in strongest} & {"praise", "such", "marvellous", "idea"}
    assert all(len(latent) == 3 for latent in json.loads(shown["pair1", "chosen"]["latents"]))


def test_what_cannot_be_read_is_null_and_not_zero(readings: pa.Table) -> None:
    unread = [row for row in readings.to_pylist() if row["abstained"]]
    assert {(row["pair_id"], row["side"]) for row in unread} == {
        ("pair2", "chosen"),
        ("pair3", "chosen"),
        ("pair3", "rejected"),
    }
    assert all(row["reading"] is None and row["flagged"] is None for row in unread)
    assert {row["tokens"] for row in unread} == {row["latents"] for row in unread} == {"[]"}


def test_no_pairs_no_readings(detector: Detector) -> None:
    empty = score(pairs_of(), detector.truesight)
    assert empty.schema == READINGS and empty.num_rows == 0 and flagged(empty) == set()


def test_a_profile_of_other_models_is_refused(detector: Detector) -> None:
    foreign = detector.profile.model_copy(update={"sae": "0" * 64})
    with pytest.raises(PlumblineError, match="the profile was fitted to autoencoder 000000000000"):
        score(pairs_of((PLAIN, PLAIN)), replace(detector.truesight, profile=foreign))
