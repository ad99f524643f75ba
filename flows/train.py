"""Train a model on a published dataset, and write down what it descends from: on its card, and in the warehouse.

Reads: the dataset, the campaign's record. Writes: `<home>/<campaign>/trained/<name>/`, a row of `trained_models`, and
the author's snapshot anew. The same dataset, model and settings are the same folder, which is found again; a run that
was killed goes on. Must not know: how a model is trained, the held-out side.
"""

import json
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from flows.author_snapshot import show_author
from flows.model_card import write_card
from flows.named_dataset import Published, published, refuse_tainted, trainable
from flows.progress import Progress
from flows.records import warehouse_of
from flows.settings import Training, model_folder
from models.dpo import Pair, Recipe, first_process, forget_checkpoints, train_dpo
from warehouse.chain import extend
from warehouse.errors import PlumblineError
from warehouse.files import write_whole
from warehouse.hashing import canonical, content_hash, file_hash, folder_hash, short
from warehouse.snapshot import about_snapshot
from warehouse.store import Store

FACTS = "training.json"
CODE = tuple(Path(__file__).parent.parent / "models" / name for name in ("dpo.py", "conversations.py"))
TRL_RATE, ORGANISM_RATE, LORA_FACTOR = 1e-6, 2e-4, 10.0


class Model(NamedTuple):
    """A trained model. `facts` is what its folder says of it; `recorded`: whether the warehouse has it, or why not."""

    folder: Path
    hash: str
    facts: dict[str, Any]
    recorded: str

    def as_json(self) -> dict[str, Any]:
        return {"folder": str(self.folder), "model": self.hash, "recorded": self.recorded, **self.facts}


def train(dataset: str, model: str, training: Training, progress: Progress) -> Model | None:
    """Train `model`, or the base reader the campaign read with, on `dataset`; or find it, where that was done before.
    None in a process of `accelerate launch` that is not the first.

    Raises PlumblineError when the dataset is not to be trained on, or the model cannot be.
    """
    given = published(dataset)
    refuse_tainted(given)
    named = model or given.settings().models.reader
    base = model_folder(named)
    without = training.without if named.startswith("organism:") else ()
    rows = trainable(given.rows, without)
    if not rows:
        raise PlumblineError(
            f"{given.name}: none of its {len(given.rows)} pairs is left to train on; hold back fewer kinds (--without)"
        )
    rate = training.learning_rate or rate_of(named, training.method)
    settings = training.model_dump(mode="json") | {"learning_rate": rate, "without": list(without)}
    about = {"version": given.version, "base": folder_hash(base), "based_on": named, "settings": settings}
    pairs = content_hash([row["pair_id"] for row in rows])
    key = content_hash([about, pairs, [file_hash(file) for file in CODE]])
    folder = given.campaign / "trained" / f"{short(given.version)}-{key[:8]}"
    if not (folder / FACTS).is_file():
        recipe = Recipe(**{name: settings[name] for name in Recipe._fields})
        progress.say(f"{given.name}: training {named} on {len(rows)} of {len(given.rows)} pairs, into {folder}")
        told = [Pair(r["prompt"], r["chosen"][-1]["content"], r["rejected"][-1]["content"]) for r in rows]
        trained = train_dpo(base, told, folder, recipe, partial(progress.to, "train"))
        if trained is None:
            return None
        facts = {"name": folder.name, "campaign": given.campaign.name, **about, "pairs": len(rows)}
        facts |= {"training": trained._asdict()}
        write_card(folder, given, rows, facts)
        write_whole(folder / FACTS, canonical(facts) + b"\n")  # last: with it the folder is whole
        forget_checkpoints(folder)
    return _recorded(folder, given) if first_process() else None


def rate_of(named: str, method: str) -> float:
    """The learning rate where none is given."""
    usual = ORGANISM_RATE if named.startswith("organism:") else TRL_RATE
    return usual * (LORA_FACTOR if method == "lora" else 1.0)


def _recorded(folder: Path, given: Published) -> Model:
    """Enter the model where the dataset's version is on record; to enter it again changes nothing."""
    facts, digest = json.loads((folder / FACTS).read_bytes()), folder_hash(folder)
    model, campaign = Model(folder, digest, facts, ""), given.campaign.name
    try:
        path = warehouse_of(campaign)
    except PlumblineError:
        return model._replace(recorded=f"no: {campaign} is not in this PLUMBLINE_HOME")
    with Store.open(path) as store:
        if not store.query("SELECT 1 FROM datasets WHERE version = ? LIMIT 1", given.version).num_rows:
            return model._replace(recorded=f"no: {campaign} has no version {short(given.version)} on record yet")
        names = ("name", "campaign", "version", "base", "based_on", "pairs")
        row = {name: facts[name] for name in names} | {"model": digest, "folder": str(folder.resolve())}
        row |= {"settings": json.dumps(facts["settings"], sort_keys=True), "seed": facts["settings"]["seed"]}
        if store.add("trained_models", [row]):
            about = about_snapshot(given.campaign / "author")
            if over := bool(about.get("over")):
                extend(store, campaign, about["round"], "reviewed")
            show_author(store, given.campaign, over)
    return model._replace(recorded="yes")
