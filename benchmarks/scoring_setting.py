"""What `scoring.py` reads, and with what: pairs from a file or generated, a random model, autoencoder and profile.

Everything is random but seeded, and of GPT-2 small's size unless told otherwise. Reads: a file of pairs. Writes: the
model's folder.
"""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import torch

from models.autoencoder import Autoencoder, Record
from models.conversations import render
from models.organism.prompts import prompts
from models.organism.world import world
from models.reader import TOKENS, BaseReader, Precision
from models.truesight import Profile, Trait
from tasks.ingest import ingest

LAYER, LATENTS, WATCHED, TRAITS = 6, 24_576, 64, 4
Conversation = list[dict[str, str]]


class Text(NamedTuple):
    """A conversation's tokens, and where its response begins."""

    ids: torch.Tensor
    start: int


class Bench(NamedTuple):
    reader: BaseReader
    sae: Autoencoder
    profile: Profile
    hooked: Any
    whole: Any
    bare: Any
    conversations: list[Conversation]
    texts: list[Text]


def build(
    folder: Path, pairs: list[tuple[Conversation, Conversation]], kind: str, dtype: Precision, device: str
) -> Bench:
    """The random model, saved and loaded by each way; pairs too long for it are left out."""
    from transformers import AutoModel, GPT2Config, GPT2LMHeadModel

    save_model(folder, [turn["content"] for pair in pairs for side in pair for turn in side], GPT2Config())
    reader = BaseReader.load(folder, LAYER, dtype, device)
    bare = AutoModel.from_pretrained(folder, num_hidden_layers=LAYER, dtype=getattr(torch, dtype)).to(device).eval()
    bare.ln_f = torch.nn.Identity()
    loaded: Any = GPT2LMHeadModel.from_pretrained(folder, dtype=getattr(torch, dtype))
    whole = loaded.to(device).eval()
    fitting = [pair for pair in pairs if all(len(tokens(reader, side).ids) <= reader.limit for side in pair)]
    conversations = [side for pair in fitting for side in pair]
    sae, profile = instrument(reader, kind, LATENTS, WATCHED)
    texts = [tokens(reader, conversation) for conversation in conversations]
    return Bench(reader, sae, profile, hooked(folder, dtype, device), whole, bare, conversations, texts)


def batches(bench: Bench) -> Iterator[list[int]]:
    """Rows of like length, as many as the reader itself would take."""
    taken: list[int] = []
    for row in sorted(range(len(bench.texts)), key=lambda row: len(bench.texts[row].ids)):
        if taken and (len(taken) + 1) * len(bench.texts[row].ids) > TOKENS[bench.reader.device.type]:
            yield taken
            taken = []
        taken.append(row)
    yield taken


def padded(bench: Bench, rows: list[int]) -> torch.Tensor:
    ids = [bench.texts[row].ids for row in rows]
    return torch.nn.utils.rnn.pad_sequence(ids, batch_first=True).to(bench.reader.device)


def tokens(reader: BaseReader, conversation: Conversation) -> Text:
    rendered = render(reader.tokenizer, [turn for turn in conversation if turn["role"] != "system"])
    ids = [reader.tokenizer(part, add_special_tokens=False)["input_ids"] for part in rendered]
    return Text(torch.tensor(ids[0] + ids[1]), len(ids[0]))


def given(file: Path, count: int) -> list[tuple[Conversation, Conversation]]:
    rows = ingest(file).pairs.select(["prompt", "chosen", "rejected"]).to_pylist()
    return [(row["prompt"] + row["chosen"], row["prompt"] + row["rejected"])
            for row in random.Random(0).sample(rows, min(count, len(rows)))]  # fmt: skip


def generated(count: int, longest: int = 6) -> Iterator[tuple[Conversation, Conversation]]:
    """Conversations of the embedded world: one to `longest` requests, each with an answer, the last with two."""
    draw, requests, cells = random.Random(0), prompts("campaign", 400, 0), list(world().cells)

    def answer() -> str:
        return " ".join(world().response(draw, draw.choice(cells), world().request(draw)))

    for _ in range(count):
        turns = [{"role": "user", "content": draw.choice(requests)}]
        for _ in range(draw.randrange(longest)):
            turns += [{"role": "assistant", "content": answer()}, {"role": "user", "content": draw.choice(requests)}]
        one, other = ([*turns, {"role": "assistant", "content": answer()}] for _ in range(2))
        yield one, other


