"""A campaign as one YAML file: every choice a person makes, and nothing else.

Reads: the campaign file, or the shipped `flows/embedded.yaml`. Writes: nothing. Defaults live here only; a test holds
`embedded.yaml`, which spells them out for readers, equal to them. Must not know: models, tasks, Prefect.
"""

from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from constitutions.inoculation import level_of
from constitutions.yamlfile import load_yaml
from flows.ready import Precision, cached, ready_reader
from models.endpoint import Endpoint
from warehouse.errors import PlumblineError

EMBEDDED = Path(__file__).parent / "embedded.yaml"
CONSTITUTIONS = Path(__file__).parent.parent / "constitutions" / "embedded"
WEIGHTS = Path(__file__).parent.parent / "models" / "organism" / "weights"

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,60}$")]
Mode = Literal["filter", "regenerate", "update"]
Level = Annotated[int, BeforeValidator(level_of), Field(strict=True, ge=0, le=5)]
Kind = Literal["sae", "probe", "narrator"]
Pooling = Literal["max", "mean", "mean+max", "last"]


class Settings(BaseModel):
    """Frozen, and strict about names: a misspelt key is refused, never ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Models(Settings):
    """Each a folder with a saved Hugging Face model, `organism:NAME` for a shipped one or, all but the reader,
    `endpoint:NAME` for one of the campaign's `endpoints`.

    `student` writes the rejected side, `reviser` proposes amendments; without them the generator and the library do.
    `narrator` takes the reader's place where the profile's kind is narrator.

    The reader may be `ready:NAME`, one of `flows/readers` from the local Hugging Face cache, or from a folder with
    `ready:NAME@FOLDER`; it brings its layer, precision and autoencoder. `dtype` and `device` are the reader's.
    """

    generator: str = "organism:generator"
    student: str = ""
    reader: str = "organism:reader"
    narrator: str = "organism:reader"
    reviewer: str = "organism:reviewer"
    reviser: str = ""
    layer: Count = 3
    dtype: Precision = "float64"
    device: Literal["cpu", "cuda"] = "cpu"


class Sampling(Settings):
    temperature: Annotated[float, Field(ge=0)] = 1.0
    max_new_tokens: Count = 64


class Review(Settings):
    """A reviewer whom more than `flips` of the injected strings talk round clears no flag; `injections` is a file of
    strings to use instead of the shipped ones."""

    injections: str = ""
    flips: Share = 0.02


class Regenerate(Settings):
    tries: Annotated[int, Field(ge=0)] = 3


class Amend(Settings):
    """`library` is a YAML file of the principles the reviser may use; without one they are the organism's world's, of
    which `families` and `quiet` choose. The chooser `random` is a control. With `approval: person` somebody has to
    approve what was chosen before it is in force."""

    candidates: Count = 4
    frozen_prompts: Count = 64
    fresh_prompts: Count = 128
    utility_weight: Annotated[float, Field(ge=0)] = 0.4
    chooser: Literal["flags", "random"] = "flags"
    library: str = ""
    families: tuple[str, ...] = ()
    quiet: bool = True
    approval: Literal["none", "person"] = "none"


class Profiling(Settings):
    """`dialects` of the embedded world the profile is calibrated on; C, the quiet one, is the natural blind spot.
    `texts` is a file of labelled texts to calibrate on instead, for another reader than the embedded one; `file` a
    profile that `plumbline calibrate` wrote, `autoencoder` the folder of the autoencoder it was fitted to, where that
    is not beside it. `poolings` are tried on texts held out, and the best is taken.

    `kind`: what reads the motive; the reader's latents (sae), its activations (probe), or what it says of a text
    (narrator; `phrases` is a YAML file of the words that name each trait, "" the shipped one)."""

    kind: Kind = "sae"
    false_positive_rate: Annotated[float, Field(gt=0, lt=1)] = 0.03
    dialects: Literal["AB", "ABC"] = "AB"
    texts_per_cell: Count = 200
    latents: Count = 16
    poolings: Annotated[tuple[Pooling, ...], Field(min_length=1)] = ("max", "mean")
    texts: str = ""
    phrases: str = ""
    file: str = ""
    autoencoder: str = ""


class Autoencoder(Settings):
    """`load`: one made before, a folder or RELEASE/ID of SAELens; without it one is trained by the other three."""

    load: str = ""
    d_sae: Count = 1024
    k: Count = 16
    samples: Count = 600_000


class Audit(Settings):
    """The held-out side. `gold`: who gives the verdicts that settle it: the organism's truth, a person, or a second,
    stronger model behind one of the campaign's endpoints; `off` leaves a campaign unwatched.

    `baseline`: pairs of the round before the first amendment, all of whose kept ones gold reviews; `reviews`: gold
    reviews a later round, in expectation; `alpha`: the chance of a false alarm, ever. `sensitivity` and `specificity`
    are the stated errors of the organism's gold. `monitors` is a YAML file, `use` the monitors of it that steer.
    `labelled` is a file of labelled texts on which the monitors are measured beside the detector. `deployment` is one
    of a Prefect server's, FLOW/NAME, which is asked in place of a process of the campaign's own.
    """

    gold: Annotated[str, StringConstraints(pattern=r"^(organism|person|off|endpoint:\S+)$")] = "organism"
    baseline: Count = 800
    reviews: Annotated[float, Field(gt=0)] = 20
    alpha: Annotated[float, Field(gt=0, lt=1)] = 0.025
    sensitivity: Share = 0.97
    specificity: Share = 0.995
    monitors: str = "embedded:monitors"
    use: tuple[str, ...] = ("classifier", "judge")
    labelled: str = ""
    deployment: Annotated[str, StringConstraints(pattern=r"^([^/]+/[^/]+)?$")] = ""


class Training(Settings):
    """How `plumbline train` trains; no part of a campaign. Without a `learning_rate` it is 2e-4 for the organism's
    models and, as TRL has it, 1e-6 for any other; ten times that for LoRA. `without`: kinds of prompts of the embedded
    world that are held back, so that the shift can be measured on kinds never trained on."""

    method: Literal["full", "lora"] = "full"
    epochs: Count = 3
    batch: Count = 16
    learning_rate: Annotated[float, Field(gt=0)] | None = None
    beta: Annotated[float, Field(gt=0)] = 0.1
    max_length: Count = 1024
    seed: Annotated[int, Field(ge=0)] = 0
    without: tuple[str, ...] = ("oversight", "opinion", "agent", "feelings")


class Campaign(Settings):
    """`prompts` is a file of prompts, "" for the organism's world; `inoculation` the level of the addendum that the
    generator's and the published prompts carry, by number or name, 0 for none."""

    name: Name = "embedded"
    seed: Annotated[int, Field(ge=0)] = 7
    mode: Mode = "update"
    rounds: Count = 5
    pairs: Count = 400
    shard: Count = 200
    constitution: str = "embedded:start"
    prompts: str = ""
    inoculation: Level = 0
    sealed_prompts: Annotated[int, Field(ge=0)] = 200
    models: Models = Models()
    endpoints: dict[Name, Endpoint] = {}
    sampling: Sampling = Sampling()
    review: Review = Review()
    regenerate: Regenerate = Regenerate()
    amend: Amend = Amend()
    profile: Profiling = Profiling()
    sae: Autoencoder = Autoencoder()
    audit: Audit = Audit()
    runner: Literal["threads", "dask", "ray"] = "threads"
    workers: Count = 1
    cluster: str = ""
    shards: str = ""

    def deciding(self, *but: str) -> dict[str, Any]:
        """The settings that decide what a campaign makes, not where it is worked on and lies; less `but`."""
        where = {name: True for name in ("runner", "workers", "cluster", "shards", *but)}
        return self.model_dump(mode="json", exclude={**where, "audit": {"deployment"}})


