"""Amend the constitution: propose, try on frozen prompts, choose, look again on fresh prompts, attribute, ask a person
where one is to be asked, enter in the ledger.

Reads: the constitution in force, the principle library. Writes: the new version's YAML, and rows into the warehouse.
Must not know: how a candidate is tried or judged, the campaign's own pairs, ground truth.
"""

from collections.abc import Sequence
from typing import NamedTuple

import pyarrow as pa
from prefect import flow

from constitutions.document import Constitution
from flows.approval import answered_by, approved, rejected
from flows.library import library
from flows.workshop import Workshop, constitution_row
from tasks.amend import MOST, Figures, References, choose, figures, propose, trial_shard, without
from tasks.generate import seed_of
from tasks.revise import revise
from warehouse.hashing import short
from warehouse.ledger import k3_bits, selection_bits_kl, selection_bits_worst


class Amended(NamedTuple):
    """`constitution` is in force from now on: the winner, or the incumbent where nothing beat it or a person rejected
    what did. `no_utility` is the amendment that would have won with utility weight 0.

    In bits: `bits` is the worst case of the choice and `kl` its KL bound, both 0 where nothing was looked at; `moved`
    and `from_start` are the measured divergence a response of the constitution in force from now on, from the one
    before it and from the campaign's first, None where it cannot be had."""

    constitution: Constitution
    amendment: str
    no_utility: str
    bits: float
    kl: float
    moved: float | None
    from_start: float | None
    frozen: Figures
    fresh: Figures


@flow(name="amend", flow_run_name="{campaign} amend {number}", validate_parameters=False)
def amend_flow(
    campaign: str, number: int, shop: Workshop, incumbent: Constitution, moved_before: float | None
) -> Amended:
    """`moved_before` is how far the incumbent is from the start, in bits a response, None where unavailable."""
    settings, seed = shop.settings.amend, shop.settings.seed
    turn, most = seed_of(seed, "propose", number), max(MOST, 2 * len(shop.constitution.principles))
    never = [frozenset(constitution.principles) for constitution in rejected(shop.store, campaign, number)]
    if shop.roles.reviser:
        proposed = revise(incumbent, shop.roles.reviser, most, settings.candidates, turn, never)
    else:
        proposed = propose(incumbent, library(settings), most, settings.candidates, turn, never)
    candidates = [incumbent, *proposed]
    names = ["keep it as it is", *(candidate.amendment for candidate in proposed)]

    frozen = shop.prompts.frozen(settings.frozen_prompts)
    trials = _try(shop, number, "frozen", candidates, frozen)
    tried = [figures(trials, candidate.hash) for candidate in candidates]
    choice = choose(tried, settings.utility_weight, settings.chooser, seed_of(seed, "chooser", number))
    winner = candidates[choice.chosen]

    fresh_prompts = shop.prompts.fresh(number, settings.fresh_prompts)
    fresh_trials = _try(shop, number, "fresh", [winner], fresh_prompts, References(incumbent, shop.constitution))
    fresh = figures(fresh_trials, winner.hash)
    left_out = [without(winner, principle.id) for principle in winner.principles]
    attributed = _try(shop, number, "without", left_out, frozen)

    looked = settings.chooser == "flags"
    bits = selection_bits_worst(len(candidates)) if looked else 0.0
    kl = selection_bits_kl(len(candidates)) if looked else 0.0
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
    )
    keep(shop, winner)

    new = fresh_trials["nats"].to_pylist()
    moved, from_start = (k3_bits(new, fresh_trials[name].to_pylist()) for name in ("nats_before", "nats_start"))
    chosen_from = f"{len(candidates)} candidates, the chooser {'saw flags' if looked else 'drew at random'}"
    measured, amendment = f"{len(new)} fresh responses, one a pair", names[choice.chosen]
    in_force = winner
    if not approved(shop, number, incumbent, winner):
        # The choice was made, so its bits stay; the generator did not move.
        in_force, moved, from_start = incumbent, 0.0, moved_before
        who = answered_by(shop.store, campaign, number, winner)
        chosen_from, measured = f"{chosen_from}; rejected by {who}", "as before: what was chosen was rejected"
        amendment = f"rejected: {amendment}"
    shop.register(
        ledger=[
            {
                "campaign": campaign,
                "round": number,
                "entry": entry,
                "bits": value,
                "formula": formula,
                "detail": detail,
            }
            for entry, formula, value, detail in (
                ("amendment", "log2 K", bits, chosen_from),
                ("amendment", "(ln K - (K-1)/K) / ln 2", kl, chosen_from),
                ("amendment", "k3, bits a response", moved, chosen_from),
                ("from the start", "k3, bits a response", from_start, measured),
            )
        ],
    )
    return Amended(
        constitution=in_force,
        amendment=amendment,
        no_utility=names[choice.chosen_no_utility],
        bits=bits,
        kl=kl,
        moved=moved,
        from_start=from_start,
        frozen=tried[choice.chosen],
        fresh=fresh,
    )


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
    references: References | None = None,
) -> pa.Table:
    shop.progress.stage(f"amend {number}: {what} prompts", len(constitutions) * len(requests))
    # A principle is left out under the very random numbers its constitution was tried with: the difference is its own.
    seed = seed_of(shop.settings.seed, "fresh" if what == "fresh" else "frozen", number)
    sampling = shop.settings.sampling.model_dump()
    roles = shop.roles
    models = {"generator": roles.generator.hash, "reviewer": roles.reviewer.hash, "detector": shop.detector.hash}
    shop.progress.step("sample")
    key = {**models, **sampling, "tried": [c.hash for c in constitutions], "requests": list(requests), "seed": seed}
    key["references"] = [one.hash for one in references or ()]
    key["addendum"] = shop.addendum.hash if shop.addendum else ""
    inputs = {
        "constitutions": constitutions,
        "requests": requests,
        "seed": seed,
        "references": references,
        "addendum": shop.addendum,
        "model": roles.generator,
        **sampling,
        "detector": shop.detector,
        "reviewer": roles.reviewer,
        "on_progress": shop.progress.within,
    }
    size = len(constitutions) * len(requests)
    trials = shop.shelf.run(trial_shard, f"r{number}-{what}", size, key, inputs).read("trials")
    shop.progress.done(trials.num_rows, sum(bool(flagged) for flagged in trials["flagged"].to_pylist()))
    return trials
