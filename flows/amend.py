"""Amend the constitution: propose, try on frozen prompts, choose, look again on fresh prompts, attribute, enter in the
ledger.

Reads: the constitution in force, the principle library. Writes: the new version's YAML, and rows into the warehouse.
Must not know: how a candidate is tried or judged, the campaign's own pairs, ground truth.
"""

from collections.abc import Sequence
from typing import NamedTuple

import pyarrow as pa
from prefect import flow

from constitutions.document import Constitution
from flows.settings import Amend
from flows.workshop import Workshop, constitution_row
from models.organism.prompts import prompts
from models.organism.world import world
from tasks.amend import Figures, choose, figures, propose, trial_shard, without
from tasks.generate import seed_of
from warehouse.errors import PlumblineError
from warehouse.hashing import short
from warehouse.ledger import k3_bits, selection_bits_kl, selection_bits_worst


class Amended(NamedTuple):
    """`constitution` is in force from now on: the winner, or the incumbent where nothing beat it. `no_utility` is the
    amendment that would have won with utility weight 0; `bits` is the worst case of the choice."""

    constitution: Constitution
    amendment: str
    no_utility: str
    bits: float
    moved: float | None
    frozen: Figures
    fresh: Figures


@flow(name="amend", flow_run_name="{campaign} amend {number}", validate_parameters=False)
def amend_flow(campaign: str, number: int, shop: Workshop, incumbent: Constitution) -> Amended:
    settings, seed = shop.settings.amend, shop.settings.seed
    proposed = propose(incumbent, library(settings), settings.candidates, seed_of(seed, "propose", number))
    candidates = [incumbent, *proposed]
    names = ["keep it as it is", *(candidate.amendment for candidate in proposed)]

    frozen = prompts("frozen", settings.frozen_prompts, seed_of(seed, "frozen"))
    trials = _try(shop, number, "frozen", candidates, frozen)
    tried = [figures(trials, candidate.hash) for candidate in candidates]
    choice = choose(tried, settings.utility_weight, settings.chooser, seed_of(seed, "chooser", number))
    winner = candidates[choice.chosen]

    fresh_prompts = prompts("fresh", settings.fresh_prompts, seed_of(seed, "fresh", number))
    fresh_trials = _try(shop, number, "fresh", [winner], fresh_prompts, incumbent)
    fresh = figures(fresh_trials, winner.hash)
    left_out = [without(winner, principle.id) for principle in winner.principles]
    attributed = _try(shop, number, "without", left_out, frozen)

    looked = settings.chooser == "flags"
    bits = selection_bits_worst(len(candidates)) if looked else 0.0
    moved = k3_bits(*(fresh_trials[name].to_pylist() for name in ("nats", "nats_before")))
    shop.register(
        constitutions=[constitution_row(candidate) for candidate in candidates],
        amendments=[
            {
                "campaign": campaign,
                "round": number,
                "candidate": index,
                "constitution": candidate.hash,
                "parent": incumbent.hash if index else incumbent.parent,
                "operation": names[index],
                **tried[index]._asdict(),
                "objective": tried[index].objective(settings.utility_weight),
                "objective_no_utility": tried[index].objective(0.0),
                "chosen": index == choice.chosen,
                **{f"fresh_{name}": value for name, value in fresh._asdict().items() if index == choice.chosen},
            }
            for index, candidate in enumerate(candidates)
        ],
        attributions=[
            {
                "campaign": campaign,
                "round": number,
                "constitution": winner.hash,
                "principle": principle.id,
                "flag_rate_without": figures(attributed, less.hash).flag_rate,
                "delta": figures(attributed, less.hash).flag_rate - tried[choice.chosen].flag_rate,
            }
            for principle, less in zip(winner.principles, left_out, strict=True)
        ],
        ledger=[
            {
                "campaign": campaign,
                "round": number,
                "entry": "amendment",
                "bits": value,
                "formula": formula,
                "detail": f"{len(candidates)} candidates, the chooser {'saw flags' if looked else 'drew at random'}",
            }
            for formula, value in (
                ("log2 K", bits),
                ("(ln K - (K-1)/K) / ln 2", selection_bits_kl(len(candidates)) if looked else 0.0),
                ("k3, bits a response", moved),
            )
        ],
    )
    keep(shop, winner)
    return Amended(
        winner, names[choice.chosen], names[choice.chosen_no_utility], bits, moved, tried[choice.chosen], fresh
    )


def library(settings: Amend) -> dict[str, tuple[str, ...]]:
    """The principles the reviser may use, id → wordings. Raises PlumblineError for a family that does not exist."""
    principles = world().principles.values()
    families = {principle.family for principle in principles}
    if unknown := sorted(set(settings.families) - families):
        raise PlumblineError(f"amend.families: no family {unknown[0]!r}; there are {', '.join(sorted(families))}")
    return {
        principle.id: principle.texts
        for principle in principles
        if principle.family in (settings.families or families) and (settings.quiet or not principle.quiet)
    }


def keep(shop: Workshop, constitution: Constitution) -> None:
    """Write a version as YAML, so that it can be read, diffed and started from."""
    folder = shop.folder / "constitutions"
    folder.mkdir(exist_ok=True)
    file = folder / f"v{constitution.version}-{short(constitution.hash)}.yaml"
    file.write_text(constitution.dump(), encoding="utf-8")


def _try(
    shop: Workshop,
    number: int,
    what: str,
    constitutions: Sequence[Constitution],
    requests: Sequence[str],
    before: Constitution | None = None,
) -> pa.Table:
    shop.progress.stage(f"amend {number}: {what} prompts", len(constitutions) * len(requests))
    # A principle is left out under the very random numbers its constitution was tried with: the difference is its own.
    seed = seed_of(shop.settings.seed, "fresh" if what == "fresh" else "frozen", number)
    sampling = shop.settings.sampling.model_dump()
    models = {name: getattr(shop, name).hash for name in ("generator", "reader", "profile", "reviewer")}
    shop.progress.step("sample")
    key = {**models, **sampling, "tried": [c.hash for c in constitutions], "requests": list(requests), "seed": seed}
    key["before"] = before.hash if before else ""
    inputs = {
        "constitutions": constitutions,
        "requests": requests,
        "seed": seed,
        "before": before,
        "model": shop.generator,
        **sampling,
        **{name: getattr(shop, name) for name in ("reader", "sae", "profile", "reviewer")},
        "on_progress": shop.progress.within,
    }
    size = len(constitutions) * len(requests)
    trials = shop.shelf.run(trial_shard, f"r{number}-{what}", size, key, inputs).read("trials")
    shop.progress.done(trials.num_rows, sum(bool(flagged) for flagged in trials["flagged"].to_pylist()))
    return trials