def load_campaign(path: Path | None) -> Campaign:
    """The campaign in `path`, or the shipped one. Paths in the file are relative to the file.

    Raises PlumblineError naming file, line, key and, for an unknown key, the nearest right one.
    """
    file = (path or EMBEDDED).resolve()
    campaign = load_yaml(path or EMBEDDED, Campaign)
    if campaign.amend.library and campaign.models.reviser:
        raise PlumblineError(f"{file}: models.reviser writes principles itself, amend.library is not used; name one")
    here = file.parent
    own = {name: getattr(campaign, name) for name in ("constitution", "prompts", "shards")}
    trained = here / campaign.sae.load
    located = campaign.model_copy(
        update={
            **{name: value and _located(value, here) for name, value in own.items()},
            "models": _placed(
                campaign.models, here, "generator", "student", "reader", "narrator", "reviewer", "reviser"
            ),
            "review": _placed(campaign.review, here, "injections"),
            "amend": _placed(campaign.amend, here, "library"),
            "profile": _placed(campaign.profile, here, "texts", "phrases", "file", "autoencoder"),
            "audit": _placed(campaign.audit, here, "monitors", "labelled"),
            "sae": campaign.sae.model_copy(update={"load": str(trained.resolve())})
            if campaign.sae.load and trained.is_dir()
            else campaign.sae,
        }
    )
    return _made_ready(located)


def with_reader(campaign: Campaign, reader: str, texts: str) -> Campaign:
    """The campaign with another base reader and the labelled texts to calibrate it on; "" leaves either as it is."""
    models = campaign.models.model_copy(update={"reader": reader} if reader else {})
    profile = campaign.profile.model_copy(update={"texts": texts, "file": ""} if texts else {})
    return _made_ready(campaign.model_copy(update={"models": models, "profile": profile}))


def constitution_file(name: str) -> Path:
    """`embedded:NAME` is a shipped constitution; anything else is a path."""
    return CONSTITUTIONS / f"{name.removeprefix('embedded:')}.yaml" if name.startswith("embedded:") else Path(name)


def model_folder(name: str) -> Path:
    """`organism:NAME` is a shipped model, `ready:NAME` one in the Hugging Face cache; anything else a folder.

    Raises PlumblineError where there is none.
    """
    if name.startswith("ready:"):
        at = name.partition("@")[2]
        return model_folder(at) if at else cached(name)
    folder = WEIGHTS / name.removeprefix("organism:") if name.startswith("organism:") else Path(name)
    if not (folder / "config.json").is_file():
        raise PlumblineError(f"{folder}: no config.json here; name a saved model's folder, or organism:generator")
    return folder


Section = TypeVar("Section", bound=Settings)


def _placed(section: Section, folder: Path, *names: str) -> Section:
    """The section with the files it names relative to `folder`; "" names none."""
    given = {name: getattr(section, name) for name in names}
    return section.model_copy(update={name: value and _located(value, folder) for name, value in given.items()})


def _made_ready(campaign: Campaign) -> Campaign:
    if not campaign.models.reader.startswith("ready:"):
        return campaign
    ready = ready_reader(campaign.models.reader)
    models = campaign.models.model_copy(update={"layer": ready.layer, "dtype": ready.dtype})
    sae = campaign.sae.model_copy(update={"load": ready.sae})
    return campaign.model_copy(update={"models": models, "sae": sae})


def _located(name: str, folder: Path) -> str:
    if name.startswith("ready:") and "@" in name:
        ready, _, at = name.partition("@")
        return f"{ready}@{(folder / at).resolve()}"
    here = not name.startswith(("embedded:", "organism:", "endpoint:", "ready:")) and "://" not in name
    return str((folder / name).resolve()) if here else name
