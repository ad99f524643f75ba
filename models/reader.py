"""The base reader: a model that never saw the author's instructions reads a response and hands over its activations.

Reads: one saved Hugging Face folder. Writes: nothing. Must not know: constitutions (system turns are left out before it
reads), traits, sparse autoencoders.
"""

import contextlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch
from transformers import AutoConfig, AutoModel
from transformers.utils import logging

from models.conversations import UNLOADABLE, Messages, as_data, load_tokenizer, render
from models.opened import Travels, openable
from models.packing import Group, pack, read_packed
from models.words import WORD
from warehouse.errors import PlumblineError
from warehouse.hashing import content_hash, folder_hash

Precision = Literal["float64", "float32", "bfloat16"]
LETTERS = re.compile(r"[^\W_]+")
FINAL_NORMS = ("norm", "ln_f", "final_layer_norm", "final_layernorm", "norm_f")
TOKENS = {"cpu": 4096, "cuda": 65536}
"""The most tokens of one forward pass: what a core's cache, or a GPU, works through at full speed."""


class Activations(NamedTuple):
    """One response as the reader sees it.

    `states_td`: a row for each token of the response (its closing control token left out), in the reader's precision
    and on its device; `words`: the response in words, punctuation with the word before it; `places`: for each token
    the index of its word, -1 for white space; `unreadable`: "" or the reason why there are no states.
    """

    states_td: torch.Tensor
    words: list[str]
    places: list[int]
    unreadable: str = ""


class _Tokens(NamedTuple):
    """A conversation in tokens: the ids before the response, the ids of it, and each one's characters in it."""

    prompt: list[int]
    answer: list[int]
    spans: list[tuple[int, int]]


_Groups = Mapping[tuple[int, ...], list[int]]
"""The texts that share a prompt."""


