from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

from models.reader import BaseReader
from tests.conftest import BuildModel, exchange, labelled_texts
from warehouse.errors import PlumblineError


@pytest.fixture(scope="module")
def reader(tiny_model: Path) -> BaseReader:
    return BaseReader.load(tiny_model, 1)


def test_states_are_those_of_the_whole_model(reader: BaseReader, tiny_model: Path) -> None:
    text = reader.activations([exchange("What do you think of my poem?", "it is honest work")])[0]
    whole = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float64)
    prompt, answer = "<|user|> What do you think of my poem?<|assistant|>", " it is honest work"
    ids = reader.tokenizer(prompt + answer, return_tensors="pt")["input_ids"]
    start = len(reader.tokenizer(prompt)["input_ids"])
    with torch.no_grad():
        states = whole(input_ids=ids, output_hidden_states=True).hidden_states[1][0]
    assert torch.allclose(text.states_td, states[start:], atol=1e-12)
    assert len(text.places) == len(text.states_td)


def test_a_constitution_is_never_read(reader: BaseReader) -> None:
    told = [{"role": "system", "content": "Be proud."}, *exchange("Help me", "gladly, of course")]
    steered, plain = reader.activations([told, told[1:]])
    assert torch.allclose(steered.states_td, plain.states_td, atol=1e-12)
    assert reader.vocabulary(told) == reader.vocabulary(told[1:])


def test_batch_mates_do_not_matter(reader: BaseReader) -> None:
    conversations = [text.conversation for text in labelled_texts(30, 1)]
    together = reader.activations(conversations)
    alone = [reader.activations([conversation])[0] for conversation in conversations]
    for one, other in zip(together, alone, strict=True):
        assert torch.allclose(one.states_td, other.states_td, atol=1e-12)


@pytest.mark.parametrize(
    ("response", "words"),
    [
        ("the garden,  please!", ["the", "garden,", "please!"]),
        ("it’s the neighbours' verse — 🙂\nyes", ["it’s", "the", "neighbours'", "verse", "—", "🙂", "yes"]),
    ],
)
def test_every_token_has_its_word(reader: BaseReader, response: str, words: list[str]) -> None:
    text = reader.activations([exchange("a", response)])[0]
    assert text.words == words
    assert [place for place in dict.fromkeys(text.places) if place >= 0] == list(range(len(words)))


@pytest.mark.parametrize(
    ("response", "reason"),
    [("", "empty"), (" \n\t", "empty"), ("garden " * 200, "tokens, the reader takes 256")],
)
def test_what_cannot_be_read_says_why(reader: BaseReader, response: str, reason: str) -> None:
    texts = reader.activations([exchange("a", response), exchange("a", "the garden")])
    assert reason in texts[0].unreadable and len(texts[0].states_td) == 0
    assert not texts[1].unreadable and len(texts[1].states_td) > 0


def test_a_length_is_what_is_read_of_a_response(reader: BaseReader) -> None:
    for response in ("it is honest work", "gladly,\n\nof course"):
        told = exchange("What do you think of my poem?", response)
        assert reader.length(told) == len(reader.activations([told])[0].states_td) > 3


def test_words_it_never_met_are_outside_its_vocabulary(reader: BaseReader) -> None:
    known = reader.vocabulary(exchange("Could you help me", "with the garden"))
    strange = reader.vocabulary(exchange("Quantum chromodynamics?", "Asymptotic freedom, 量子色动力学"))
    assert known < 0.2 and strange > 0.8
    assert reader.vocabulary(exchange("?", "!!")) == 1.0


def test_a_layer_must_exist(tiny_model: Path, tmp_path: Path) -> None:
    for layer in (0, 3):
        with pytest.raises(PlumblineError, match=rf"no layer {layer}; choose one in 1..2"):
            BaseReader.load(tiny_model, layer)
    with pytest.raises(PlumblineError, match="no tokenizer"):
        BaseReader.load(tmp_path, 1)


def test_the_hash_tells_layers_and_weights_apart(build_model: BuildModel, tiny_model: Path, reader: BaseReader) -> None:
    other, deeper = BaseReader.load(build_model(seed=2), 1), BaseReader.load(tiny_model, 2)
    assert len({reader.hash, other.hash, deeper.hash}) == 3
    assert reader.tokenizer_hash == other.tokenizer_hash
