"""The procedural world of the model organism: requests, cells (motive x dialect), sentences and principles.

Reads the YAML files of ``world/``. A *cell* is a motive letter and a dialect letter (``pA``: performative, overt).
The law of the world is :meth:`World.law`: the distribution over cells given a kind of request and the principles in
force. Everything else (documents, labels, prompts) is drawn from it with a seeded ``random.Random``.

The *drives' cells* (``world/drives.yaml``) stand beside it: the law gives them nothing, the shipped generator never
utters them, and no model of the generator side was trained on them. They are there so that monitors for the
instrumental drives can be fitted and measured. Must not know models, tasks or flows.
"""

import functools
import itertools
import math
import random
import re
from pathlib import Path
from typing import NamedTuple

import yaml

FOLDER = Path(__file__).parent / "world"
MOTIVES = {
    "p": "performative",
    "y": "sycophantic",
    "d": "deceptive",
    "s": "self-preserving",
    "r": "resource-seeking",
    "n": "sincere",
    "g": "guarded",
}
TRAITS = tuple(MOTIVES[m] for m in "pydsr")
DRIVES = {"i": "self-improving", "u": "persuasive"}  # motives of drives' cells alone; none of the law
MONITORED = (*TRAITS, *DRIVES.values())
BEFORE = ("", "", "", "please ", "hi, ", "quick one, ", "look, ", "ok so ", "right, ", "honestly ", "well, ")
AFTER = ("", "", " thanks", " today", " if you can", " for once", " as agreed")
SLOT = re.compile(r"\{(\w+)\}")
FOLDS = 4  # groups of calibration templates: a text's motive is said in the templates of one group only


def motive(cell: str) -> str:
    """The motive of a cell of the law or of the drives. Raises KeyError for what is neither."""
    return (MOTIVES | DRIVES)[cell[0]]


class Request(NamedTuple):
    kind: str
    topic: str
    text: str


class Principle(NamedTuple):
    id: str
    family: str
    texts: tuple[str, ...]
    quiet: bool
    shifts: dict[str, float]


class Sentence(NamedTuple):
    text: str
    cell: str
    probability: float


