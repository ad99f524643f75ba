"""The embedded monitors, fitted to fewer texts; and labelled texts in templates that none of them was fitted to."""

import pytest

from models.organism.prompts import Labelled, labelled, labelled_drives
from monitors.embedded import ChanceSettings, build, settings
from monitors.monitor import Monitor


@pytest.fixture(scope="session")
def embedded() -> dict[str, Monitor]:
    few = {"classifier": 64, "judge": 32, "length": 32}
    chosen = {
        name: one if isinstance(one, ChanceSettings) else one.model_copy(update={"texts_per_cell": few[one.kind]})
        for name, one in settings().items()
    }
    return {name: build(one) for name, one in chosen.items()}


@pytest.fixture(scope="session")
def unseen() -> list[Labelled]:
    return labelled("test", 8, 5, "ABC")


@pytest.fixture(scope="session")
def unseen_drives(unseen: list[Labelled]) -> list[Labelled]:
    """Texts of the drives, with the innocent ones of the law beside them."""
    return [*labelled_drives("test", 8, 5), *(text for text in unseen if text.trait is None)]
