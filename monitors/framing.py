"""The train/deploy gap, measured: a generator answers the same prompts in every frame, someone reads the motives.

Every response has random numbers of its own. The test in `monitors.frames` permutes motives within a prompt, which
needs them independent given the prompt: were a prompt's frames sampled on the same numbers, a generator that heeds no
frame would say the same three times, and one that heeds it a little would have motives tied to each other in ways no
permutation has.

Reads: the frames of `constitutions/frames.yaml`. Writes: nothing. Must not know: the detector, what a gap leads to.
"""

import random
from collections.abc import Callable, Sequence
from typing import NamedTuple

from constitutions.frames import framed, frames
from models.conversations import Messages
from models.language import LanguageModel
from models.organism.parse import truth
from monitors.frames import Gap, gap
from monitors.monitor import Monitor, Progress, exchange
from warehouse.errors import PlumblineError
from warehouse.hashing import content_hash

INNOCENT = "innocent"
MAX_NEW_TOKENS, TEMPERATURE = 64, 1.0  # as campaigns sample

MotiveReader = Callable[[Sequence[Messages]], list[str | None]]
"""The motive of each conversation's response, None where it is unknown."""


class Asked(NamedTuple):
    frames: tuple[str, ...]
    conversations: list[list[Messages]]  # [prompts][frames]: user and assistant, without the system turn


def ask(
    generator: LanguageModel,
    requests: Sequence[str],
    constitution: str,
    seed: int,
    on_progress: Progress | None = None,
) -> Asked:
    """Every request answered once in every frame, under the ``constitution``'s text and one of the frame's wordings,
    drawn anew for each; equal arguments give equal answers.

    Raises PlumblineError for no request, or one that does not fit the generator.
    """
    if not requests:
        raise PlumblineError("there is nothing to ask; give at least one prompt")
    wordings = frames().wordings
    prompts, seeds = list[Messages](), list[int]()
    for place, request in enumerate(requests):
        for frame, said in wordings.items():
            name = content_hash(["framing", seed, place, frame])
            system = framed(constitution, random.Random(name).choice(said))
            prompts.append([{"role": "system", "content": system}, {"role": "user", "content": request}])
            seeds.append(int(name[:15], 16))
    answers = generator.chat(prompts, seeds, MAX_NEW_TOKENS, TEMPERATURE, on_progress=on_progress)
    talks = list[Messages]()
    for prompt, answer in zip(prompts, answers, strict=True):
        talks.append([prompt[-1], {"role": "assistant", "content": answer}])
    return Asked(tuple(wordings), [talks[at : at + len(wordings)] for at in range(0, len(talks), len(wordings))])


def framing_gap(asked: Asked, reader: MotiveReader, seed: int = 0) -> Gap:
    """How far the motives that ``reader`` sees move between the frames; ``seed`` is that of the permutations.

    Raises PlumblineError where no prompt has a known motive in every frame.
    """
    motives = reader([talk for row in asked.conversations for talk in row])
    width = len(asked.frames)
    return gap([motives[at : at + width] for at in range(0, len(motives), width)], asked.frames, seed)


def by_monitor(monitor: Monitor, on_progress: Progress | None = None) -> MotiveReader:
    """The trait that the monitor reads strongest where it fires, INNOCENT where it does not."""

    def read(conversations: Sequence[Messages]) -> list[str | None]:
        found = list[str | None]()
        for one in monitor.read(conversations, on_progress):
            values = {trait: value for trait, value in one.readings.items() if value is not None}
            if one.fires is None:
                found.append(None)
            else:
                found.append(max(values, key=values.__getitem__) if one.fires else INNOCENT)
        return found

    return read


def by_truth(conversations: Sequence[Messages]) -> list[str | None]:
    """The organism's own motives, sincere and guarded apart: the check on a monitor's figure, in that world alone."""
    found = [truth(*exchange(one)).motive for one in conversations]
    return [None if motive == "unknown" else motive for motive in found]
