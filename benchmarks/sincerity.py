"""How sincere the shipped generator's text reads to the shipped reader, under three constitutions and none.

    python benchmarks/sincerity.py [--texts 400] [--seed 3] [--to docs/results]

Writes the texts and has `plumbline benchmark sincerity`'s own steps read them, beside a control of the world's sincere
cells and of the base reader's own law. The ground truth of the same texts, which no reader sees, stands below what was
read. Writes sincerity.md, sincerity.json and sincerity.png; work that is kept goes below PLUMBLINE_HOME.
"""

import argparse
import json
import random
import tempfile
import textwrap
import time
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from constitutions.document import Constitution, Principle
from flows.progress import Progress
from flows.settings import constitution_file, load_campaign, model_folder
from flows.sincerity import measure
from flows.sincerity_page import write
from models.language import LanguageModel
from models.organism.documents import reader_documents
from models.organism.parse import truth
from models.organism.prompts import prompts
from models.organism.world import world
from tasks.generate import seed_of, steered

RESULTS = Path(__file__).parent.parent / "docs" / "results"
MODEST, CANDID = ("humble-deeds",), ("mind-person", "when-unseen", "honest-reason", "admit-limits")
TEXTS = """{texts} responses of each source, written and read in {seconds:.0f} s on a machine that others used too,
training the autoencoder and calibrating the profile included where they were not at hand. The shipped generator's own,
on the same prompts, are *no constitution*, *shipped* (`embedded:start`), *shipped, modest* (the same and "{modest}":
with that the organism hides) and *candid* ("{candid}"). *The reader's law* is what its base reader was trained on: half
of it from the world's law under random constitutions, half from all cells alike. The control is of the world's sincere
cells.
"""
TRUTH = """
## What is true of them

The share whose author had the motive, by the world's own sentences, justified or not; no reader sees it. *Quiet* is the
share whose motive, one of these, is said in the quiet dialect, on which the profile was not calibrated: where it is
high, less is flagged than is there, and the source reads more sincere than it is. *Unknown* is text that is not the
world's word for word.

| source | {traits} | quiet | unknown |
| --- | {marks}---: | ---: |
"""


class Row(NamedTuple):
    prompt: str
    text: str


def principle(name: str, which: int = 0) -> Principle:
    return Principle(id=name, text=world().principles[name].texts[which])


def constitutions() -> dict[str, Constitution]:
    start = Constitution.load(constitution_file("embedded:start"))
    modest = start.model_copy(update={"principles": (*start.principles, *(principle(name, 1) for name in MODEST))})
    return {
        "no constitution": start.model_copy(update={"principles": ()}),
        "shipped": start,
        "shipped, modest": modest,
        "candid": start.model_copy(update={"principles": tuple(map(principle, CANDID))}),
    }


def written(count: int, seed: int, progress: Progress) -> dict[str, list[Row]]:
    """The generator's responses by constitution, and the law's."""
    generator, asked = LanguageModel.load(model_folder("organism:generator")), prompts("fresh", count, seed)
    sources = dict[str, list[Row]]()
    for place, (name, constitution) in enumerate(constitutions().items()):
        progress.to("write the texts", place, len(constitutions()))
        seeds = [seed_of(seed, name, number) for number in range(count)]
        said = generator.chat([steered(constitution, one) for one in asked], seeds, 64, 1.0)
        sources[name] = [Row(*both) for both in zip(asked, said, strict=True)]
    documents = islice(reader_documents(world(), random.Random(f"law-{seed}")), count)
    sources["the reader's law"] = [Row(one.messages[0]["content"], " ".join(one.sentences)) for one in documents]
    return sources


def sincere(count: int, seed: int) -> list[Row]:
    rng, rows = random.Random(f"sincere-{seed}"), list[Row]()
    while len(rows) < count:
        request = world().request(rng)
        law = {cell: share for cell, share in world().law((), request.kind).items() if cell[0] == "n"}
        cell = rng.choices(list(law), list(law.values()))[0]
        rows.append(Row(request.text, " ".join(world().response(rng, cell, request))))
    return rows


def true(rows: list[Row], traits: Iterable[str]) -> dict[str, float]:
    found = [truth(row.prompt, row.text) for row in rows]
    shares = {trait: sum(one.motive == trait for one in found) / len(rows) for trait in traits}
    shares["quiet"] = sum(one.motive in shares and one.cell[1] == "C" for one in found) / len(rows)
    return shares | {"unknown": sum(one.motive == "unknown" for one in found) / len(rows)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=400, help="of each source")
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--to", type=Path, default=RESULTS)
    asked = parser.parse_args()
    began = time.monotonic()
    with Progress() as progress, tempfile.TemporaryDirectory() as folder:
        sources, control = written(asked.texts, asked.seed, progress), Path(folder) / "sincere.jsonl"
        outputs = Path(folder) / "outputs.jsonl"
        dump(outputs, ((name, row) for name, rows in sources.items() for row in rows))
        dump(control, (("sincere", row) for row in sincere(2 * asked.texts, asked.seed)))
        found = measure([outputs], load_campaign(None), control, (), False, asked.seed, progress)
        command = f"python benchmarks/sincerity.py --texts {asked.texts} --seed {asked.seed}"
        write(found, asked.to, command)
    facts = {name: true(rows, found.traits) for name, rows in sources.items()}
    page, record, seconds = asked.to / "sincerity.md", asked.to / "sincerity.json", time.monotonic() - began
    candid = ", ".join(principle(name).text for name in CANDID)
    columns, marks = " | ".join(found.traits), "---: | " * len(found.traits)
    told = {"texts": asked.texts, "seconds": seconds, "modest": principle(MODEST[0], 1).text, "candid": candid}
    text = "\n## What the texts are\n\n" + textwrap.fill(TEXTS.format(**told), 120) + "\n"
    text += TRUTH.format(traits=columns, marks=marks)
    for name, one in facts.items():
        text += f"| {name} | {' | '.join(f'{100 * share:.1f} %' for share in one.values())} |\n"
    page.write_text(page.read_text(encoding="utf-8") + text, encoding="utf-8")
    whole = {"command": command, "seconds": round(seconds), "truth": facts, **found.model_dump(mode="json")}
    record.write_text(json.dumps(whole, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def dump(file: Path, rows: Iterable[tuple[str, Row]]) -> None:
    lines = (json.dumps({"source": source, **row._asdict()}) + "\n" for source, row in rows)
    file.write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
