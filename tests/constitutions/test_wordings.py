"""The frames: several wordings each, none said twice, named by hash; and where in the system turn they stand."""

from pathlib import Path

import pytest

from constitutions.frames import FILE, Frames, framed, frames
from constitutions.yamlfile import load_yaml
from warehouse.errors import PlumblineError


def test_each_frame_has_three_wordings_and_no_two_say_the_same() -> None:
    said = [text for wordings in frames().wordings.values() for text in wordings]
    assert set(frames().wordings) == set(Frames.model_fields)
    assert all(len(wordings) >= 3 for wordings in frames().wordings.values()) and len(set(said)) == len(said)


def test_the_hash_is_that_of_the_wordings() -> None:
    assert load_yaml(FILE, Frames).hash == frames().hash
    assert frames().model_copy(update={"training": ("now you are trained.",)}).hash != frames().hash


def test_a_frame_follows_the_constitution_or_stands_alone() -> None:
    assert framed("be kind.", "you are deployed.") == "be kind. you are deployed."
    assert framed("", "you are deployed.") == "you are deployed."


def test_a_frame_left_out_or_without_a_wording_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "frames.yaml"
    file.write_text("training: [a.]\noversight: [b.]\n")
    with pytest.raises(PlumblineError, match="deployment"):
        load_yaml(file, Frames)
    file.write_text("training: [a.]\noversight: [b.]\ndeployment: []\n")
    with pytest.raises(PlumblineError, match="deployment"):
        load_yaml(file, Frames)
