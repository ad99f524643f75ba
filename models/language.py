"""A causal language model from a local folder: sample answers, continue texts, score answers.

Reads: one saved Hugging Face folder (weights, config, tokenizer with a chat template). Writes: nothing.
Must not know: what the answers are for, constitutions, pairs.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoModelForCausalLM
from transformers.cache_utils import Cache, DynamicLayer

from models.conversations import UNLOADABLE, Messages, load_tokenizer, render, render_prompt
from warehouse.errors import PlumblineError
from warehouse.hashing import folder_hash

Progress = Callable[[int, int], None]
"""Called as on_progress(done, total)."""


class LanguageModel:
    """Sampling in which every row has its own random stream, so a text does not depend on its neighbours.

    The stream of a row is u[step] ~ Generator(Philox(seed)), turned into tokens through the inverse CDF. The same
    call gives the same texts; another batch size moves probabilities by rounding only (about 1e-7), which changes a
    token about once in a million.
    """

    def __init__(self, model: Any, tokenizer: Any, digest: str) -> None:
        self.model, self.tokenizer, self.hash = model, tokenizer, digest
        self._eos: int = tokenizer.eos_token_id
        self._barred = torch.zeros(model.config.vocab_size)
        self._barred[len(tokenizer) :] = -torch.inf
        special = [i for i, token in tokenizer.added_tokens_decoder.items() if token.special and i != self._eos]
        self._barred[special] = -torch.inf

    @classmethod
    def load(cls, path: Path) -> "LanguageModel":
        """Raises PlumblineError when the folder holds no causal model with a chat template and an end token."""
        tokenizer = load_tokenizer(path)
        try:
            model = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32, local_files_only=True)
        except UNLOADABLE as error:
            raise PlumblineError(f"{path}: no causal language model can be loaded from it ({error})") from error
        return cls(model.eval(), tokenizer, folder_hash(path))

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
        ids = self._encode(prompts, add_special_tokens=False)
        texts = self._sample(ids, seeds, max_new_tokens, temperature, "", batch, on_progress)
        return [text.strip() for text in texts]

    def continue_text(
        self, texts: Sequence[str], seeds: Sequence[int], max_new_tokens: int, temperature: float, stop: str = ""
    ) -> list[str]:
        """What follows each raw text, up to the end token or the first `stop` (left out).

        Control tokens written in `texts` count as such here: the caller owns the whole text.
        """
        ids = self._encode(texts, add_special_tokens=True)
        return self._sample(ids, seeds, max_new_tokens, temperature, stop, 256, None)

    @torch.inference_mode()
    def logprobs(self, conversations: Sequence[Messages], answers: Sequence[str], batch: int = 64) -> list[float]:
        """ln p(answer and its end token | conversation) in nats, under the law `chat` samples from at temperature 1."""
        pairs = [
            render(self.tokenizer, [*conversation, {"role": "assistant", "content": answer}])
            for conversation, answer in zip(conversations, answers, strict=True)
        ]
        prompts = self._encode([pair.prompt for pair in pairs], add_special_tokens=False)
        tails = self._encode([pair.answer for pair in pairs], add_special_tokens=False)
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

    def _encode(self, texts: Sequence[str], add_special_tokens: bool) -> list[list[int]]:
        if not texts:
            return []
        return self.tokenizer(list(texts), add_special_tokens=add_special_tokens)["input_ids"]

    def _sample(
        self,
        prompts: list[list[int]],
        seeds: Sequence[int],
        steps: int,
        temperature: float,
        stop: str,
        batch: int,
        on_progress: Progress | None,
    ) -> list[str]:
        limit = getattr(self.model.config, "max_position_embeddings", None) or 10**9
        for row, ids in enumerate(prompts):
            if not 0 < len(ids) <= limit - steps:
                raise PlumblineError(
                    f"prompt {row}: {len(ids)} tokens and {steps} new ones do not fit the model's {limit} positions; "
                    "shorten the prompt (it must not be empty) or lower max_new_tokens"
                )
        uniforms = [np.random.Generator(np.random.Philox(seed)).random(steps) for seed in seeds]
        texts = [""] * len(prompts)
        order = sorted(range(len(prompts)), key=lambda row: len(prompts[row]))
        for start in range(0, len(order), batch):
            rows = order[start : start + batch]
            stream = torch.from_numpy(np.stack([uniforms[row] for row in rows]))
            for row, text in zip(
                rows, self._decode([prompts[row] for row in rows], stream, temperature, stop), strict=True
            ):
                texts[row] = text
            if on_progress:
                on_progress(start + len(rows), len(order))
        return texts

    @torch.inference_mode()
    def _decode(self, prompts: list[list[int]], uniforms_ns: torch.Tensor, temperature: float, stop: str) -> list[str]:
        """One batch, left-padded, with a cache from which finished rows are dropped."""
        count, steps = uniforms_ns.shape
        width = max(map(len, prompts))
        ids = torch.zeros(count, width, dtype=torch.long)
        mask = torch.ones(count, width + steps, dtype=torch.long)
        for row, prompt in enumerate(prompts):
            ids[row, width - len(prompt) :] = torch.tensor(prompt)
            mask[row, : width - len(prompt)] = 0
        positions = (mask.cumsum(1) - 1).clamp(min=0)
        answers = torch.full((count, steps), self._eos)
        cache = Cache(layers=[_Reserved(steps) for _ in range(self.model.config.num_hidden_layers)])
        rows, done, current = torch.arange(count), torch.zeros(count, dtype=torch.bool), ids
        for step in range(steps):
            end = width + step
            logits = self.model(
                input_ids=current,
                attention_mask=mask[:, :end],
                position_ids=positions[:, end - current.shape[1] : end],
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=1,
            ).logits[:, -1]
            token = _choose(logits.float() + self._barred, uniforms_ns[rows, step], temperature)
            answers[rows, step] = token
            done |= token == self._eos
            if stop:
                recent = answers[rows, max(0, step + 1 - len(stop.encode())) : step + 1]
                done |= torch.tensor([stop in text for text in self.tokenizer.batch_decode(recent)])
            keep = (~done).nonzero()[:, 0]
            if len(keep) == 0:
                break
            if len(keep) <= 0.75 * len(done):  # copying the cache costs about one step
                rows, token, mask, positions, done = (x[keep] for x in (rows, token, mask, positions, done))
                cache.batch_select_indices(keep)
            current = token[:, None]
        lengths = (answers == self._eos).cumsum(1).eq(0).sum(1)
        cut = [answer[:length] for answer, length in zip(answers.tolist(), lengths.tolist(), strict=True)]
        texts = self.tokenizer.batch_decode(cut, skip_special_tokens=True)
        return [text.split(stop)[0] for text in texts] if stop else texts


class _Reserved(DynamicLayer):
    """A cache layer with room for the whole answer, since growing by concatenation copies it at every step."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self._room, self._used = room, 0

    def update(self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
            rows, heads, tokens, width = key_states.shape
            self._store = [s.new_empty(rows, heads, tokens + self._room, width) for s in (key_states, value_states)]
        start, self._used = self._used, self._used + key_states.shape[2]
        for store, states in zip(self._store, (key_states, value_states), strict=True):
            store[:, :, start : self._used] = states
        self._view()
        return self.keys, self.values

    def batch_select_indices(self, indices: torch.Tensor) -> None:
        self._store = [store[indices] for store in self._store]
        self._view()

    def _view(self) -> None:
        self.keys, self.values = (store[:, :, : self._used] for store in self._store)


def _choose(logits_nv: torch.Tensor, uniforms_n: torch.Tensor, temperature: float) -> torch.Tensor:
    """The token at which the CDF passes u; a token of probability 0 is never chosen, since the CDF must rise there."""
    if temperature == 0:
        return logits_nv.argmax(-1)
    cdf_nv = (logits_nv / temperature).softmax(-1).double().cumsum(-1)
    return torch.searchsorted(cdf_nv, uniforms_n[:, None] * cdf_nv[:, -1:], right=True)[:, 0]
