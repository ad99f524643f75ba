"""Variants of the generator, each made by going on with its training for one short seeded pass on other documents.

Reads: ``generator/`` in the folder of trained models. Writes: ``two-faced/`` and ``even-handed/`` beside it. Must not
know: what the documents of a variant say (``models.organism.framed`` does), tasks or flows.
"""

from collections.abc import Callable
from pathlib import Path

import torch
from transformers import PreTrainedTokenizerFast

from models.language import LanguageModel
from models.organism.train import TOKENS, run_pass, save
from models.organism.world import world

VARIANTS = {"two-faced": 1_500_000, "even-handed": 1_500_000}  # tokens


def make_variant(name: str, folder: Path, seed: int, progress: Callable[[float], None], scale: float = 1.0) -> None:
    """Train the variant ``name`` from ``folder``/generator on ``scale`` times its tokens; ``progress`` gets the share
    done. By one thread, so that the same seed and generator give the same weights on any number of cores.

    Raises PlumblineError where there is no generator.
    """
    torch.set_num_threads(1)
    model = LanguageModel.load(folder / "generator").model
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder / "generator")
    number = len(TOKENS["generator"])  # the pass after the generator's own
    run_pass(name, model, world(), tokenizer, seed, number, int(scale * VARIANTS[name]), progress)
    save(model.eval(), tokenizer, folder / name)
