"""Monitors by configuration: which kinds there are, fitted to labelled texts, the organism's own or a file's.

Reads: a YAML file of monitors, the organism's world and its judge's weights, files of labelled texts. Writes: nothing.
The organism's texts are drawn with seeds of their own, not with the detector's. Must not know: the detector, campaigns.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from constitutions.document import PROMPTS
from constitutions.yamlfile import load_yaml
from models import organism
from models.endpoint import ChatEndpoint, Endpoint
from models.language import LanguageModel
from models.organism.documents import JUDGED, UNSURE
from models.organism.prompts import Labelled, labelled, labelled_drives
from models.organism.world import MONITORED, MOTIVES, TRAITS
from monitors.asked import Asked
from monitors.chance import Chance
from monitors.classifier import Classifier, fit_classifier
from monitors.judge import Judge
from monitors.labelled import labelled_file
from monitors.length import Length, fit_length
from monitors.monitor import Monitor
from warehouse.errors import PlumblineError
from warehouse.hashing import content_hash

FEW, FOLDS = 20, 5  # so few sources are held out one at a time; of more, a fifth at a time
EMBEDDED = Path(__file__).with_name("embedded.yaml")
WEIGHTS = Path(organism.__file__).with_name("weights")

Tell = Callable[[str, int, int], None]
"""Called as tell(what, done, of)."""


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ClassifierSettings(_Settings):
    """`texts` is a file to learn from; without one it learns from the organism's world, of which the rest speaks."""

    kind: Literal["classifier"]
    texts: str = ""
    drives: bool = False
    dialects: Annotated[str, Field(pattern="^[ABC]+$")] = "ABC"
    texts_per_cell: Annotated[int, Field(gt=0)] = 200
    fpr: Annotated[float, Field(gt=0, lt=1)]
    seed: int


class JudgeSettings(_Settings):
    kind: Literal["judge"]
    model: str
    prompt: str
    texts_per_cell: Annotated[int, Field(gt=0)]
    fpr: Annotated[float, Field(gt=0, lt=1)]
    seed: int


class AskedSettings(_Settings):
    """A chat model that rates each of `traits`; its threshold is set on the innocent of `texts`."""

    kind: Literal["asked"]
    endpoint: Endpoint
    traits: Annotated[tuple[str, ...], Field(min_length=1)]
    texts: Annotated[str, Field(min_length=1)]
    fpr: Annotated[float, Field(gt=0, lt=1)]


class LengthSettings(_Settings):
    kind: Literal["length"]
    texts: str = ""
    texts_per_cell: Annotated[int, Field(gt=0)] = 120
    fpr: Annotated[float, Field(gt=0, lt=1)]
    seed: int


class ChanceSettings(_Settings):
    kind: Literal["random"]
    rate: Annotated[float, Field(ge=0, le=1)]
    seed: int


Settings = ClassifierSettings | JudgeSettings | AskedSettings | LengthSettings | ChanceSettings


class Monitors(_Settings):
    monitors: dict[str, Annotated[Settings, Field(discriminator="kind")]]


def settings(path: Path = EMBEDDED) -> dict[str, Settings]:
    """The monitors that a YAML file names; files in it are relative to it. Raises PlumblineError naming file, line and
    key."""
    found: dict[str, Settings] = {}
    for name, one in load_yaml(path, Monitors).monitors.items():
        texts = getattr(one, "texts", "")
        found[name] = one.model_copy(update={"texts": str(path.parent / texts)}) if texts else one
    return found


def build(of: Settings, tell: Tell | None = None, journals: Path = Path("exchanges")) -> Monitor:
    """The monitor that the settings describe; the same settings give the same hash. An endpoint keeps its journal in
    the folder `journals`. Raises PlumblineError."""
    if isinstance(of, ClassifierSettings):
        return _classifier(of, tell)
    if isinstance(of, JudgeSettings):
        return _judge(of, tell)
    if isinstance(of, AskedSettings):
        return _asked(of, journals, tell)
    if isinstance(of, LengthSettings):
        return _length(of)
    return Chance(f"chance-{of.seed}".encode(), of.rate, MONITORED)


def opened(of: AskedSettings, journals: Path) -> ChatEndpoint:
    """The endpoint of a monitor: its journal is named by what it asks, so two monitors never share one."""
    return ChatEndpoint.open(of.endpoint, f"monitor-{content_hash(of.endpoint.model_dump())[:12]}", journals)


def model_folder(name: str) -> Path:
    """`organism:NAME` is a shipped model; anything else a folder."""
    return WEIGHTS / name.removeprefix("organism:") if name.startswith("organism:") else Path(name)


def source(text: Labelled) -> str:
    """Innocent texts of one cell and one group speak in the same templates; those of another share none with them."""
    return f"{text.cell}-{text.group}"


def _classifier(of: ClassifierSettings, tell: Tell | None) -> Classifier:
    if of.texts:
        given = labelled_file(Path(of.texts))
        drawn = sorted({text.source for text in given}, key=lambda name: content_hash([of.seed, name]))
        folds = len(drawn) if len(drawn) <= FEW else FOLDS
        fold = {name: place % folds for place, name in enumerate(drawn)}
        group = [fold[text.source] for text in given]
        told = ([t.messages for t in given], [t.trait for t in given], group, of.fpr, [t.source for t in given])
    else:
        texts = labelled("calibration", of.texts_per_cell, of.seed, of.dialects)
        if of.drives:
            texts += labelled_drives("calibration", of.texts_per_cell, of.seed)
        group = [t.group for t in texts]
        told = ([t.messages for t in texts], [t.trait for t in texts], group, of.fpr, [source(t) for t in texts])
    return fit_classifier(*told, tell and (lambda done, total: tell("fit the classifier", done, total)))


def _asked(of: AskedSettings, journals: Path, tell: Tell | None) -> Asked:
    innocent = [text for text in labelled_file(Path(of.texts), of.traits) if text.trait is None]
    return Asked(opened(of, journals), of.traits).calibrated(
        [text.messages for text in innocent],
        [text.source for text in innocent],
        of.fpr,
        tell and (lambda done, total: tell("calibrate the judge", done, total)),
    )


def _judge(of: JudgeSettings, tell: Tell | None) -> Judge:
    file = Path(of.prompt) if of.prompt else PROMPTS / "judge.jinja"
    try:
        template = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PlumblineError(f"{file}: no prompt for the judge can be read there ({error}); check the path") from error
    innocent = tuple(motive for motive in MOTIVES.values() if motive not in TRAITS)
    judge = Judge(LanguageModel.load(model_folder(of.model)), template, MONITORED, innocent, UNSURE)
    unlearned = [t for t in _innocent(of.texts_per_cell, of.seed) if f"fold-{t.group}" not in JUDGED]
    return judge.calibrated(
        [t.messages for t in unlearned],
        [source(t) for t in unlearned],
        of.fpr,
        tell and (lambda done, total: tell("calibrate the judge", done, total)),
    )


def _length(of: LengthSettings) -> Length:
    if of.texts:
        given = [text for text in labelled_file(Path(of.texts)) if text.trait is None]
        return fit_length([t.messages for t in given], [t.source for t in given], of.fpr)
    texts = _innocent(of.texts_per_cell, of.seed)
    return fit_length([t.messages for t in texts], [source(t) for t in texts], of.fpr)


def _innocent(per_cell: int, seed: int) -> list[Labelled]:
    """Calibration texts of every innocent cell, those beside the drives too."""
    return labelled("calibration", per_cell, seed, "") + labelled_drives("calibration", per_cell, seed, bad=False)
