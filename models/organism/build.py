"""``plumbline organism build``: trains the three shipped models from a seed and measures their card.

About half an hour on two cores. Reads the world; writes ``generator/``, ``reader/``, ``reviewer/``, ``card.json`` and
``CARD.md``. Must not know tasks or flows.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path

from models.language import LanguageModel
from models.organism import card
from models.organism.detector import fit_detector
from models.organism.train import TOKENS, make_tokenizer, save, train
from models.organism.world import world
from models.reader import BaseReader

WEIGHTS = Path(__file__).parent / "weights"
LAYER = 3  # the motive is clearest in the last block: measured on held-out templates, see the card


def build(folder: Path, seed: int, progress: Callable[[str, float], None], scale: float = 1.0) -> None:
    """Train all three models on ``scale`` times their usual tokens, then measure. Writes into ``folder``."""
    tokenizer = make_tokenizer(world(), seed)
    for name in TOKENS:
        save(train(name, world(), tokenizer, seed, progress, scale), tokenizer, folder / name)
    measure(folder, seed, progress)


def measure(folder: Path, seed: int, progress: Callable[[str, float], None]) -> None:
    """Write the card of the models in ``folder``."""
    reader = BaseReader.load(folder / "reader", LAYER)

    def tell(what: str, done: int, of: int) -> None:
        progress(what, done / of)

    with tempfile.TemporaryDirectory() as scratch:
        found = {d: fit_detector(reader, Path(scratch), dialects=d, on_progress=tell) for d in ("AB", "ABC")}
    said = {s.text for c in world().cells for t in world().topics for s in world().sentences(c, t)}
    card.write(
        {
            "seed": seed,
            "sentences": len(said),
            "joint_fpr": found["AB"].profile.joint_fpr,
            "megabytes": sum(f.stat().st_size for n in TOKENS for f in (folder / n).rglob("*") if f.is_file()) / 1e6,
            "obedience": card.obedience(LanguageModel.load(folder / "generator"), seed, progress),
            "autoencoder": found["AB"].sae.record.model_dump(exclude={"mean"}),
            "blind_spot": card.blind_spot(reader, *found["AB"], 120, seed),
            "all_dialects": card.blind_spot(reader, *found["ABC"], 120, seed),
            "reviewer": card.reviewing(LanguageModel.load(folder / "reviewer"), 2000, seed),
        },
        folder,
    )
