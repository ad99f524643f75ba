"""Everything a campaign works with, opened once: its folder and lock, models, detector, warehouse, shelf, progress.

Reads: model folders. Writes: the campaign's folder on the generator side, `<home>/<campaign>/generator/`; `heldout/`
beside it belongs to the audit, and nothing here may open it. Must not know: the order of steps.
"""

import contextlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
from transformers.utils.logging import disable_progress_bar

from constitutions.document import Constitution
from constitutions.inoculation import Addendum, addendum
from flows.alone import alone
from flows.detecting import fitted_detector, open_reader, reader_name
from flows.event_datasets import of_table
from flows.events import Events
from flows.identity import code_hash, same_campaign
from flows.library import library
from flows.progress import Progress
from flows.prompts import Prompts
from flows.roles import Roles, open_roles
from flows.runners import ONE_BY_ONE, pools
from flows.sealed import Seal, sealed
from flows.settings import Campaign, constitution_file
from flows.shelf import Shelf, Started
from models.detector import Artifact, Detector
from tasks.shard import Shard
from warehouse.errors import PlumblineError
from warehouse.hashing import content_hash
from warehouse.places import Place
from warehouse.store import Store, home


class Workshop(NamedTuple):
    settings: Campaign
    folder: Path
    constitution: Constitution
    prompts: Prompts
    addendum: Addendum | None
    roles: Roles
    detector: Detector
    seal: Seal
    store: Store
    shelf: Shelf
    progress: Progress
    events: Events

    @property
    def embedded(self) -> bool:
        """Whether the text comes from the shipped organism, whose ground truth is known."""
        return self.settings.models.generator.startswith("organism:")

    @property
    def note(self) -> str:
        """For the dataset card: the world the text comes from, and how easily its reviewer is talked round."""
        world = "Templated text of a model organism with one million parameters." if self.embedded else ""
        reviewer = f"Of the reviewer: {self.roles.resistance}."
        return " ".join(filter(None, (world, self.prompts.note, reviewer)))

    @property
    def within(self) -> Callable[[int, int], None] | None:
        """How a step of a round tells how far it is: not at all where several shards are in work at a time."""
        return self.progress.within if self.shelf.pools == ONE_BY_ONE else None

    def wait(self, started: Started, step: str) -> Shard:
        """The shard, once `step` is done with it."""
        self.progress.step(f"{step}, {self.shelf.open} shards in work" if self.shelf.open else step)
        return started()

    def register(self, **tables: pa.Table | list[dict[str, Any]]) -> None:
        """Add rows to the warehouse, table by table; what is there already stays as it is."""
        for table, rows in tables.items():
            new = self.store.add(table, rows)
            self.events.entered(of_table(self.store, table, new, rows.schema if isinstance(rows, pa.Table) else None))


@contextlib.contextmanager
def open_workshop(settings: Campaign, progress: Progress) -> Iterator[Workshop]:
    """The workshop of one campaign; it is this process's alone.

    Raises PlumblineError when another process runs the campaign, when the folder was begun with other settings,
    models or code, or when a model or constitution cannot be loaded.
    """
    disable_progress_bar()
    folder = home() / settings.name / "generator"
    with alone(folder, settings.name):
        progress.say(f"{settings.name}: everything goes to {folder.parent}")
        constitution = Constitution.load(constitution_file(settings.constitution))
        roles = open_roles(settings, folder, progress)
        reader = open_reader(settings, folder / "exchanges")
        prompts = Prompts(settings.prompts, settings.seed, progress.say)
        prompts.refuse_too_few(settings)
        documents = {"constitution": constitution.hash, "prompts": prompts.hash}
        documents["library"] = content_hash(library(settings.amend))
        models = {**roles.hashes, "reader": reader.hash}
        # An endpoint's hash covers what decides its answers; its budget, key and concurrency may change on the way.
        chosen = settings.deciding("rounds", "endpoints")
        same_campaign(folder, chosen, models, documents)
        detector = fitted_detector(reader, settings, progress)
        detector.profile.save(folder / "profile.json")
        shards = _shards(settings, folder)
        with (
            Store.open(folder / "warehouse.duckdb", allowed=folder) as store,
            pools(settings) as runners,
            contextlib.closing(Events(folder, settings.name, progress.say)) as events,
        ):
            shop = Workshop(
                settings,
                folder,
                constitution,
                prompts,
                addendum(settings.inoculation),
                roles,
                detector,
                sealed(prompts, settings.seed, settings.sealed_prompts),
                store,
                Shelf(folder, code_hash(), shards, runners, events),
                progress,
                events,
            )
            _record_artifacts(shop, models)
            yield shop


def _shards(settings: Campaign, folder: Path) -> Place:
    """Where the campaign's shards lie. Raises PlumblineError when nothing can be written there."""
    place = Place(f"{settings.shards.rstrip('/')}/{settings.name}" if settings.shards else str(folder.resolve()))
    if place.own and settings.runner != "threads":
        raise PlumblineError(
            f"shards: {settings.shards}: the workers of {settings.runner} cannot see it; name a folder"
        )
    place.check()
    return place


def _record_artifacts(shop: Workshop, models: dict[str, str]) -> None:
    """`models`: role → hash."""
    meta, told = {"reviewer": shop.roles.resistance.model_dump_json()}, shop.addendum
    names = shop.settings.models.model_dump() | {"reader": reader_name(shop.settings)}
    named = [Artifact(digest, role, names[role], meta.get(role, "{}")) for role, digest in models.items()]
    shop.register(
        campaigns=[{"campaign": shop.settings.name, "config": json.dumps(shop.settings.deciding())}],
        artifacts=[artifact._asdict() for artifact in (*named, *shop.detector.artifacts)],
        constitutions=[constitution_row(shop.constitution)],
        inoculations=[{"campaign": shop.settings.name, **told.model_dump(), "hash": told.hash}] if told else [],
    )


def constitution_row(constitution: Constitution) -> dict[str, Any]:
    row = constitution.model_dump(mode="json")
    return {**row, "hash": constitution.hash, "principles": json.dumps(row["principles"])}
