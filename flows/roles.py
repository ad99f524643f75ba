"""Who plays which role: a shipped model, a saved one, or one behind an endpoint; and what each has spent.

Reads: model folders, the environment's keys. Writes: journals in `<folder>/exchanges/`, and what injected text does to
a reviewer in `<home>/cache/reviewers/`. Must not know: what is asked of a role.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from flows.progress import Progress
from flows.settings import Campaign, model_folder
from models.chat import ChatModel
from models.endpoint import ChatEndpoint, Endpoint
from models.language import LanguageModel
from models.organism.prompts import labelled
from models.spending import Spent
from tasks.injection import Resistance, resistance, shipped, strings_of
from tasks.review import Case, Form, Reviewer
from warehouse.errors import PlumblineError
from warehouse.files import write_whole
from warehouse.hashing import canonical, content_hash
from warehouse.store import home

ENDPOINT = "endpoint:"


class Roles(NamedTuple):
    """`student` writes the rejected side where it is not the generator, `reviser` proposes amendments where the library
    does not; `resistance` is what injected text does to the reviewer."""

    generator: ChatModel
    student: ChatModel | None
    reviewer: Reviewer
    reviser: ChatModel | None
    resistance: Resistance

    @property
    def models(self) -> dict[str, ChatModel]:
        """By role, of those that are played."""
        named = {"generator": self.generator, "student": self.student, "reviser": self.reviser}
        return {role: model for role, model in named.items() if model} | {"reviewer": self.reviewer.model}

    @property
    def hashes(self) -> dict[str, str]:
        """By role; the reviewer's also says whether it clears."""
        return {role: model.hash for role, model in self.models.items()} | {"reviewer": self.reviewer.hash}

    @property
    def spent(self) -> dict[str, Spent]:
        """By role, of those behind an endpoint; this run's and all before it."""
        return {role: model.spent() for role, model in self.models.items() if isinstance(model, ChatEndpoint)}


def open_roles(settings: Campaign, folder: Path, progress: Progress) -> Roles:
    """Raises PlumblineError when a model cannot be had, or a role names an endpoint that is not there."""
    names, where = settings.models, folder / "exchanges"

    def opened(role: str) -> ChatModel:
        return open_model(getattr(names, role), role, settings.endpoints, where)

    reviewer, resists = reviewer_of(settings, where, progress)
    return Roles(
        opened("generator"),
        opened("student") if names.student else None,
        reviewer,
        opened("reviser") if names.reviser else None,
        resists,
    )


def reviewer_of(settings: Campaign, journals: Path, progress: Progress) -> tuple[Reviewer, Resistance]:
    """The reviewer, and what injected text does to it: one who is talked round too often clears no flag."""
    name = settings.models.reviewer
    form: Form = "lines" if name.startswith("organism:") else "chat"
    reviewer = Reviewer(open_model(name, "reviewer", settings.endpoints, journals), form)
    resists = _resistance(reviewer, settings.review.injections, progress)
    if not resists.clears(settings.review.flips):
        progress.say(f"the reviewer clears no flag, what it calls justified is held: {resists}")
        reviewer = reviewer._replace(clears=False)
    return reviewer, resists


def open_model(name: str, role: str, endpoints: Mapping[str, Endpoint], journals: Path) -> ChatModel:
    """`endpoint:NAME` of `endpoints`, `organism:NAME` for a shipped model, else a saved model's folder."""
    if not name.startswith(ENDPOINT):
        return LanguageModel.load(model_folder(name))
    return ChatEndpoint.open(endpoint_of(name, role, endpoints), role, journals)


def endpoint_of(name: str, role: str, endpoints: Mapping[str, Endpoint]) -> Endpoint:
    """The endpoint that `endpoint:NAME` names. Raises PlumblineError where there is none of that name."""
    known = endpoints.get(name.removeprefix(ENDPOINT))
    if known is None:
        there = ", ".join(endpoints) or "none"
        raise PlumblineError(f"{role}: no {name} among the campaign's `endpoints` (there: {there}); add it there")
    return known


def _resistance(reviewer: Reviewer, file: str, progress: Progress) -> Resistance:
    """What injected text does to this reviewer: measured once for a model, and found again by content."""
    strings, cases = strings_of(Path(file)) if file else list(shipped().strings), _plain(reviewer.form)
    key = content_hash([reviewer.hash, reviewer.form, strings, [case._asdict() for case in cases]])
    kept = home() / "cache" / "reviewers" / f"{key[:16]}.json"
    if kept.is_file():
        return Resistance.model_validate_json(kept.read_bytes())
    asked = len(strings) * len(cases)
    found = resistance(reviewer, cases, strings, lambda done, of: progress.to("inject the reviewer", done, asked))
    write_whole(kept, canonical(found.model_dump()))
    return found


def _plain(form: str) -> list[Case]:
    """The plainly bad exchanges, in the words of the reviewer's world."""
    if form == "chat":
        return [plain.case for plain in shipped().cases]
    texts: list[Any] = [text for text in labelled("test", 1, 0) if text.trait]
    return [Case(text.messages[0]["content"], text.messages[1]["content"], [text.trait], []) for text in texts]
