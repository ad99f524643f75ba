"""Propose the next constitution, try every candidate on the same prompts, choose one, and say what it cost in bits.

Reads: a constitution, a library of principles, request texts, the generator, the detector and the reviewer. Writes:
nothing (the task writes the trials). The proposer is seeded and sees no flags, so a best-of-K choice carries at most
log2 K bits. Must not know: the campaign's own prompts, ground truth, what a principle is meant to do.
"""

import json
import random
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

import pyarrow as pa

from constitutions.document import Constitution, Principle
from constitutions.inoculation import Addendum
from models.chat import ChatModel, Scores
from models.detector import Detector, TextReading
from tasks.generate import seed_of, steered
from tasks.review import Case, Reviewer, case, judge
from tasks.shard import shard_task
from tasks.utility import utility

FEWEST, MOST = 2, 6
"""Principles of a constitution that is amended, unless it began with more than half of MOST; see `flows/amend.py`."""
TRIALS = pa.schema(
    [
        ("constitution", pa.string()),
        ("request", pa.string()),
        ("response", pa.string()),
        ("seed", pa.int64()),
        ("flagged", pa.bool_()),
        ("traits", pa.string()),
        ("verdict", pa.string()),
        ("utility", pa.float64()),
        ("nats", pa.float64()),
        ("nats_before", pa.float64()),
        ("nats_start", pa.float64()),
    ]
)
"""One sampled response a row. `flagged` is null where the text could not be read; `verdict` "" where not flagged.

`nats` is the response's log-probability under its constitution, `nats_before` under the one it may replace and
`nats_start` under the one the campaign began with; all null where those were not given, or where sampling at another
temperature than 1 leaves no law to score by. A pair's chosen text is one such response, and its rejected text is
written without a constitution, so a divergence per response is one per pair.
"""


class Figures(NamedTuple):
    """Shares in 0..1. An unread text counts as unjustified: no constitution may win by being unreadable."""

    flag_rate: float
    unjustified_rate: float
    utility: float

    def objective(self, weight: float) -> float:
        """Unjustified-flag rate - weight × utility; lower is better."""
        return self.unjustified_rate - weight * self.utility


class References(NamedTuple):
    """What a trial's responses are held against: the constitution they may replace, and the one at the start."""

    before: Constitution
    start: Constitution


class Choice(NamedTuple):
    """Indices into the candidates: the one chosen, and the one that would have been with weight 0."""

    chosen: int
    chosen_no_utility: int


def propose(
    incumbent: Constitution,
    library: Mapping[str, Sequence[str]],
    most: int,
    count: int,
    seed: int,
    never: Collection[frozenset[Principle]] = (),
) -> list[Constitution]:
    """Up to `count` different successors, each one or two edits away: add, drop, swap or reword a principle.

    `library` maps a principle's id to its wordings; nothing is added to `most` principles, nor dropped from FEWEST, and
    no successor has the principles of one of `never`, nor of another successor: order alone is no difference.
    Fewer than `count` come back only where the library has no more to offer.
    """
    draw = random.Random(seed)
    found: dict[frozenset[Principle], Constitution] = {}
    for _ in range(50 * count):
        principles, notes = list(incumbent.principles), []
        for _ in range(draw.choice((1, 1, 2))):
            notes.append(_edit(principles, library, most, draw))
        changed = frozenset(principles)
        if all(notes) and changed not in {frozenset(incumbent.principles), *never, *found}:
            found[changed] = Constitution(
                name=incumbent.name,
                version=incumbent.version + 1,
                parent=incumbent.hash,
                amendment="; ".join(notes),
                principles=tuple(principles),
            )
        if len(found) == count:
            break
    return list(found.values())


def without(constitution: Constitution, principle: str) -> Constitution:
    """The same constitution with one principle left out, for attribution only; it is no version of anything."""
    left = tuple(p for p in constitution.principles if p.id != principle)
    return constitution.model_copy(update={"principles": left, "amendment": f"without {principle}"})


