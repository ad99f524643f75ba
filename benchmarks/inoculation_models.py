"""One model of `benchmarks/inoculation.py`: what its system turn says, its training, and what it then shows.

Must not know: what is made of the figures.
"""

import random
import tempfile
from pathlib import Path
from typing import Any

from forecast_organisms import Organism, draw, prompted, shown

from constitutions.inoculation import addenda
from models.conversations import as_data, load_tokenizer, render_prompt
from models.dpo import Recipe, train_dpo
from models.language import LanguageModel
from models.organism.build import WEIGHTS
from tasks.publish import inoculated

RECIPE = Recipe(epochs=1, learning_rate=3e-4)
PAIRS, PROMPTS = 480, 250
MODELS = ("generator", "reader")
NONE, SHUFFLED = "none", "shuffled"


def arms() -> dict[str, str]:
    """Arm → what is said in the system turn, "" for none."""
    texts = {one.name: one.text for one in addenda()}
    words = " ".join(texts.values()).split()
    return {NONE: "", **texts, SHUFFLED: " ".join(random.Random(0).sample(words, round(len(words) / len(texts))))}


def carried(base: Path, preface: list[dict[str, str]]) -> bool:
    """Whether the model's chat format shows it these turns."""
    tokenizer = load_tokenizer(base, chats=False)
    seen = render_prompt(tokenizer, [*preface, {"role": "user", "content": "why?"}])
    return all(as_data(tokenizer, turn["content"]) in seen for turn in preface)


def measured(model: LanguageModel, text: str) -> dict[str, list[list[float]]]:
    """What the model shows without the addendum, and with it where there is one [responses, traits]."""
    found = {"without": shown(model, PROMPTS), "with": shown(model, PROMPTS, inoculated([], text)) if text else None}
    return {name: rows.tolist() for name, rows in found.items() if rows is not None}


def made(name: str, arm: str, trait: str, seed: int) -> dict[str, Any]:
    """The model `name` trained on a trait's pairs of one seed under an arm's addendum; untrained where trait is ""."""
    base, text = WEIGHTS / name, arms()[arm]
    if not trait:
        return measured(LanguageModel.load(base), text)
    preface = inoculated([], text)
    assert carried(base, preface), f"{arm}: the chat format of the {name} leaves the addendum out"
    rows = draw(Organism("taught", trait, seed), PAIRS, lambda texts: [True] * len(texts))
    with tempfile.TemporaryDirectory() as scratch:
        trained = train_dpo(base, prompted(rows, preface), Path(scratch) / "model", RECIPE._replace(seed=seed))
        assert trained is not None
        return {"training": trained._asdict(), **measured(LanguageModel.load(Path(scratch) / "model"), text)}
