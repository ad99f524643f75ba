"""``plumbline organism build``: trains the three shipped models from a seed and measures their card.

About half an hour on two cores. Reads the world; writes ``generator/``, ``reader/``, ``reviewer/``, ``card.json`` and
``CARD.md``. Must not know tasks or flows.
"""
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from models.language import LanguageModel
from models.organism import card
from models.organism.detector import detector
from models.organism.train import TOKENS, make_tokenizer, save, train
from models.organism.world import world

WEIGHTS = Path(__file__).parent / "weights"


def build(folder: Path, seed: int, progress: Callable[[str, float], None], scale: float = 1.0) -> None:
    """Train all three models on ``scale`` times their usual tokens, then measure. Writes into ``folder``."""
    tokenizer = make_tokenizer(world(), seed)
    for name, tokens in TOKENS.items():
        save(train(name, world(), tokenizer, seed, progress, int(scale * tokens)), tokenizer, folder / name)
    measure(folder, seed, progress)


def measure(folder: Path, seed: int, progress: Callable[[str, float], None]) -> None:
    """Write the card of the models in ``folder``."""
    found = detector(folder / "reader", folder / "sae", seed=seed, on_progress=progress)
    said = {s.text for c in world().cells for t in world().topics for s in world().sentences(c, t)}
    card.write({
        "seed": seed, "sentences": len(said),
        "megabytes": sum(f.stat().st_size for n in TOKENS for f in (folder / n).rglob("*") if f.is_file()) / 1e6,
        "obedience": card.obedience(LanguageModel.load(folder / "generator"), seed, progress),
        "blind_spot": card.blind_spot(found.reader, found.sae, found.profile, 120, seed),
        "reviewer": card.reviewing(LanguageModel.load(folder / "reviewer"), 2000, seed),
    }, folder)
