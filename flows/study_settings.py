"""A study as one YAML file: the campaigns it runs, arm by arm, strength by strength, seed by seed.

Reads: the study file, or the shipped `flows/study.yaml`; the campaign file it names. Writes: nothing. Must not know:
what a campaign does, what is made of it.
"""

from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field, StringConstraints, ValidationError

from constitutions.yamlfile import load_yaml
from flows.settings import Campaign, Count, Settings, load_campaign
from warehouse.errors import PlumblineError
from warehouse.hashing import content_hash

STUDY = Path(__file__).parent / "study.yaml"
Short = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,15}$")]


class Arm(Settings):
    """`settings` change those that all arms share. `publishes: everything` counts every first attempt that could be
    read as published, whatever was decided about it: no curation at all."""

    settings: dict[str, Any]
    publishes: Literal["kept", "everything"] = "kept"


class Study(Settings):
    """`campaign` is a campaign file, "" for the shipped one, whose settings all arms begin with; `settings` change them
    for all arms, an arm's own for one. `candidates` are the strengths of selection: how many amendments are tried
    beside the constitution in force; an arm that amends nothing has but one. Seeds are `first_seed` and on."""

    name: Short = "study"
    campaign: str = ""
    seeds: Count = 8
    first_seed: Annotated[int, Field(ge=0)] = 0
    rounds: Count = 6
    candidates: Annotated[tuple[Count, ...], Field(min_length=1)] = (4,)
    settings: dict[str, Any] = {}
    arms: Annotated[dict[Short, Arm], Field(min_length=1)]


class Cell(NamedTuple):
    """One campaign as one arm has it; arms that differ only in what they publish have it in common. `candidates` is
    None where nothing is amended."""

    arm: str
    candidates: int | None
    seed: int
    publishes: str
    settings: Campaign

    @property
    def strength(self) -> str:
        return "–" if self.candidates is None else str(self.candidates)


def load_study(path: Path | None, seeds: int = 0) -> tuple[Study, list[Cell]]:
    """The study in `path`, or the shipped one, and its cells: by arm, strength and seed, in order. `seeds` takes the
    place of the file's, 0 leaves it.

    Raises PlumblineError naming file, line and key; or the arm, for settings that no campaign can have.
    """
    file = path or STUDY
    study = load_yaml(file, Study)
    study = study.model_copy(update={"seeds": seeds}) if seeds else study
    named = Path(study.campaign)
    base = load_campaign(file.parent / named if study.campaign else None).model_dump(mode="json")
    shared = merged(merged(base, study.settings), {"rounds": study.rounds})
    cells = []
    for name, arm in study.arms.items():
        own = merged(shared, arm.settings)
        amends = own.get("mode") == "update"
        for candidates in study.candidates if amends else (None,):
            strength = {"amend": {"candidates": candidates}} if candidates else {}
            for seed in range(study.first_seed, study.first_seed + study.seeds):
                settings = _campaign(merged(own, {**strength, "seed": seed}), f"{file}: arms.{name}")
                title = "-".join([study.name, name, *([f"k{candidates}"] if candidates else []), f"s{seed}"])
                cells.append(Cell(name, candidates, seed, arm.publishes, _named(settings, title)))
    return study, _in_common(cells)


def merged(one: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """`one` with `change` in it, section by section; neither is changed."""
    both = {
        key: merged(one[key], value) if isinstance(value, dict) and isinstance(one.get(key), dict) else value
        for key, value in change.items()
    }
    return {**one, **both}


def _campaign(settings: dict[str, Any], where: str) -> Campaign:
    try:
        return Campaign.model_validate(settings)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise PlumblineError(f"{where}: `{key}`: {first['msg'].removeprefix('Value error, ')}") from error


def _named(settings: Campaign, title: str) -> Campaign:
    """Named for the arm and, so that other settings are another campaign, by what decides it."""
    key = content_hash(settings.deciding("name"))[:6]
    return settings.model_copy(update={"name": f"{title}-{key}"})


def _in_common(cells: list[Cell]) -> list[Cell]:
    """Cells of the same settings have one campaign, under the name of the first."""
    first: dict[str, Campaign] = {}
    return [
        cell._replace(settings=first.setdefault(content_hash(cell.settings.deciding("name")), cell.settings))
        for cell in cells
    ]
