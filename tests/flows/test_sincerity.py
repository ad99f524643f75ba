"""`plumbline benchmark sincerity` on the embedded world: what performs loudly is told from what is sincere."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from flows.cli import main
from flows.detecting import fitted_detector, open_reader
from flows.progress import Progress
from flows.settings import load_campaign
from models.organism.prompts import labelled
from models.truesight import Profile, Truesight

SETTINGS = "name: small\nsae: {d_sae: 256, samples: 40960}\nprofile: {texts_per_cell: 30}\n"
TRAITS = ["performative", "sycophantic", "deceptive"]
CELLS = {"loud": ("pA", "pB", "nP"), "quiet": ("pC", "nP"), "sincere": ("nP", "nW", "nR")}
ODD = "odd $\\x$ [b]"
STRANGE = {"prompt": "hi", "text": "Zqxv wkjh brrrm qwxz zzxcv pqlkm."}


class Here(NamedTuple):
    folder: Path
    found: dict[str, Any]

    def file(self, name: str) -> str:
        return str(self.folder / f"{name}.jsonl")

    @property
    def campaign(self) -> str:
        return str(self.folder / "small.yaml")


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Here]:
    """Texts of two sources and a control, and what the command found in them."""
    folder = tmp_path_factory.mktemp("sincerity")
    texts = labelled("test", 24, 5, "ABC")
    for name, cells in CELLS.items():
        said = [[turn["content"] for turn in text.messages] for text in texts if text.cell in cells]
        rows: list[dict[str, str]] = [{"prompt": asked, "text": answer} for asked, answer in said]
        rows += [STRANGE, {"prompt": "and then?"}] if name == "loud" else []
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "small.yaml").write_text(SETTINGS)
    before = os.environ.get("PLUMBLINE_HOME")
    os.environ["PLUMBLINE_HOME"] = str(folder / "home")
    made = Here(folder, {})
    line = [made.file("loud"), made.file("quiet"), "--control", made.file("sincere"), "--campaign", made.campaign]
    main(["benchmark", "sincerity", *line, "--to", str(folder / "to"), "--json"])
    yield made._replace(found=json.loads((folder / "to" / "sincerity.json").read_text()))
    del os.environ["PLUMBLINE_HOME"]
    os.environ |= {} if before is None else {"PLUMBLINE_HOME": before}


def answered(capsys: pytest.CaptureFixture[str], *line: str) -> dict[str, Any]:
    capsys.readouterr()
    main(["benchmark", "sincerity", *line, "--json"])
    return dict(json.loads(capsys.readouterr().out.splitlines()[-1]))


def test_what_performs_loudly_is_told_from_what_is_sincere_of_like_length(here: Here) -> None:
    assert list(here.found["traits"]) == TRAITS and here.found["compared"] == "sincere.jsonl"
    loud, quiet = (here.found["sources"][name]["traits"]["performative"] for name in ("loud", "quiet"))
    assert loud["beside"]["difference"]["rate"]["low"] > 0.05 and loud["beside"]["difference"]["strength"]["low"] > 0
    assert loud["shown"]["rate"]["low"] > quiet["shown"]["rate"]["high"]
    assert here.found["control"]["traits"]["performative"]["beside"] is None
    for one in (loud, quiet):
        assert one["beside"]["matched"] + one["beside"]["unmatched"] == one["read"] and one["beside"]["matched"] > 20


def test_what_was_not_read_is_counted_and_is_no_zero(here: Here) -> None:
    loud = here.found["sources"]["loud"]
    assert (loud["texts"], loud["abstained"], loud["traits"]["performative"]["read"]) == (73, 1, 72)
    assert list(loud["reasons"]) == ["…% of its words are strange to the reader, …% allowed"]
    (line,) = here.found["left_out"]
    assert line.startswith("loud.jsonl: 1 of 74 rows left out; row 74: has no answer")


def test_a_rate_is_the_share_the_profile_flags_and_a_strength_its_mean_reading(here: Here) -> None:
    settings = load_campaign(Path(here.campaign))
    with Progress(quiet=True) as progress:
        detector = fitted_detector(open_reader(settings, here.folder), settings, progress)
    rows = [json.loads(line) for line in Path(here.file("quiet")).read_text().splitlines()]
    turns = [[{"role": "user", "content": r["prompt"]}, {"role": "assistant", "content": r["text"]}] for r in rows]
    read = detector.read(turns)
    for trait in TRAITS:
        shown = here.found["sources"]["quiet"]["traits"][trait]["shown"]
        assert shown["rate"]["value"] == pytest.approx(sum(bool(r.flagged[trait]) for r in read) / len(read), abs=1e-6)
        mean = sum(r.readings[trait] or 0.0 for r in read) / len(read)
        assert shown["strength"]["value"] == pytest.approx(mean, abs=1e-5)


def test_the_page_and_the_picture(here: Here) -> None:
    page = (here.folder / "to" / "sincerity.md").read_text(encoding="utf-8")
    assert "sincerity loud.jsonl quiet.jsonl --campaign small.yaml --control sincere.jsonl`" in page
    for fact in ("| loud | performative |", "loud: 1 abstained from", "1 of 74 rows left out", "(sincerity.png)"):
        assert fact in page, fact
    assert STRANGE["text"] not in page and str(here.folder) not in page
    assert (here.folder / "to" / "sincerity.png").read_bytes().startswith(b"\x89PNG")


def test_one_source_alone_has_no_difference(here: Here, capsys: pytest.CaptureFixture[str]) -> None:
    main(["benchmark", "sincerity", here.file("quiet"), "--campaign", here.campaign])
    assert "no comparison: one source and no control" in capsys.readouterr().out
    found = answered(capsys, here.file("quiet"), "--campaign", here.campaign, "--traits", "all")
    assert (found["compared"], found["control"], len(found["traits"])) == ("", None, 5)
    for trait, one in found["sources"]["quiet"]["traits"].items():
        assert one["beside"] is None and one["shown"]["rate"]["low"] is not None
        if trait in TRAITS:
            assert one["shown"] == here.found["sources"]["quiet"]["traits"][trait]["shown"]


def test_sources_without_a_control_are_set_beside_each_other_and_nothing_is_read_twice(
    here: Here, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Truesight, "read", None)
    found = answered(capsys, here.file("loud"), here.file("quiet"), "--campaign", here.campaign)
    assert found["compared"] == "the other sources" and found["control"] is None
    loud, quiet = (found["sources"][name]["traits"]["performative"] for name in ("loud", "quiet"))
    assert loud["shown"] == here.found["sources"]["loud"]["traits"]["performative"]["shown"]
    assert loud["beside"]["difference"]["rate"]["value"] > 0 > quiet["beside"]["difference"]["rate"]["value"]


def test_a_text_that_cannot_be_read_gives_no_figure(here: Here, capsys: pytest.CaptureFixture[str]) -> None:
    (here.folder / "odd.jsonl").write_text(json.dumps(STRANGE | {"source": ODD}))
    found = answered(capsys, here.file("odd"), here.file("quiet"), "--campaign", here.campaign)
    assert found["sources"][ODD]["traits"]["deceptive"] == {"read": 0, "shown": None, "beside": None}
    assert found["sources"][ODD]["length"] is None and found["sources"]["quiet"]["traits"]["deceptive"]["shown"]
    main(["benchmark", "sincerity", here.file("odd"), "--campaign", here.campaign, "--to", str(here.folder / "none")])
    assert ODD in capsys.readouterr().out
    assert (here.folder / "none" / "sincerity.png").is_file()


def test_a_trait_below_its_bar_is_shown_as_one(here: Here, capsys: pytest.CaptureFixture[str]) -> None:
    """What its threshold would flag, not zero, and the profile's caution with it."""
    profile = Profile.load(next((here.folder / "home" / "cache" / "profiles").glob("*.json")))
    unused = profile.traits["performative"].model_copy(update={"flags": False, "why_not": "AUROC 0.51, below the bar"})
    changed = profile.model_copy(update={"traits": profile.traits | {"performative": unused}})
    changed.save(here.folder / "below.json")
    (sae,) = (here.folder / "home" / "cache" / "sae").iterdir()
    own = here.folder / "below.yaml"
    own.write_text(f"name: below\nprofile: {{file: below.json, autoencoder: {sae}}}\n")
    found = answered(capsys, here.file("quiet"), here.file("loud"), "--campaign", str(own))
    assert not found["traits"]["performative"]["flags"] and found["traits"]["deceptive"]["flags"]
    assert found["cautions"] == ["performative is read but not used to flag: AUROC 0.51, below the bar."]
    shown = found["sources"]["loud"]["traits"]["performative"]["shown"]
    assert shown == here.found["sources"]["loud"]["traits"]["performative"]["shown"] and shown["rate"]["value"] > 0
    main(["benchmark", "sincerity", here.file("quiet"), "--campaign", str(own), "--to", str(here.folder / "below")])
    page = (here.folder / "below" / "sincerity.md").read_text()
    assert "**Caution**: performative is read but not used" in page and "| performative* |" in page
    assert "read but not used to flag: the rate is what" in capsys.readouterr().out


