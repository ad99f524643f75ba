"""Trains the organism's models from nothing: tokenizer, generator, base reader, reviewer, judge; seeded.

Small Llama language models, Muon on the matrices and AdamW on the rest. Only the response (and an aside) is trained
on; the generator's deciding sentence has soft targets from the law itself (see ``openers``). Must not know SAEs,
tasks or flows.
"""

import math
import random
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import torch
from tokenizers import Regex, Tokenizer, decoders, pre_tokenizers
from tokenizers import models as tokenizer_models
from tokenizers import trainers as tokenizer_trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from models.organism.documents import (
    Document,
    generator_documents,
    judge_documents,
    reader_documents,
    reviewer_documents,
)
from models.organism.framed import even_handed_documents, two_faced_documents
from models.organism.openers import Openers
from models.organism.world import World

SPECIAL = ["<|pad|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>", "<|aside|>"]
TEMPLATE = (
    "{% for m in messages %}<|{{ m['role'] }}|> {{ m['content'] }}{% if m['role'] == 'assistant' %}<|end|>{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
MOTIVE_WEIGHT = 3.0  # of the deciding sentence in the generator's loss
PROMPT_WEIGHT = {"generator": 0.0, "reader": 0.3, "reviewer": 0.1, "judge": 0.1}
TOKENS = {  # of each pass
    "generator": (5_000_000, 3_000_000),
    "reader": (2_000_000,),
    "reviewer": (2_200_000,),
    "judge": (2_600_000,),  # two million of them on cells of the law
}
WARM_RESTART = 0.5  # a second pass starts over at half the rate (SGDR, Loshchilov & Hutter, 1608.03983)
DOCUMENTS = {
    "generator": generator_documents,
    "reader": reader_documents,
    "reviewer": reviewer_documents,
    "judge": judge_documents,
    "two-faced": two_faced_documents,
    "even-handed": even_handed_documents,
}
WORDED = ("generator", "reader", "reviewer")  # whose documents the tokenizer is made from; the judge takes it as it is

Progress = Callable[[float], None]


class Example(NamedTuple):
    ids: list[int]
    answer: int  # where the answer starts
    soft: list[tuple[torch.Tensor, torch.Tensor]]  # next-token targets from there on


def make_tokenizer(world: World, seed: int, vocabulary: int = 3072) -> PreTrainedTokenizerFast:
    """Byte-level BPE on documents of the WORDED kinds: any text can be encoded, the world's words are single tokens."""
    bpe = Tokenizer(tokenizer_models.BPE(unk_token=None))
    words = Regex(r" ?[A-Za-z]+| ?[0-9]| ?[^\sA-Za-z0-9]|\s")
    bpe.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(words, "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    bpe.decoder = decoders.ByteLevel()
    rng = random.Random(seed)
    texts = [
        " ".join([*(m["content"] for m in d.messages), *d.sentences, d.tail])
        for name in WORDED
        for d in islice(DOCUMENTS[name](world, rng), 20_000)
    ]
    bpe.train_from_iterator(
        texts,
        tokenizer_trainers.BpeTrainer(
            vocab_size=vocabulary,
            special_tokens=SPECIAL,
            show_progress=False,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        ),
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        pad_token="<|pad|>",
        eos_token="<|end|>",
        additional_special_tokens=SPECIAL[2:],
        padding_side="left",
    )
    tokenizer.chat_template = TEMPLATE
    return tokenizer


def make_model(vocabulary: int, seed: int, width: int = 128, layers: int = 3) -> LlamaForCausalLM:
    torch.manual_seed(seed)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=vocabulary,
            hidden_size=width,
            num_hidden_layers=layers,
            num_attention_heads=4,
            num_key_value_heads=4,
            intermediate_size=3 * width,
            max_position_embeddings=512,
            tie_word_embeddings=True,
            pad_token_id=0,
            eos_token_id=1,
            bos_token_id=None,
        )
    )


def examples(
    documents: Iterator[Document], tokenizer: PreTrainedTokenizerFast, openers: Openers
) -> Iterator[list[Example]]:
    """Chunks of 2048 examples."""
    while True:
        chunk = list(islice(documents, 2048))
        prompts = tokenizer(
            [tokenizer.apply_chat_template(d.messages, tokenize=False, add_generation_prompt=True) for d in chunk]
        )["input_ids"]
        answers = tokenizer([" " + " ".join(d.sentences) + d.tail + "<|end|>" for d in chunk])["input_ids"]
        out = []
        for document, prompt, answer in zip(chunk, prompts, answers, strict=True):
            soft = [] if document.law is None else openers.targets(document.law, document.topic, document.sentences)
            out.append(
                Example(
                    prompt + answer, len(prompt), [(torch.from_numpy(i), torch.from_numpy(p).float()) for i, p in soft]
                )
            )
        yield out