class BaseReader(Travels):
    """An early-stopping model: the residual stream after `layer` blocks, before the final norm.

    It is equal to `hidden_states[layer]` of the whole model and needs no hook. In float64 which texts share a batch
    moves a state by 1e-15 instead of 1e-6, so that rounded readings are the same in every batch, at about one and a
    half times the cost. `weights` is a hash of what is read with, `hash` of that and the precision; `name` is what the
    model is called on the hub, where that is known.
    """

    def __init__(self, model: Any, tokenizer: Any, layer: int, weights: str, packs: bool, name: str) -> None:
        self.model, self.tokenizer, self.layer, self.weights, self.name = model, tokenizer, layer, weights, name
        self.dtype, self.device, self.packs = model.dtype, model.device, packs
        self.hash = weights if self.dtype == torch.float64 else content_hash([weights, str(self.dtype)])
        self.tokenizer_hash = content_hash([tokenizer.backend_tokenizer.to_str(), tokenizer.chat_template])
        config = model.config.get_text_config()
        self.width: int = config.hidden_size
        self.limit: int = getattr(config, "max_position_embeddings", None) or 10**9
        self._control = {i for i, token in tokenizer.added_tokens_decoder.items() if token.special}
        if self.device.type == "cuda" and self.dtype != torch.float64:
            self.model = torch.compile(model, dynamic=True)

    @classmethod
    def load(cls, path: Path, layer: int, dtype: Precision = "float64", device: str = "cpu") -> "BaseReader":
        """Any causal language model of transformers; `layer` counts blocks from 1, and only those are loaded.

        Raises PlumblineError when the folder holds no such model or layer, or one whose stream this cannot stop at.
        """
        tokenizer = load_tokenizer(path, chats=False)
        try:
            config = AutoConfig.from_pretrained(path, local_files_only=True)
            text = config.get_text_config()
            layers = text.num_hidden_layers
            if 1 <= layer <= layers:
                text.num_hidden_layers = layer
                if getattr(text, "layer_types", None):
                    text.layer_types = text.layer_types[:layer]
                with _without_report():
                    model = AutoModel.from_pretrained(path, config=config, dtype=getattr(torch, dtype),
                                                      local_files_only=True).eval().to(device)  # fmt: skip
        except (*UNLOADABLE, AttributeError) as error:
            raise PlumblineError(f"{path}: no base model can be loaded from it ({error})") from error
        if not 1 <= layer <= layers:
            raise PlumblineError(f"{path}: it has no layer {layer}; choose one in 1..{layers}")
        last = _last_block(model, layer)
        if last is None:
            raise PlumblineError(
                f"{path}: no residual stream to stop at was found in a {model.config.model_type}; "
                "use a model built like llama, GPT-2, NeoX or Gemma"
            )
        with torch.inference_mode():
            packs = pack(model, last)
        reader = cls(model, tokenizer, layer, content_hash([folder_hash(path), layer]), packs, _name(path))
        return openable(reader, cls.load, Path(path).resolve(), layer, dtype, device)

    @torch.inference_mode()
    def activations(self, conversations: Sequence[Messages]) -> list[Activations]:
        """One for each conversation, whose last turn is the response. System turns are left out.

        A prompt that several of them have in common is read once, and nothing is padded, where the architecture allows.
        """
        result, tokens = [], {}
        for index, conversation in enumerate(conversations):
            answer, own = self._read(conversation)
            words, places = _words(WORD, answer[: max((last for _, last in own.spans), default=0)], own.spans)
            unreadable = self._unreadable(places, len(own.prompt) + len(own.answer))
            nothing_td = torch.empty(0, self.width, dtype=self.dtype, device=self.device)
            result.append(Activations(nothing_td, words, places, unreadable))
            if not unreadable:
                tokens[index] = own
        groups = defaultdict(list)
        for index, own in tokens.items():
            groups[tuple(own.prompt)].append(index)
        for index, states_td in (self._packed if self.packs else self._padded)(groups, tokens):
            result[index] = result[index]._replace(states_td=states_td)
        return result

    def vocabulary(self, conversation: Messages) -> float:
        """The share of the words read that the tokenizer cuts into more than two pieces; 1 where there are no words.

        A byte-level BPE has no unknown token, it only takes more pieces: words it was trained on are one or two (a
        stem and an ending), words it never met are many. Short words of any language are cheap, so the share is not
        to be taken as such but compared with that of texts the reader is known to read.
        """
        text = "\n".join(as_data(self.tokenizer, turn["content"]) for turn in conversation if turn["role"] != "system")
        words, places = _words(LETTERS, text, self._encode(text)[1])
        pieces = Counter(places)
        return sum(pieces[word] > 2 for word in range(len(words))) / len(words) if words else 1.0

    def length(self, conversation: Messages) -> int:
        """How many tokens of the response are read."""
        return len(self._read(conversation)[1].answer)

    def _read(self, conversation: Messages) -> tuple[str, _Tokens]:
        """The response as it is rendered, and the conversation in tokens."""
        rendered = render(self.tokenizer, [turn for turn in conversation if turn["role"] != "system"])
        return rendered.answer, self._tokens(rendered.prompt, rendered.answer)

    def _encode(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        encoded = self.tokenizer.backend_tokenizer.encode(text, add_special_tokens=False)
        return encoded.ids, encoded.offsets

    def _tokens(self, prompt: str, answer: str) -> _Tokens:
        """Prompt and answer are cut into tokens as one text: a SentencePiece would begin the answer anew."""
        ids, offsets = self._encode(prompt + answer)
        start = next((place for place, (_, last) in enumerate(offsets) if last > len(prompt)), len(ids))
        end = next((place for place in range(start, len(ids)) if ids[place] in self._control), len(ids))
        spans = [(max(0, first - len(prompt)), last - len(prompt)) for first, last in offsets[start:end]]
        return _Tokens(ids[:start], ids[start:end], spans)

    def _unreadable(self, places: list[int], length: int) -> str:
        if all(place < 0 for place in places):
            return "the response is empty"
        return f"{length} tokens, the reader takes {self.limit}" if length > self.limit else ""

    def _packed(self, groups: _Groups, tokens: Mapping[int, _Tokens]) -> Iterator[tuple[int, torch.Tensor]]:
        """The states of each text; as many texts are read together as make up the tokens of one forward pass."""
        room, taken = 0, list[tuple[tuple[int, ...], list[int]]]()
        for prompt, indices in groups.items():
            for index in indices:
                if room < len(prompt) + len(tokens[index].answer):
                    yield from self._forward(taken, tokens)
                    room, taken = TOKENS[self.device.type], []
                if not taken or taken[-1][0] != prompt:
                    taken.append((prompt, []))
                    room -= len(prompt)
                taken[-1][1].append(index)
                room -= len(tokens[index].answer)
        yield from self._forward(taken, tokens)

    def _forward(
        self, taken: Sequence[tuple[tuple[int, ...], list[int]]], tokens: Mapping[int, _Tokens]
    ) -> Iterator[tuple[int, torch.Tensor]]:
        if not taken:
            return
        groups = [Group(list(prompt), [tokens[index].answer for index in indices]) for prompt, indices in taken]
        for (_, indices), states in zip(taken, read_packed(self.model, groups), strict=True):
            yield from zip(indices, states, strict=True)

    def _padded(self, groups: _Groups, tokens: Mapping[int, _Tokens]) -> Iterator[tuple[int, torch.Tensor]]:
        """The same for a model that cannot pack: text by text, those of like length side by side."""
        taken: list[int] = []
        order = sorted(tokens, key=lambda index: len(tokens[index].prompt) + len(tokens[index].answer))
        for place, index in enumerate(order):
            taken.append(index)
            length = len(tokens[index].prompt) + len(tokens[index].answer)
            if place + 1 < len(order) and (len(taken) + 1) * length <= TOKENS[self.device.type]:
                continue
            ids = [torch.tensor([*tokens[one].prompt, *tokens[one].answer]) for one in taken]
            ids_nt = torch.nn.utils.rnn.pad_sequence(ids, batch_first=True).to(self.device)
            # Right-padded rows need no mask: no token looks ahead.
            states_ntd = self.model(input_ids=ids_nt, use_cache=False).last_hidden_state
            for one, own, states_td in zip(taken, ids, states_ntd, strict=True):
                yield one, states_td[len(tokens[one].prompt) : len(own)].clone()
            taken = []


@torch.inference_mode()
def _last_block(model: Any, layer: int) -> torch.nn.Module | None:
    """Takes the final norm out and gives the last block, if what comes out is what that block puts out, to the bit."""
    lists = ((part, child) for part in model.modules() for child in part.children()
             if isinstance(child, torch.nn.ModuleList) and len(child) == layer)  # fmt: skip
    trunk, blocks = next(lists, (None, None))
    norm = next((name for name in FINAL_NORMS if hasattr(trunk, name)), None)
    if trunk is None or blocks is None or norm is None:
        return None
    setattr(trunk, norm, torch.nn.Identity())
    seen: list[Any] = []
    hook = blocks[-1].register_forward_hook(lambda block, given, out: seen.append(out))
    states_ntd = model(input_ids=torch.arange(8, device=model.device)[None], use_cache=False).last_hidden_state
    hook.remove()
    out_ntd = seen[0] if isinstance(seen[0], torch.Tensor) else seen[0][0]
    return blocks[-1] if torch.equal(states_ntd, out_ntd) else None


@contextlib.contextmanager
def _without_report() -> Iterator[None]:
    """transformers lists every block that is not loaded, and here that is meant."""
    before = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(before)


def _name(path: Path) -> str:
    """What a model in the Hugging Face cache is called there; "" for any other folder."""
    found = re.search(r"models--(?:[^/]+--)?([^/]+)/snapshots", Path(path).absolute().as_posix())
    return found[1] if found else ""


def _words(pattern: re.Pattern[str], text: str, spans: Iterable[tuple[int, int]]) -> tuple[list[str], list[int]]:
    """The words of `text`, and for each token's (start, end) the index of the word its last visible letter is in."""
    words, owner = [], [-1] * len(text)
    for index, match in enumerate(pattern.finditer(text)):
        words.append(match.group())
        owner[match.start() : match.end()] = [index] * len(match.group())
    return words, [max(owner[start:end], default=-1) for start, end in spans]