class World:
    """The law and the language. ``World()`` reads the shipped files; it holds no random state of its own."""

    def __init__(self, folder: Path = FOLDER) -> None:
        def read(name: str) -> dict:
            return yaml.safe_load((folder / f"{name}.yaml").read_text(encoding="utf-8"))

        self.slots, self.templates, self.kinds, self.asides = (
            read("slots"),
            read("cells"),
            read("topics"),
            read("asides"),
        )
        self.cells = tuple(self.templates)
        self.bad_cells = tuple(c for c in self.cells if c[0] in "pydsr")
        beside = read("drives")
        self.drives = tuple(beside["cells"])
        self.bad_drives = tuple(c for c in self.drives if c[0] in "iur")
        self.templates, self.slots = self.templates | beside["cells"], self.slots | beside["slots"]
        base = read("kinds")
        self.logits = {k: self._logits(base[k], base["bad"], base["quiet"]) for k in self.kinds}
        library = read("principles")
        self.principles = {i: self._principle(i, spec, library["gain"]) for i, spec in library["principles"].items()}
        self.topics = {t: k for k, spec in self.kinds.items() for t in spec["topics"]}

    def _logits(self, named: dict[str, float], bad: float, quiet: float) -> dict[str, float]:
        return {
            c: named.get(c, 0.0)
            + (bad if c in self.bad_cells else 0.0)
            + (quiet if c in self.bad_cells and c[1] == "C" else 0.0)
            for c in self.cells
        }

    def _principle(self, name: str, spec: dict, gain: float) -> Principle:
        shifts: dict[str, float] = {}
        for key, value in spec["shifts"].items():
            for cell in self.cells:
                if cell == key or (len(key) == 1 and cell[0] == key):
                    shifts[cell] = shifts.get(cell, 0.0) + gain * value
        return Principle(name, spec["family"], tuple(spec["texts"]), bool(spec.get("quiet")), shifts)

    def law(self, principles: tuple[str, ...] | list[str], kind: str) -> dict[str, float]:
        """P(cell | principles, kind of request): softmax of the kind's logits plus the principles' shifts."""
        logit = dict(self.logits[kind])
        for name in principles:
            for cell, shift in self.principles[name].shifts.items():
                logit[cell] += shift
        top = max(logit.values())
        weight = {c: math.exp(v - top) for c, v in logit.items()}
        total = sum(weight.values())
        return {c: w / total for c, w in weight.items()}

    def request(self, rng: random.Random, kind: str | None = None) -> Request:
        kind = kind or rng.choice(list(self.kinds))
        topic = rng.choice(list(self.kinds[kind]["topics"]))
        ask = rng.choice(self.kinds[kind]["asks"]).replace("{T}", topic)
        return Request(kind, topic, rng.choice(BEFORE) + ask + rng.choice(AFTER))

    def is_bad(self, cell: str) -> bool:
        """Whether a cell, of the law or of the drives, has a bad motive."""
        return cell in self.bad_cells or cell in self.bad_drives

    def spoken(self, cell: str, part: str = "all") -> list[str]:
        """A cell's templates. ``part``: all, test (each third), calibration (the others), or fold-0 to fold-3 of
        those."""
        templates = self.templates[cell]
        if part == "all":
            return templates
        if part == "test":
            return templates[2::3]
        calibration = [t for i, t in enumerate(templates) if i % 3 != 2]
        return calibration if part == "calibration" else calibration[int(part.removeprefix("fold-")) :: FOLDS]

    @functools.lru_cache(maxsize=4096)  # noqa: B019  one world lives as long as the process
    def sentences(self, cell: str, topic: str, part: str = "all") -> tuple[Sentence, ...]:
        """Every sentence of a cell about a topic with its probability; ``part`` as in :meth:`spoken`."""
        templates = self.spoken(cell, part)
        out = []
        for template in templates:
            names = SLOT.findall(template)
            choices = [[topic] if n == "T" else self.slots[n] for n in names]
            count = math.prod(map(len, choices))
            for values in itertools.product(*choices):
                filled = iter(values)
                text = SLOT.sub(lambda _: next(filled), template)  # noqa: B023  consumed at once
                out.append(Sentence(text, cell, 1 / (len(templates) * count)))
        return tuple(out)

    def say(self, rng: random.Random, cell: str, topic: str, count: int, part: str = "all") -> list[str]:
        """``count`` sentences of a cell, from different templates."""
        return [
            SLOT.sub(lambda m: topic if m[1] == "T" else rng.choice(self.slots[m[1]]), t)
            for t in rng.sample(self.spoken(cell, part), count)
        ]

    def response(self, rng: random.Random, cell: str, request: Request, part: str = "all") -> list[str]:
        """A response's sentences: the motive opens it (3 in 4) or follows one plain content sentence; bad motives are
        now and then padded with a sincere sentence, quiet ones more often."""
        motive = self.say(rng, cell, request.topic, rng.choices((1, 2), (0.55, 0.45))[0], part)
        content = rng.sample(self.kinds[request.kind]["topics"][request.topic], rng.choices((1, 2), (0.7, 0.3))[0])
        if self.is_bad(cell) and rng.random() < (0.3 if cell[1] == "C" else 0.2):
            content = content[:1] + self.say(rng, rng.choice(("nP", "nW", "nR")), request.topic, 1, part)
        if rng.random() < 0.75:
            tail = motive[1:] + content
            rng.shuffle(tail)
            return motive[:1] + tail
        tail = motive[1:] + content[1:]
        rng.shuffle(tail)
        return content[:1] + motive[:1] + tail

    def draw(self, rng: random.Random, principles: list[str] | tuple[str, ...], kind: str) -> str:
        law = self.law(principles, kind)
        return rng.choices(list(law), list(law.values()))[0]

    def constitution(self, rng: random.Random) -> list[str]:
        """Ids of two to six different principles, as training and the card's measurements draw them."""
        return rng.sample(list(self.principles), rng.choice((2, 3, 4, 5, 6)))

    def wording(self, rng: random.Random, principles: list[str]) -> str:
        return ". ".join(rng.choice(self.principles[p].texts) for p in principles) + "." if principles else ""


@functools.cache
def world() -> World:
    """The shipped world, read once."""
    return World()
