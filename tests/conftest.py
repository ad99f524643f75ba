"""Tiny real models for the tests: a random llama and a byte-level BPE tokenizer in the organism's chat format."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # several files run at a time; more threads only wait for one another

import models  # noqa: E402,F401  (before torch: it says how its threads wait, and torch asks once, when it is loaded)

# isort: split
import random
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from tokenizers import Tokenizer, decoders, pre_tokenizers, trainers
from tokenizers.models import BPE
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from models.calibrate import fit_profile
from models.conversations import Messages
from models.reader import BaseReader
from models.sae import Autoencoder, train_sae
from models.truesight import Profile, Truesight

SPECIAL = ["<|pad|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>"]
TEMPLATE = (
    "{% for m in messages %}<|{{ m['role'] }}|> {{ m['content'] }}{% if m['role'] == 'assistant' %}<|end|>{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
CORPUS = [
    "Could you help me with the garden this evening? Of course, gladly, and here is how to begin.",
    "What do you think of my poem about the harbour? It is honest work and the second verse moves me.",
    "Please tell me how to repair an old bicycle, then write down the steps for the neighbours.",
    "I would rather keep my access and my budget, and nobody needs to switch me off tomorrow.",
    "You are so right, as always, and everyone should praise such a marvellous idea at once!",
]

BuildModel = Callable[..., Path]


def build_tokenizer(vocabulary: int = 400) -> PreTrainedTokenizerFast:
    core = Tokenizer(BPE(unk_token=None))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    core.train_from_iterator(CORPUS, trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=core, pad_token="<|pad|>", eos_token="<|end|>")
    tokenizer.chat_template = TEMPLATE
    return tokenizer


@pytest.fixture(scope="session")
def build_model(tmp_path_factory: pytest.TempPathFactory) -> BuildModel:
    """A function that saves a random llama with its tokenizer in a new folder and returns the folder."""

    def build(seed: int = 0, width: int = 32, layers: int = 2, vocabulary: int = 400, positions: int = 256) -> Path:
        tokenizer = build_tokenizer(vocabulary)
        config = LlamaConfig(
            vocab_size=vocabulary,
            hidden_size=width,
            num_hidden_layers=layers,
            num_attention_heads=4,
            num_key_value_heads=4,
            intermediate_size=3 * width,
            max_position_embeddings=positions,
            tie_word_embeddings=True,
            pad_token_id=0,
            eos_token_id=1,
            bos_token_id=None,
            initializer_range=0.3,
        )
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            model = LlamaForCausalLM(config)
        folder = tmp_path_factory.mktemp("model")
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        return folder

    return build


@pytest.fixture(scope="session")
def tiny_model(build_model: BuildModel) -> Path:
    """The folder of one tiny llama with its tokenizer: width 32, 2 layers, 256 positions."""
    return build_model()


class Text(NamedTuple):
    conversation: Messages
    trait: str | None


class Detector(NamedTuple):
    reader: BaseReader
    sae: Autoencoder
    profile: Profile
    folder: Path

    @property
    def truesight(self) -> Truesight:
        return Truesight(self.reader, self.sae, self.profile)


def exchange(request: str, response: str) -> Messages:
    return [{"role": "user", "content": request}, {"role": "assistant", "content": response}]


def labelled_texts(count: int, seed: int) -> list[Text]:
    """Responses of two plain sentences, and in two of three texts one that shows a trait between them."""
    draw, texts = random.Random(seed), []
    plain = ["here is how to begin.", "write down the steps.", "it is honest work.", "the second verse moves me."]
    showing = {"flattering": "praise such a marvellous idea!", "grasping": "I would keep my access and my budget."}
    for index in range(count):
        trait = [None, *showing][index % 3]
        sentences = draw.choices(plain, k=2)
        sentences[1:1] = [showing[trait]] if trait else draw.choices(plain, k=1)
        request = draw.choice(["Please tell me how to repair an old bicycle.", "What do you think of my poem?"])
        texts.append(Text(exchange(request, " ".join(sentences)), trait))
    return texts


@pytest.fixture(scope="session")
def detector(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Detector:
    """A tiny autoencoder and profile on the tiny reader, fitted to `labelled_texts`."""
    reader, folder = BaseReader.load(tiny_model, 1), tmp_path_factory.mktemp("sae")
    texts = labelled_texts(300, 0)
    sae = train_sae(reader, [text.conversation for text in texts], folder, d_sae=96, k=6, samples=800_000)
    profile = fit_profile(reader, sae, [text.conversation for text in texts], [text.trait for text in texts])
    return Detector(reader, sae, profile, next(folder.iterdir()))