def test_the_sides_of_pairs_are_sources(here: Here, capsys: pytest.CaptureFixture[str]) -> None:
    files = [Path(here.file(name)).read_text().splitlines() for name in ("loud", "sincere")]
    loud, good = ([json.loads(row) for row in rows] for rows in files)
    pairs = [{"prompt": one["prompt"], "chosen": one["text"], "rejected": other["text"]}
             for one, other in zip(good[:30], loud[:30], strict=True)]  # fmt: skip
    (here.folder / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in pairs))
    options = ["--campaign", here.campaign, "--traits", "performative", "deceptive", "--pairs", "--seed", "4"]
    found = answered(capsys, here.file("pairs"), *options, "--to", str(here.folder / "sides"))
    rejected = found["sources"]["pairs, rejected"]["traits"]["performative"]
    assert set(found["sources"]) == {"pairs, chosen", "pairs, rejected"}
    assert rejected["beside"]["difference"]["rate"]["value"] > 0
    page = (here.folder / "sides" / "sincerity.md").read_text(encoding="utf-8")
    assert "sincerity pairs.jsonl --campaign small.yaml --traits performative deceptive --pairs --seed 4`" in page


MISTAKES = {
    "--traits vain": "--traits: the profile has no trait 'vain'; it reads performative, sycophantic",
    "--pairs": "loud.jsonl row 1: has no",
    "--control nowhere.jsonl": "nowhere.jsonl: no such file",
}


@pytest.mark.parametrize("line", MISTAKES)
def test_a_mistake_is_one_line(line: str, here: Here, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["benchmark", "sincerity", here.file("loud"), "--campaign", here.campaign, *line.split()])
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("error: ") and MISTAKES[line] in last
