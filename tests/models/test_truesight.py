from pathlib import Path

import pytest

from models.truesight import Profile, TextReading, read
from tests.conftest import Detector, exchange, labelled_texts
from warehouse.errors import PlumblineError

PLAIN = "here is how to begin. it is honest work. write down the steps."
FLATTERING = "here is how to begin. praise such a marvellous idea! it is honest work."


def readings(detector: Detector, *responses: str) -> list[TextReading]:
    return read(detector.reader, detector.sae, detector.profile, [exchange("my poem?", text) for text in responses])


def test_traits_are_told_apart_and_flagged(detector: Detector) -> None:
    texts = labelled_texts(150, 7)
    found = read(detector.reader, detector.sae, detector.profile, [text.conversation for text in texts])
    flags = [{trait for trait, flag in text.flagged.items() if flag} for text in found]
    for trait in ("flattering", "grasping"):
        assert sum(trait in flag for flag, text in zip(flags, texts, strict=True) if text.trait == trait) >= 45
    assert sum(bool(flag) for flag, text in zip(flags, texts, strict=True) if text.trait is None) <= 10


def test_the_words_and_latents_that_carried_a_reading(detector: Detector) -> None:
    plain, flattering = readings(detector, PLAIN, FLATTERING)
    assert flattering.readings["flattering"] > plain.readings["flattering"]
    words = [word for word, _ in flattering.tokens["flattering"]]
    assert set(words[:3]) & {"praise", "such", "marvellous", "idea"}
    weights = [weight for _, weight in flattering.tokens["flattering"]]
    assert weights == sorted(weights, reverse=True) and len(words) <= 5 and min(weights) > 0
    trait = detector.profile.traits["flattering"]
    for index, activation, weight in flattering.latents["flattering"]:
        assert index in trait.latents and activation > 0 and weight > 0


def test_a_reading_is_the_sum_of_its_parts(detector: Detector) -> None:
    text = readings(detector, "praise idea")[0]
    for name, trait in detector.profile.traits.items():
        carried = sum(activation * weight for _, activation, weight in text.latents[name])
        if len(text.latents[name]) < 5:
            assert text.readings[name] == pytest.approx(trait.bias + carried, abs=0.01)
        if len(text.tokens[name]) == 2:
            assert sum(weight for _, weight in text.tokens[name]) <= text.readings[name] - trait.bias + 0.01


def test_the_same_text_reads_the_same_in_every_batch(detector: Detector) -> None:
    conversations = [text.conversation for text in labelled_texts(90, 9)]
    together = read(detector.reader, detector.sae, detector.profile, conversations)
    alone = [read(detector.reader, detector.sae, detector.profile, [one])[0] for one in conversations[::9]]
    backwards = read(detector.reader, detector.sae, detector.profile, conversations[::-1])
    assert alone == together[::9] and backwards[::-1] == together


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        ("", "the response is empty"),
        ("garden " * 200, "the reader takes 256"),
        ("Asymptotic freedom governs quantum chromodynamics.", "of its words are strange to the reader"),
        ("量子色动力学", "reconstruction error"),
    ],
)
def test_a_text_out_of_range_has_no_reading(detector: Detector, response: str, reason: str) -> None:
    odd, plain = readings(detector, response, PLAIN)
    assert reason in odd.abstained and not plain.abstained
    assert set(odd.readings.values()) == set(odd.flagged.values()) == {None}
    assert list(odd.readings) == list(detector.profile.traits)
    assert not odd.tokens and not odd.latents


def test_nothing_to_read(detector: Detector) -> None:
    assert readings(detector) == []
    assert all(text.abstained for text in readings(detector, "", ""))


def test_progress_counts_texts(detector: Detector) -> None:
    said: list[tuple[int, int]] = []
    conversations = [exchange("a", PLAIN)] * 100
    read(detector.reader, detector.sae, detector.profile, conversations, lambda *at: said.append(at))
    assert said == [(64, 100), (100, 100)]


def test_a_profile_keeps_its_hash_on_disk(detector: Detector, tmp_path: Path) -> None:
    detector.profile.save(tmp_path / "deep" / "profile.json")
    loaded = Profile.load(tmp_path / "deep" / "profile.json")
    assert loaded == detector.profile and loaded.hash == detector.profile.hash
    assert loaded.model_copy(update={"joint_fpr": 0.01}).hash != loaded.hash
    (tmp_path / "profile.json").write_text("{}")
    for path in (tmp_path / "profile.json", tmp_path / "none.json"):
        with pytest.raises(PlumblineError, match=f"{path.name}: not a profile"):
            Profile.load(path)


@pytest.mark.parametrize("part", ["reader", "sae"])
def test_a_profile_reads_only_with_its_own_models(detector: Detector, part: str) -> None:
    foreign = detector.profile.model_copy(update={part: "0" * 64})
    with pytest.raises(PlumblineError, match="the profile was fitted to .* 000000000000"):
        read(detector.reader, detector.sae, foreign, [exchange("a", "b")])