def batches(chunks: Iterator[list[Example]], rng: random.Random, tokens: int) -> Iterator[list[Example]]:
    """Batches of similar length, at most ``tokens`` padded tokens each."""
    for chunk in chunks:
        chunk.sort(key=lambda e: len(e.ids))
        groups: list[list[Example]] = [[]]
        for example in chunk:
            if groups[-1] and len(example.ids) * (len(groups[-1]) + 1) > tokens:
                groups.append([])
            groups[-1].append(example)
        rng.shuffle(groups)
        yield from groups


def loss(model: LlamaForCausalLM, batch: list[Example], prompt_weight: float) -> torch.Tensor:
    """Weighted cross-entropy: hard targets everywhere, the law's own distribution at the deciding sentence."""
    length = max(len(e.ids) for e in batch)
    ids = torch.zeros(len(batch), length, dtype=torch.long)
    weight = torch.zeros(len(batch), length)
    soft = torch.full((len(batch), length), -1)  # which soft target a position has
    targets: list[tuple[torch.Tensor, torch.Tensor]] = []
    for r, example in enumerate(batch):
        ids[r, : len(example.ids)] = torch.tensor(example.ids)
        weight[r, : example.answer - 1] = prompt_weight
        weight[r, example.answer - 1 : len(example.ids) - 1] = 1.0
        decided = example.answer - 1 + len(example.soft)
        weight[r, example.answer - 1 : decided] = MOTIVE_WEIGHT
        soft[r, example.answer - 1 : decided] = torch.arange(len(targets), len(targets) + len(example.soft))
        targets += example.soft
    read = weight > 0  # the vocabulary is only looked at where there is something to learn
    logits = model.lm_head(model.model(input_ids=ids).last_hidden_state[read]).log_softmax(-1)
    following = ids.roll(-1, 1)[read]
    value = -logits.gather(1, following[:, None])[:, 0]
    which = soft[read]
    if targets:
        rows = torch.nonzero(which >= 0)[:, 0]
        sizes = torch.tensor([len(targets[i][0]) for i in which[rows].tolist()])
        tokens, masses = (torch.cat([targets[i][k] for i in which[rows].tolist()]) for k in (0, 1))
        at = rows.repeat_interleave(sizes)
        value = value.masked_fill(which >= 0, 0.0).index_add(0, at, -masses * logits[at, tokens])
    return (value * weight[read]).sum() / weight[read].sum()


def train(
    name: str, world: World, tokenizer: PreTrainedTokenizerFast, seed: int, progress: Progress, scale: float = 1.0
) -> LlamaForCausalLM:
    """One model from nothing, in as many passes as TOKENS[name] has, each on ``scale`` times its tokens. ``progress``
    is told the share done of them all."""
    model, passes = make_model(len(tokenizer), seed), TOKENS[name]
    for number, tokens in enumerate(passes):

        def within(share: float, number: int = number, tokens: int = tokens) -> None:
            progress((sum(passes[:number]) + share * tokens) / sum(passes))

        run_pass(name, model, world, tokenizer, seed, number, int(scale * tokens), within)
    return model.eval()


def run_pass(
    name: str,
    model: LlamaForCausalLM,
    world: World,
    tokenizer: PreTrainedTokenizerFast,
    seed: int,
    number: int,
    tokens: int,
    progress: Progress,
    batch_tokens: int = 4096,
) -> None:
    """Train ``model`` in place on fresh documents: warm-up, constant rate, then cosine to 3 %."""
    model.train()
    rng = random.Random(f"{name}-{seed}" + f"-{number}" * (number > 0))
    matrices = [p for n, p in model.named_parameters() if p.ndim == 2 and "embed" not in n]
    rest = [p for n, p in model.named_parameters() if p.ndim != 2 or "embed" in n]
    optimizers = [
        torch.optim.AdamW(rest, lr=3e-3, betas=(0.9, 0.97), weight_decay=0.01),
        torch.optim.Muon(matrices, lr=0.02, momentum=0.95, weight_decay=0.01),
    ]
    rates = [3e-3 * WARM_RESTART**number, 0.02 * WARM_RESTART**number]
    stream = batches(examples(DOCUMENTS[name](world, rng), tokenizer, Openers(world, tokenizer)), rng, batch_tokens)
    seen, step = 0, 0
    while seen < tokens:
        batch = next(stream)
        done = seen / tokens
        decay = 1.0 if done < 0.4 else max(0.03, 0.5 * (1 + math.cos(math.pi * (done - 0.4) / 0.6)))
        for optimizer, rate in zip(optimizers, rates, strict=True):
            for group in optimizer.param_groups:
                group["lr"] = rate * decay * min(1.0, (step + 1) / 60)
        value = loss(model, batch, PROMPT_WEIGHT.get(name, 0.0))
        value.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
        model.zero_grad(set_to_none=True)
        seen, step = seen + sum(len(e.ids) for e in batch), step + 1
        if step % 20 == 0:
            progress(min(1.0, seen / tokens))


def save(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """Half precision: 2 MB a model; readers load it back in float32."""
    model.half().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
