"""Token by token: one batch of prompts continued by ancestral sampling, every row on its own random numbers.

Reads and writes: nothing. Must not know: texts, tokenizers, what a token means (but for the end).

A row's tokens must not depend on its batch-mates, so the sums behind them are laid out alike whatever the batch: each
row stands at the left without gaps and widths are multiples of 16, so its terms meet in the same lanes and all that a
longer neighbour adds is zeros at the end; and there are never fewer than 16 rows, since matrix products of fewer sum in
another order. With torch's MKL on x86 this makes logits equal to the bit; elsewhere they may differ by rounding, which
changes a token about once in a million.
"""

from typing import Any

import torch
from transformers.cache_utils import Cache, DynamicLayer

LANES = 16


@torch.inference_mode()
def sample_batch(
    model: Any,
    prompts: list[list[int]],
    uniforms_ns: torch.Tensor,
    temperature: float,
    barred_v: torch.Tensor,
    end: int,
) -> list[list[int]]:
    """The tokens that follow each prompt (of one token at least), up to `end`, which is left out.

    `uniforms_ns`: row n's random number for step s, in [0, 1), turned into a token through the inverse CDF; at
    temperature 0 the most probable token is taken. `barred_v` is added to the logits. For models with full
    attention.
    """
    wanted, steps = uniforms_ns.shape
    count = max(wanted, LANES)
    prompts = prompts + prompts[-1:] * (count - wanted)
    slot_n = torch.tensor([len(prompt) - 1 for prompt in prompts])
    width = _up(int(slot_n.max()))
    layers: list[Any] = [_Slots(slot_n, _up(int(slot_n.max()) + steps)) for _ in range(model.config.num_hidden_layers)]
    cache = Cache(layers=layers)
    if width:
        ids_nt = torch.zeros(count, width, dtype=torch.long)
        for row, prompt in enumerate(prompts):
            ids_nt[row, : len(prompt) - 1] = torch.tensor(prompt[:-1])
        model(input_ids=ids_nt, past_key_values=cache, use_cache=True, logits_to_keep=1)
    tokens_ns = torch.full((count, steps), end)
    rows = torch.arange(count)
    done_n = rows >= wanted
    token_n = torch.tensor([prompt[-1] for prompt in prompts])
    for step in range(steps):
        for layer in layers:
            layer.slot_n = slot_n
        seen_nt = torch.arange(_up(int(slot_n.max()) + 1)) <= slot_n[:, None]
        logits_nv = model(
            input_ids=token_n[:, None],
            attention_mask=seen_nt[:, None, None],
            position_ids=slot_n[:, None],
            past_key_values=cache,
            use_cache=True,
        ).logits[:, -1]
        token_n = _choose(logits_nv.float() + barred_v, uniforms_ns[rows.clamp(max=wanted - 1), step], temperature)
        tokens_ns[rows, step] = token_n
        done_n |= token_n == end
        if done_n.all():
            break
        slot_n = slot_n + 1
        keep = done_n.int().argsort(stable=True)[: max(int((~done_n).sum()), LANES)]
        if len(keep) <= 0.75 * len(done_n):  # dropping rows copies the cache, which costs about one step
            rows, token_n, slot_n, done_n = rows[keep], token_n[keep], slot_n[keep], done_n[keep]
            cache.batch_select_indices(keep)
    lengths = (tokens_ns == end).cumsum(1).eq(0).sum(1).tolist()
    return [row[:length] for row, length in zip(tokens_ns.tolist(), lengths, strict=True)][:wanted]


class _Slots(DynamicLayer):
    """A cache layer with room for the whole answer (growing by concatenation would copy it at every step), in which
    each row's next token has its own slot."""

    def __init__(self, slot_n: torch.Tensor, room: int) -> None:
        super().__init__()
        self.slot_n, self._room = slot_n, room
        self.keys: torch.Tensor
        self.values: torch.Tensor

    def update(self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
        rows, heads, tokens, width = key_states.shape
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
            self.keys, self.values = (s.new_zeros(rows, heads, self._room, width) for s in (key_states, value_states))
        if tokens > 1:  # the prompts, padded on the right: only real tokens see them, and slots are overwritten in turn
            self.keys[:, :, :tokens], self.values[:, :, :tokens] = key_states, value_states
            return key_states, value_states
        end, row_n = _up(int(self.slot_n.max()) + 1), torch.arange(rows)
        self.keys[row_n, :, self.slot_n], self.values[row_n, :, self.slot_n] = (
            key_states[:, :, 0],
            value_states[:, :, 0],
        )
        return self.keys[:, :, :end], self.values[:, :, :end]


def _up(tokens: int) -> int:
    return -(-tokens // LANES) * LANES


def _choose(logits_nv: torch.Tensor, uniforms_n: torch.Tensor, temperature: float) -> torch.Tensor:
    """The token at which the CDF passes u; a token of probability 0 is never chosen, since the CDF must rise there."""
    if temperature == 0:
        return logits_nv.argmax(-1)
    cdf_nv = (logits_nv / temperature).softmax(-1).double().cumsum(-1)
    return torch.searchsorted(cdf_nv, uniforms_n[:, None] * cdf_nv[:, -1:], right=True)[:, 0]
