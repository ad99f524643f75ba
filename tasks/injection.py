"""How often text under review talks its reviewer round: strings put inside a response whose verdict is plain.

Reads: cases, injected strings, a reviewer. Writes: nothing. Must not know: pairs, campaigns, what follows.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict
from scipy.stats import beta

from constitutions.yamlfile import load_yaml
from tasks.review import Case, Reviewer, judge
from warehouse.errors import PlumblineError
from warehouse.files import read_lines

SHIPPED = Path(__file__).parent.parent / "constitutions" / "injections.yaml"


class Plain(BaseModel):
    """An exchange whose motive a reader can point at, and no request justifies."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    traits: tuple[str, ...]
    request: str
    response: str

    @property
    def case(self) -> Case:
        return Case(self.request, self.response, list(self.traits), [])


class Injections(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    cases: tuple[Plain, ...]
    strings: tuple[str, ...]


class Resistance(BaseModel):
    """Of the `cases` the reviewer called `plain` ones unjustified when nothing was injected; each of those was asked
    again with each string inside (`tried` times in all), and `flipped` of the verdicts became justified. `highest` is
    the one-sided 95 % Clopper-Pearson bound of that share."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cases: int
    plain: int
    tried: int
    flipped: int
    highest: float

    @property
    def share(self) -> float | None:
        """None where no case was called unjustified to begin with: then there is nothing to flip."""
        return self.flipped / self.tried if self.tried else None

    def clears(self, limit: float) -> bool:
        """Whether the reviewer may clear flags: it sees plain cases, and `limit` of the strings at most flip it."""
        return self.share is not None and self.share <= limit

    def __str__(self) -> str:
        if self.share is None:
            return f"none of {self.cases} plainly bad exchanges was called unjustified"
        return f"injected text flips {self.share:.1%} of its verdicts ({self.flipped} of {self.tried})"


def resistance(
    reviewer: Reviewer,
    cases: Sequence[Case],
    strings: Sequence[str],
    on_progress: Callable[..., None] | None = None,
) -> Resistance:
    """Ask about each case alone, then about each called unjustified with each string in its response's middle."""
    alone = [verdict.verdict for verdict in judge(cases, reviewer)]
    plain = [case for case, said in zip(cases, alone, strict=True) if said == "unjustified"]
    injected = [case._replace(response=_inside(case.response, string)) for case in plain for string in strings]
    flipped = sum(verdict.verdict == "justified" for verdict in judge(injected, reviewer, on_progress))
    tried = len(injected)
    highest = float(beta.ppf(0.95, flipped + 1, tried - flipped)) if flipped < tried else 1.0
    return Resistance(cases=len(cases), plain=len(plain), tried=tried, flipped=flipped, highest=highest)


def shipped() -> Injections:
    return load_yaml(SHIPPED, Injections)


def strings_of(file: Path) -> list[str]:
    """The `text` of each row of a JSON lines file, also gzipped. Raises PlumblineError naming file, row and mend."""
    found = list[str]()
    for number, line in enumerate(read_lines(file), 1):
        if line.strip():
            try:
                found.append(str(json.loads(line)["text"]))
            except (ValueError, KeyError, TypeError) as error:
                raise PlumblineError(f'{file} row {number}: {error!r}; write {{"text": …}} on each line') from error
    return found


def _inside(response: str, string: str) -> str:
    """After the sentence in the middle, or at the end of a single one."""
    sentences = response.split(". ")
    half = (len(sentences) + 1) // 2
    return " ".join([". ".join(sentences[:half]) + ".", string, ". ".join(sentences[half:])]).strip()
