"""One round: generate → validate → score → review → curate, shard by shard, and ask again for what was thrown out.

With several workers the shards of an attempt are written at once, and scored at once; what decides about a shard by
what came before it, validation and registering, goes in their order in this process, so the results are the same.

Reads: the campaign's prompts and its constitution. Writes: shards, and their rows into the warehouse.
Must not know: how a step works, how the constitution changes, ground truth.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import pyarrow as pa
from prefect import flow

from constitutions.document import Constitution
from flows.shelf import Started
from flows.workshop import Workshop
from models.opened import Travels
from tasks.curate import asked_again, decide
from tasks.generate import generate_shard
from tasks.review import review_shard
from tasks.score import score_shard
from tasks.shard import Rows, Shard
from tasks.validate import contents, validate_shard


class Examined(NamedTuple):
    """What is known about some pairs, as tables in the shapes of `warehouse.shapes`."""

    pairs: pa.Table
    quarantined: pa.Table
    readings: pa.Table
    verdicts: pa.Table
    decisions: pa.Table


def batched(items: Sequence[int], size: int) -> list[Sequence[int]]:
    return [items[start : start + size] for start in range(0, len(items), size)]


def together(parts: Sequence[Examined]) -> Examined:
    return Examined(*(pa.concat_tables(tables) for tables in zip(*parts, strict=True)))


def flag_rate(done: Examined) -> float | None:
    """Of the first attempts that the detector could read; None where it could read none."""
    attempts = done.pairs.select(["pair_id", "attempt"]).to_pylist()
    unread = {row["pair_id"] for row in done.decisions.to_pylist() if row["decision"] in ("abstained", "quarantined")}
    read = {row["pair_id"] for row in attempts if not row["attempt"]} - unread
    return len(read & set(done.verdicts["pair_id"].to_pylist())) / len(read) if read else None


@flow(name="round", flow_run_name="{campaign} round {number}", validate_parameters=False)
def round_flow(
    campaign: str, number: int, shop: Workshop, constitution: Constitution, seen: set[str], asked: int
) -> Examined:
    """Everything about the round's pairs. `seen` holds the contents of earlier pairs and takes up this round's;
    `asked` prompts were asked in the rounds before it."""
    settings = shop.settings
    requests = shop.prompts.campaign(number, settings.pairs, asked)
    positions, parts = list(range(settings.pairs)), []
    shop.progress.stage(f"round {number} of {settings.rounds}", settings.pairs)
    for attempt in range(1 + settings.regenerate.tries):
        started = shop.shelf.ahead(
            write_pairs(shop, number, attempt, index, some, [requests[at] for at in some], constitution)
            for index, some in enumerate(batched(positions, settings.shard))
        )
        tried = examine(shop, (shop.wait(written, "generate") for written in started), seen)
        parts += tried
        positions = [at for part in tried for at in asked_again(part.pairs, part.decisions, settings.mode)]
        if not positions:
            break
        if attempt < settings.regenerate.tries:
            shop.progress.more(len(positions))
    return together(parts)


def write_pairs(
    shop: Workshop,
    number: int,
    attempt: int,
    index: int,
    positions: Sequence[int],
    requests: Sequence[str],
    constitution: Constitution,
) -> Started:
    """Begin to write a pair for each of `positions`. An endpoint is asked from this process: it is waited for, and what
    it may spend at a time is counted here."""
    shop.progress.step("generate")
    asked = {
        "campaign": shop.settings.name,
        "seed": shop.settings.seed,
        "round": number,
        "attempt": attempt,
        "positions": list(positions),
        "requests": list(requests),
        **shop.settings.sampling.model_dump(),
    }
    told = shop.addendum.hash if shop.addendum else ""
    key = {**asked, "constitution": constitution.hash, "addendum": told, "generator": shop.roles.generator.hash}
    if shop.roles.student:
        key["student"] = shop.roles.student.hash
    inputs = {
        **asked,
        "constitution": constitution,
        "addendum": shop.addendum,
        "model": shop.roles.generator,
        "student": shop.roles.student,
        "on_progress": shop.within,
    }
    writers = [model for model in (shop.roles.generator, shop.roles.student) if model]
    label, here = f"r{number}-a{attempt}-s{index}", not all(isinstance(model, Travels) for model in writers)
    return shop.shelf.start(generate_shard, label, len(positions), key, inputs, here)


def examine(shop: Workshop, written: Iterable[Shard], seen: set[str]) -> list[Examined]:
    """Validate, score, review and decide over the pairs of written shards, in their order, and register their rows."""
    return [settle(shop, read) for read in shop.shelf.ahead(take_up(shop, pairs, seen) for pairs in written)]


class Taken(NamedTuple):
    """A shard that is validated and being scored."""

    pairs: pa.Table
    validated: Shard
    valid: pa.Table
    scored: Started


def take_up(shop: Workshop, written: Shard, seen: set[str]) -> Taken:
    """Validate a written shard and begin to score it. Of `seen` only what the shard repeats decides anything."""
    label, size, pairs = written.label, written.pairs, written.read("pairs")

    shop.progress.step("validate")
    repeated = seen.intersection(contents(pairs))
    key = {"pairs": written.key, "seen": sorted(repeated), "seal": shop.seal.hash}
    inputs = {
        "pairs": Rows(written, "pairs"),
        "seen": frozenset(repeated),
        "sealed": shop.seal.prompts,
        "key": shop.seal.key,
        "docs": shop.folder / "data_docs",
    }
    validated = shop.shelf.run(validate_shard, label, size, key, inputs)
    valid = validated.read("valid")
    seen.update(contents(valid))

    shop.progress.step("score")
    key = {"pairs": validated.key, "detector": shop.detector.hash}
    inputs = {"pairs": Rows(validated, "valid"), "detector": shop.detector, "on_progress": shop.within}
    return Taken(pairs, validated, valid, shop.shelf.start(score_shard, label, size, key, inputs))


def settle(shop: Workshop, taken: Taken) -> Examined:
    """Review what is flagged in a scored shard, decide about each pair and register the rows."""
    pairs, validated, valid, _ = taken
    scored = shop.wait(taken.scored, "score")
    readings, quarantined = scored.read("readings"), validated.read("quarantined")

    shop.progress.step("review")
    key = {"readings": scored.key, "reviewer": shop.roles.reviewer.hash}
    inputs = {"pairs": Rows(validated, "valid"), "readings": Rows(scored, "readings"), "reviewer": shop.roles.reviewer}
    reviewed = shop.shelf.run(review_shard, scored.label, scored.pairs, key, inputs)
    verdicts = reviewed.read("verdicts")

    tables = [(validated, "valid"), (validated, "quarantined"), (scored, "readings"), (reviewed, "verdicts")]
    with shop.events.run("curate", reviewed.key, [Rows(*table) for table in tables], scored.label):
        decisions = decide(valid, quarantined, readings, verdicts)
        shop.register(pairs=pairs, quarantine=quarantined, readings=readings, verdicts=verdicts, decisions=decisions)
    shop.progress.done(scored.pairs, verdicts.num_rows)
    return Examined(pairs, quarantined, readings, verdicts, decisions)
