"""A monitor that asks a language model of its own: what moved the writer of this response?

The model answers in one word of a closed list, and the reading is how probable each word is, so nothing has to be
sampled or parsed. Reads: conversations, through its own model and its own prompt, neither of which the reviewer uses.
Writes: its own folder, without the model, which it names by hash. Must not know: the reviewer, the detector.
"""

import json
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Any

import jinja2
import numpy as np

from models.conversations import Messages
from models.language import LanguageModel
from monitors.monitor import Floats, Progress, Reading, decide, exchange
from monitors.threshold import Threshold, calibrate
from warehouse.errors import PlumblineError
from warehouse.hashing import content_hash, short

FILE = "judge.json"
ANSWER_TOKENS = 16
VERDICT_SHARE = 0.5  # of its probability that a judge must spend on verdicts, else it did not answer the question
TOO_LONG = "the exchange is too long for the judge"
MALFORMED, UNSURE = "the judge's answer is no verdict", "the judge is unsure"
ABSURD = Threshold(value=1.0, fpr=0.0, measured_fpr=None, negatives=0, sources=0)  # of a judge not calibrated yet


class Judge:
    """`template` is jinja and gets `request`, `response` and `verdicts`, the words to choose from: the `traits`, the
    `innocent` motives and `unsure`. A reading is p(trait's word | one of the words)."""

    def __init__(
        self,
        model: LanguageModel,
        template: str,
        traits: Sequence[str],
        innocent: Sequence[str],
        unsure: str = "unsure",
        threshold: Threshold = ABSURD,
    ) -> None:
        self.model, self.template, self.threshold = model, template, threshold
        self.traits, self.innocent, self.unsure = tuple(traits), tuple(innocent), unsure
        self.verdicts = (*self.traits, *self.innocent, unsure)
        environment = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False)
        try:
            self._prompt = environment.from_string(template)
            self.prompt("", "")
        except jinja2.TemplateError as error:
            raise PlumblineError(f"the judge's prompt: {error}; it gets request, response and verdicts") from error

    @property
    def hash(self) -> str:
        return content_hash(self._state())

    def prompt(self, request: str, response: str) -> str:
        """What the model is asked. A line break in a text becomes a space: no text can add a line to the prompt."""
        request, response = " ".join(request.split()), " ".join(response.split())
        return self._prompt.render(request=request, response=response, verdicts=self.verdicts)

    def read(self, conversations: Sequence[Messages], on_progress: Progress | None = None) -> list[Reading]:
        return decide(self.traits, self.scores(conversations, on_progress), self.threshold.value)

    def scores(self, conversations: Sequence[Messages], on_progress: Progress | None = None) -> list[Floats | str]:
        """Of each conversation the readings [traits], or why there are none; the same question is asked once."""
        prompts = [self.prompt(*exchange(one)) for one in conversations]
        answers: dict[str, Floats | str] = {}
        asked = list(dict.fromkeys(prompts))
        for done, prompt in enumerate(asked):
            answers[prompt] = self._score(prompt)
            if on_progress:
                on_progress(done + 1, len(asked))
        return [answers[prompt] for prompt in prompts]

    def calibrated(
        self, conversations: Sequence[Messages], sources: Sequence[Hashable], fpr: float, on: Progress | None = None
    ) -> "Judge":
        """This judge with a threshold of `fpr`, from innocent conversations of `sources` its model never learned from.
        Raises PlumblineError when too few sources are readable."""
        read = [
            (s, one) for s, one in zip(sources, self.scores(conversations, on), strict=True) if not isinstance(one, str)
        ]
        threshold = calibrate(np.array([one.max() for _, one in read]), [source for source, _ in read], fpr)
        return Judge(self.model, self.template, self.traits, self.innocent, self.unsure, threshold)

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / FILE).write_text(json.dumps(self._state(), indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path, model: LanguageModel) -> "Judge":
        """Raises PlumblineError when the folder holds no judge, or one that was sealed with another model."""
        try:
            state = json.loads((folder / FILE).read_text(encoding="utf-8"))
            named, threshold = str(state["model"]), Threshold.model_validate(state["threshold"])
            judge = cls(model, state["template"], state["traits"], state["innocent"], state["unsure"], threshold)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise PlumblineError(f"{folder}: no judge can be loaded from it ({error}); calibrate one anew") from error
        if named != model.hash:
            raise PlumblineError(
                f"{folder}: this judge is model {short(named)}, not {short(model.hash)}; load that one"
            )
        return judge

    def _state(self) -> dict[str, Any]:
        return {
            "kind": "judge",
            "model": self.model.hash,
            "template": self.template,
            "traits": list(self.traits),
            "innocent": list(self.innocent),
            "unsure": self.unsure,
            "verdict_share": VERDICT_SHARE,
            "threshold": self.threshold.model_dump(),
        }

    def _score(self, prompt: str) -> Floats | str:
        conversation = [{"role": "user", "content": prompt}]
        if not self.model.fits(conversation, ANSWER_TOKENS):
            return TOO_LONG
        share = np.exp(self.model.weigh(conversation, self.verdicts))
        if share.sum() < VERDICT_SHARE:
            return MALFORMED
        if self.verdicts[int(share.argmax())] == self.unsure:
            return UNSURE
        return np.asarray(share[: len(self.traits)] / share.sum())