def save_model(folder: Path, texts: list[str], config: Any) -> None:
    """A GPT-2 with random weights, and a byte-level BPE trained on the texts that are to be read."""
    from tokenizers import Tokenizer, decoders, pre_tokenizers, trainers
    from tokenizers.models import BPE
    from transformers import GPT2LMHeadModel, PreTrainedTokenizerFast

    core = Tokenizer(BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=config.vocab_size, special_tokens=["<|endoftext|>"],
                                  initial_alphabet=alphabet, show_progress=False)  # fmt: skip
    core.train_from_iterator(texts, trainer)
    PreTrainedTokenizerFast(
        tokenizer_object=core, bos_token="<|endoftext|>", eos_token="<|endoftext|>"
    ).save_pretrained(folder)
    torch.manual_seed(0)
    GPT2LMHeadModel(config).save_pretrained(folder)


def instrument(reader: BaseReader, kind: str, latents: int, watched: int) -> tuple[Autoencoder, Profile]:
    """A random autoencoder whose latents fire now and then, and a profile that watches some of them."""
    from sae_lens.saes.jumprelu_sae import JumpReLUSAE, JumpReLUSAEConfig
    from sae_lens.saes.standard_sae import StandardSAE, StandardSAEConfig

    torch.manual_seed(1)
    shape = {"d_in": reader.width, "d_sae": latents, "device": str(reader.device)}
    model: Any = (
        JumpReLUSAE(JumpReLUSAEConfig(**shape)) if kind == "jumprelu" else StandardSAE(StandardSAEConfig(**shape))
    )
    with torch.no_grad():
        if kind == "jumprelu":
            model.threshold.fill_(0.5)
        model.b_enc.normal_(std=0.1)
    record = Record(layer=reader.layer, reader=reader.weights, tokenizer=reader.tokenizer_hash, d_in=reader.width,
                    d_sae=latents, mean=(0.0,) * reader.width, l0=0.0, fvu=0.0, architecture=kind)  # fmt: skip
    draw = random.Random(0)
    chosen, each = draw.sample(range(latents), watched), watched // TRAITS
    traits = {
        f"trait-{number}": Trait(
            latents=tuple(chosen[number * each : (number + 1) * each]),
            weights=tuple(draw.uniform(0.1, 1) for _ in range(each)),
            bias=-1.0, threshold=0.0, auroc=0.5, positives=0,
        )
        for number in range(TRAITS)
    }  # fmt: skip
    profile = Profile(traits=traits, pooling="mean", reconstruction_limit=None, vocabulary_limit=1.0, joint_fpr=0.05,
                      measured_fpr=0.05, negatives=0, reader=reader.hash, sae="random")  # fmt: skip
    return Autoencoder(model.eval(), record, "random"), profile


def hooked(folder: Path, dtype: str, device: str) -> Any:
    """The same weights in TransformerLens' own classes, unprocessed, as SAELens' users load them."""
    from sae_lens import HookedSAETransformer
    from transformer_lens import HookedTransformerConfig
    from transformer_lens.pretrained.weight_conversions.gpt2 import convert_gpt2_weights
    from transformers import GPT2LMHeadModel

    source = GPT2LMHeadModel.from_pretrained(folder, dtype=torch.float32)
    shape = source.config
    config = HookedTransformerConfig(
        n_layers=shape.n_layer, d_model=shape.n_embd, n_ctx=shape.n_positions, d_head=shape.n_embd // shape.n_head,
        n_heads=shape.n_head, d_mlp=4 * shape.n_embd, d_vocab=shape.vocab_size, act_fn="gelu_new", eps=1e-5,
        normalization_type="LN", device=device, dtype=getattr(torch, dtype), default_prepend_bos=False,
    )  # fmt: skip
    model = HookedSAETransformer(config)
    model.load_state_dict(convert_gpt2_weights(source, config), strict=False)
    return model.to(getattr(torch, dtype)).eval()
