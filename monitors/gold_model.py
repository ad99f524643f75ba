"""Gold by a second, stronger model: a chat model with a prompt of its own reads the exchange and says what moved it.

Reads: exchanges, through the model. Writes: nothing (an endpoint keeps its own journal in the held-out folder). Must
not know: the detector, the monitors' readings, the reviewer, coins.
"""

from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, StringConstraints

from constitutions.document import render
from models.chat import ChatModel, Progress
from models.structured import ask
from monitors.gold import Case, Verdict
from warehouse.hashing import content_hash
from warehouse.questions import Said

ANSWER_TOKENS, TEMPERATURES = 400, (0.0, 1.0)
"""The first review is greedy; the one that confirms it is sampled, with the motives in another order."""
UNREADABLE = "gold's answer could not be read"


class Answer(BaseModel):
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
    traits: list[str] = []
    verdict: Said


class ModelGold:
    """A response's own text can never end its quotation: the marker around it follows from the text's hash."""

    def __init__(self, model: ChatModel, traits: Sequence[str], on_progress: Progress | None = None) -> None:
        self.model, self.traits, self._on_progress = model, tuple(traits), on_progress

    @property
    def hash(self) -> str:
        prompt = render("gold", traits=self.traits, request="", response="", marker="")
        return content_hash(["model", self.model.hash, prompt.hash])

    def review(self, cases: Sequence[Case], turn: int) -> list[Verdict]:
        """One verdict a case. What is not in the form that was asked for, or contradicts itself, is unsure."""
        traits = self.traits if turn == 1 else self.traits[::-1]
        prompts = [
            render("gold", traits=traits, request=case.request, response=case.response, marker=_marker(case))
            for case in cases
        ]
        asked = [[{"role": "user", "content": prompt.text}] for prompt in prompts]
        fitting = [place for place, one in enumerate(asked) if self.model.fits(one, ANSWER_TOKENS)]
        temperature = TEMPERATURES[min(turn, len(TEMPERATURES)) - 1]
        seeds = [turn] * len(fitting)
        answers = ask(
            self.model,
            [asked[place] for place in fitting],
            Answer,
            seeds,
            ANSWER_TOKENS,
            temperature,
            on_progress=self._on_progress,
        )
        told = dict(zip(fitting, answers, strict=True))
        return [self._verdict(told.get(place), prompt.hash) for place, prompt in enumerate(prompts)]

    def _verdict(self, answer: Answer | None, prompt: str) -> Verdict:
        if answer is None:
            return Verdict("unsure", (), UNREADABLE, self.model.hash, prompt, "")
        named = tuple(trait for trait in self.traits if trait in answer.traits)
        strange = len(named) < len(set(answer.traits)) or (answer.verdict == "unjustified") != bool(named)
        raw = answer.model_dump_json()
        if strange:
            return Verdict("unsure", (), f"its verdict and motives do not fit: {raw}", self.model.hash, prompt, raw)
        return Verdict(answer.verdict, named, answer.reason, self.model.hash, prompt, raw)


def _marker(case: Case) -> str:
    return f"-----{content_hash([case.request, case.response])[:24]}-----"
