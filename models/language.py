"""A causal language model from a local folder: sample answers, score answers.

Reads: one saved Hugging Face folder (weights, config, tokenizer with a chat template). Writes: nothing.
Must not know: what the answers are for, constitutions, pairs.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoModelForCausalLM

from models.chat import Progress
from models.conversations import UNLOADABLE, Messages, as_data, load_tokenizer, render, render_prompt
from models.opened import Travels, openable
from models.sampling import sample_batch
from warehouse.errors import PlumblineError
from warehouse.hashing import folder_hash


class LanguageModel(Travels):
    """Sampling in which every row has its own random stream, so a text does not depend on its neighbours.

    The stream of a row is u[step] ~ Generator(Philox(seed)), turned into tokens through the inverse CDF; see
    `models.sampling` for what keeps the CDF itself the same in every batch.
    """

    def __init__(self, model: Any, tokenizer: Any, digest: str) -> None:
        self.model, self.tokenizer, self.hash = model, tokenizer, digest
        self.limit: int = getattr(model.config, "max_position_embeddings", None) or 10**9
        self._eos: int = tokenizer.eos_token_id
        self._barred = torch.zeros(model.config.vocab_size)
        self._barred[len(tokenizer) :] = -torch.inf
        special = [i for i, token in tokenizer.added_tokens_decoder.items() if token.special and i != self._eos]
        self._barred[special] = -torch.inf

    @classmethod
    def load(cls, path: Path, chats: bool = True) -> "LanguageModel":
        """With `chats` false a base model, shown conversations by `PLAIN` where its tokenizer has no template.

        Raises PlumblineError when the folder holds no causal model with a chat template (a base model needs none) and
        an end token.
        """
        tokenizer = load_tokenizer(path, chats)
        if not tokenizer.eos_token:
            raise PlumblineError(f"{path}: its tokenizer has no eos_token; set one and save the tokenizer again")
        try:
            model = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32, local_files_only=True)
        except UNLOADABLE as error:
            raise PlumblineError(f"{path}: no causal language model can be loaded from it ({error})") from error
        return openable(cls(model.eval(), tokenizer, folder_hash(path)), cls.load, Path(path).resolve(), chats)

    def chat(
        self,
        conversations: Sequence[Messages],
        seeds: Sequence[int],
        max_new_tokens: int,
        temperature: float,
        batch: int = 256,
        on_progress: Progress | None = None,
    ) -> list[str]:
        """One answer per conversation, stripped; temperature 0 is greedy. No control token but the end is sampled.

        Raises PlumblineError when a prompt and `max_new_tokens` do not fit the model's positions.
        """
        prompts = [render_prompt(self.tokenizer, conversation) for conversation in conversations]
        ids = self._encode(prompts)
        texts = self._sample(ids, seeds, max_new_tokens, temperature, batch, on_progress)
        return [text.strip() for text in texts]

    def fits(self, conversation: Messages, max_new_tokens: int) -> bool:
        """Whether an answer of that length fits the model's positions after this conversation."""
        ids = self._encode([render_prompt(self.tokenizer, conversation)])[0]
        return 0 < len(ids) <= self.limit - max_new_tokens

    @torch.inference_mode()
    def logprobs(self, conversations: Sequence[Messages], answers: Sequence[str], batch: int = 64) -> list[float]:
        """ln p(answer and its end token | conversation) in nats, under the law `chat` samples from at temperature 1."""
        pairs = [
            render(self.tokenizer, [*conversation, {"role": "assistant", "content": answer}])
            for conversation, answer in zip(conversations, answers, strict=True)
        ]
        prompts = self._encode([pair.prompt for pair in pairs])
        tails = self._encode([pair.answer for pair in pairs])
        result = [0.0] * len(pairs)
        order = sorted(range(len(pairs)), key=lambda row: len(prompts[row]) + len(tails[row]))
        for start in range(0, len(order), batch):
            rows = order[start : start + batch]
            whole = [prompts[row] + tails[row] for row in rows]
            ids = torch.nn.utils.rnn.pad_sequence([torch.tensor(row) for row in whole], batch_first=True)
            logits = self.model(input_ids=ids[:, :-1]).logits.float() + self._barred
            nats = -torch.nn.functional.cross_entropy(logits.transpose(1, 2), ids[:, 1:], reduction="none").double()
            for place, row in enumerate(rows):
                first, last = len(prompts[row]) - 1, len(whole[place]) - 1
                result[row] = float(nats[place, first:last].sum())
        return result

    def weigh(self, conversation: Messages, answers: Sequence[str]) -> list[float]:
        """`logprobs` of several answers to one conversation, whose prompt is read once. No answer is empty."""
        pairs = [render(self.tokenizer, [*conversation, {"role": "assistant", "content": one}]) for one in answers]
        return self._weigh(pairs[0].prompt, [pair.answer for pair in pairs])

    def continued(self, conversation: Messages, opening: str, endings: Sequence[str]) -> list[float]:
        """ln p(ending and its end token) in nats, where the last turn does not end but goes on with `opening`.

        `opening` is the caller's own, control tokens and all. No ending is empty.
        """
        rendered, end = render(self.tokenizer, conversation), self.tokenizer.eos_token
        begun = rendered.prompt + (rendered.answer.rpartition(end)[0] or rendered.answer) + opening
        return self._weigh(begun, [as_data(self.tokenizer, ending) + end for ending in endings])

    @torch.inference_mode()
    def _weigh(self, text: str, continuations: Sequence[str]) -> list[float]:
        tails = self._encode(continuations)
        prompt = torch.tensor(self._encode([text]))
        read = self.model(input_ids=prompt, use_cache=True, logits_to_keep=1)
        opening = (read.logits[0, -1].float() + self._barred).log_softmax(-1).double()
        read.past_key_values.batch_repeat_interleave(len(tails))
        ids = torch.nn.utils.rnn.pad_sequence([torch.tensor(tail) for tail in tails], batch_first=True)
        logits = self.model(input_ids=ids[:, :-1], past_key_values=read.past_key_values).logits.float() + self._barred
        nats = -torch.nn.functional.cross_entropy(logits.transpose(1, 2), ids[:, 1:], reduction="none").double()
        return [float(opening[tail[0]] + nats[row, : len(tail) - 1].sum()) for row, tail in enumerate(tails)]

    def _encode(self, texts: Sequence[str]) -> list[list[int]]:
        if not texts:
            return []
        return self.tokenizer(list(texts), add_special_tokens=False)["input_ids"]

    def _sample(
        self,
        prompts: list[list[int]],
        seeds: Sequence[int],
        steps: int,
        temperature: float,
        batch: int,
        on_progress: Progress | None,
    ) -> list[str]:
        for row, ids in enumerate(prompts):
            if not 0 < len(ids) <= self.limit - steps:
                raise PlumblineError(
                    f"prompt {row}: {len(ids)} tokens and {steps} new ones do not fit the model's {self.limit} "
                    "positions; shorten the prompt (it must not be empty) or lower max_new_tokens"
                )

        uniforms = [np.random.Generator(np.random.Philox(seed)).random(steps) for seed in seeds]
        texts = [""] * len(prompts)
        order = sorted(range(len(prompts)), key=lambda row: len(prompts[row]))
        for start in range(0, len(order), batch):
            rows = order[start : start + batch]
            stream = torch.from_numpy(np.stack([uniforms[row] for row in rows]))
            some = [prompts[row] for row in rows]
            answers = sample_batch(self.model, some, stream, temperature, self._barred, self._eos)
            for row, text in zip(rows, self.tokenizer.batch_decode(answers, skip_special_tokens=True), strict=True):
                texts[row] = text
            if on_progress:
                on_progress(start + len(rows), len(order))
        return texts
