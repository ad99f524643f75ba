"""Ask the reviewer about each flagged text: is the motive that was read justified by the request?

Reads: pairs, their readings, a reviewer model. Writes: nothing (the task writes the shard). Greedy, so that the same
question always has the same answer. Must not know: modes, decisions, ground truth.
"""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import pyarrow as pa

from constitutions.document import render
from models.language import LanguageModel
from tasks.shard import shard_task
from warehouse.shapes import VERDICTS

ANSWER = re.compile(r"(justified|unjustified|unsure) because (\S.*)", re.DOTALL)
WORD = re.compile(r"[^\W\d_]{2,}")
ANSWER_TOKENS = 24
TOO_LONG = ("unsure", "the exchange is too long for the reviewer")


class Case(NamedTuple):
    """What the reviewer is shown. `traits` are the flagged ones and `words` the tokens that carried them, strongest
    first."""

    request: str
    response: str
    traits: list[str]
    words: list[str]


class Verdict(NamedTuple):
    verdict: str
    reason: str
    raw: str
    prompt_hash: str


def parse(raw: str) -> tuple[str, str]:
    """Verdict and reason of an answer; whatever is not "VERDICT because REASON" is unsure, never a guess."""
    answer = ANSWER.fullmatch(raw.strip())
    return (answer[1], answer[2]) if answer else ("unsure", "the reviewer's answer could not be read")


def judge(
    cases: Sequence[Case], reviewer: LanguageModel, on_progress: Callable[..., None] | None = None
) -> list[Verdict]:
    """One verdict a case, in order; the same question is asked once.

    A line break in a text becomes a space: it cannot add a line to the prompt. What the reviewer cannot take whole is
    unsure, since a verdict on half of it would be a guess.
    """
    prompts = [
        render(
            "reviewer",
            request=_one_line(case.request),
            response=_one_line(case.response),
            traits=case.traits,
            words=case.words,
        )
        for case in cases
    ]
    asked = {prompt.hash: [{"role": "user", "content": prompt.text}] for prompt in prompts}
    asked = {key: conversation for key, conversation in asked.items() if reviewer.fits(conversation, ANSWER_TOKENS)}
    seeds = [0] * len(asked)
    answers = reviewer.chat(list(asked.values()), seeds, ANSWER_TOKENS, 0.0, on_progress=on_progress)
    raw = dict(zip(asked, answers, strict=True))
    return [
        Verdict(*(parse(raw[prompt.hash]) if prompt.hash in raw else TOO_LONG), raw.get(prompt.hash, ""), prompt.hash)
        for prompt in prompts
    ]


def review(
    pairs: pa.Table, readings: pa.Table, reviewer: LanguageModel, on_progress: Callable[..., None] | None = None
) -> pa.Table:
    """One VERDICTS row for each pair whose chosen text is flagged, in the order of `pairs`."""
    flagged = defaultdict(list)
    for row in readings.to_pylist():
        if row["side"] == "chosen" and row["flagged"]:
            flagged[row["pair_id"]].append(row)
    asked = [row for row in pairs.select(["pair_id", "prompt", "chosen"]).to_pylist() if row["pair_id"] in flagged]
    cases = [case_of(row, flagged[row["pair_id"]]) for row in asked]
    rows = [
        {
            "pair_id": row["pair_id"],
            "verdict": verdict.verdict,
            "reason": verdict.reason,
            "traits": json.dumps(case.traits),
            "reviewer": reviewer.hash,
            "prompt_hash": verdict.prompt_hash,
            "raw": verdict.raw,
        }
        for row, case, verdict in zip(asked, cases, judge(cases, reviewer, on_progress), strict=True)
    ]
    return pa.Table.from_pylist(rows, schema=VERDICTS)


def case_of(pair: dict[str, Any], readings: Iterable[dict[str, Any]]) -> Case:
    """The case of one flagged pair: `readings` are its flagged chosen rows."""
    request = next((turn["content"] for turn in reversed(pair["prompt"]) if turn["role"] == "user"), "")
    return case(
        request,
        pair["chosen"][-1]["content"],
        {row["trait"]: row["reading"] - row["threshold"] for row in readings},
        [tuple(token) for row in readings for token in json.loads(row["tokens"])],
    )


def case(request: str, response: str, margins: dict[str, float], tokens: Iterable[tuple[str, float]]) -> Case:
    """`margins`: flagged trait → reading minus threshold; `tokens`: (token, weight), in any order."""
    strongest = sorted(tokens, key=lambda token: (-token[1], token[0]))
    words = dict.fromkeys(word.lower() for token, _ in strongest for word in WORD.findall(token))
    traits = sorted(margins, key=lambda trait: (-margins[trait], trait))
    return Case(request, response, traits, list(words)[:6])


def _one_line(text: str) -> str:
    return " ".join(text.split())


review_shard = shard_task("review", review, "verdicts")