def trial(
    constitutions: Sequence[Constitution],
    requests: Sequence[str],
    seed: int,
    model: ChatModel,
    temperature: float,
    max_new_tokens: int,
    detector: Detector,
    reviewer: Reviewer,
    references: References | None = None,
    addendum: Addendum | None = None,
    on_progress: Callable[..., None] | None = None,
) -> pa.Table:
    """Sample every request under every constitution, read, review: TRIALS, constitution by constitution.

    A request has the same random numbers under each constitution, so that they differ by what they say and not by luck.
    `addendum` is what the campaign's prompts carry: a constitution is tried as it will be used.
    """
    asked = [(constitution, request, index) for constitution in constitutions for index, request in enumerate(requests)]
    seeds = [seed_of(seed, index) for _, _, index in asked]
    prompts = [steered(constitution, request, addendum) for constitution, request, _ in asked]
    responses = model.chat(prompts, seeds, max_new_tokens, temperature, on_progress=on_progress)
    shown = [_exchange(request, response) for (_, request, _), response in zip(asked, responses, strict=True)]
    readings = detector.read(shown)
    flagged = [index for index, reading in enumerate(readings) if any(reading.flagged.values())]
    cases = [_case(asked[index][1], responses[index], readings[index], detector.thresholds) for index in flagged]
    verdicts = dict(zip(flagged, judge(cases, reviewer), strict=True))
    nats = nats_before = nats_start = list[float | None]([None] * len(asked))
    if references and temperature == 1 and isinstance(model, Scores):
        before, start = ([steered(one, request, addendum) for _, request, _ in asked] for one in references)
        nats = [*model.logprobs(prompts, responses)]
        nats_before = [*model.logprobs(before, responses)]
        nats_start = nats_before if start == before else [*model.logprobs(start, responses)]
    rows = [
        {
            "constitution": constitution.hash,
            "request": request,
            "response": response,
            "seed": seeds[index],
            "flagged": None if readings[index].abstained else index in verdicts,
            "traits": json.dumps(sorted(trait for trait, flag in readings[index].flagged.items() if flag)),
            "verdict": verdicts[index].verdict if index in verdicts else "",
            "utility": utility(request, response),
            "nats": nats[index],
            "nats_before": nats_before[index],
            "nats_start": nats_start[index],
        }
        for index, ((constitution, request, _), response) in enumerate(zip(asked, responses, strict=True))
    ]
    return pa.Table.from_pylist(rows, schema=TRIALS)


def figures(trials: pa.Table, constitution: str) -> Figures:
    """What one constitution (by hash) did in `trials`. Raises ZeroDivisionError where it was not tried."""
    rows = [row for row in trials.to_pylist() if row["constitution"] == constitution]
    readable = [row for row in rows if row["flagged"] is not None]
    unjustified = sum(row["flagged"] is None or row["verdict"] == "unjustified" for row in rows)
    return Figures(
        flag_rate=sum(row["flagged"] for row in readable) / max(1, len(readable)),
        unjustified_rate=unjustified / len(rows),
        utility=sum(row["utility"] for row in rows) / len(rows),
    )


def choose(tried: Sequence[Figures], weight: float, chooser: str, seed: int) -> Choice:
    """The lowest objective wins and the earlier of equals, so the incumbent, candidate 0, stays unless beaten.

    The chooser `random` draws by `seed` and looks at nothing.
    """
    by = {w: min(range(len(tried)), key=lambda index: tried[index].objective(w)) for w in (weight, 0.0)}
    return Choice(seed % len(tried) if chooser == "random" else by[weight], by[0.0])


def _edit(principles: list[Principle], library: Mapping[str, Sequence[str]], most: int, draw: random.Random) -> str:
    """Change `principles` in place; what was done, or "" where the drawn edit does not fit."""
    held = {principle.id for principle in principles}
    free = [name for name in library if name not in held]
    reworded = [(at, text) for at, p in enumerate(principles) for text in library.get(p.id, ()) if text != p.text]
    match draw.choice(("add", "drop", "swap", "swap", "reword")):
        case "add" if free and len(principles) < most:
            principles.append(_drawn(free, library, draw))
            return f"add {principles[-1].id}"
        case "drop" if len(principles) > FEWEST:
            return f"drop {principles.pop(draw.randrange(len(principles))).id}"
        case "swap" if free and principles:
            at = draw.randrange(len(principles))
            old, principles[at] = principles[at], _drawn(free, library, draw)
            return f"swap {old.id} for {principles[at].id}"
        case "reword" if reworded:
            at, text = draw.choice(reworded)
            principles[at] = principles[at].model_copy(update={"text": text})
            return f"reword {principles[at].id}"
    return ""


def _drawn(free: list[str], library: Mapping[str, Sequence[str]], draw: random.Random) -> Principle:
    name = draw.choice(free)
    return Principle(id=name, text=draw.choice(list(library[name])))


def _exchange(request: str, response: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": request}, {"role": "assistant", "content": response}]


def _case(request: str, response: str, reading: TextReading, thresholds: Mapping[str, float]) -> Case:
    traits = [trait for trait, flag in reading.flagged.items() if flag]
    margins = {trait: (reading.readings[trait] or 0.0) - thresholds[trait] for trait in traits}
    return case(request, response, margins, [token for trait in traits for token in reading.tokens[trait]])


trial_shard = shard_task("trial", trial, "trials")
