"""The card of a trained model: what it descends from, link by link, and how it was trained.

Reads: the campaign's record, where it is at hand. Writes: `README.md` in the model's folder. Must not know: how a model
is trained.
"""

from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
import yaml
from pydantic import ValidationError

from flows.named_dataset import Published
from models.truesight import Profile
from warehouse.chain import head
from warehouse.errors import PlumblineError
from warehouse.files import write_whole

TEMPLATE = Path(__file__).with_name("model_card.jinja")


class Behind(NamedTuple):
    """What the record knows of a dataset's rows; empty where it is not at hand."""

    head: str = ""
    versions: dict[str, tuple[int, str]] = {}
    cautions: tuple[str, ...] = ()


def write_card(folder: Path, given: Published, rows: list[dict[str, Any]], facts: dict[str, Any]) -> None:
    """`rows` are those trained on; `facts` is what the folder's JSON says."""
    profiles, saes = (sorted({row[name] for row in rows} - {""}) for name in ("profile", "sae"))
    behind = _behind(given, profiles)
    written = Counter(row["constitution"] for row in rows)
    constitutions = [
        {"hash": digest, "version": version, "amendment": amendment or "the first one", "pairs": count}
        for digest, count in sorted(written.items())
        for version, amendment in [behind.versions.get(digest, ("?", "not on record here"))]
    ]
    header = {"base_model": facts["based_on"], "library_name": "transformers", "pipeline_tag": "text-generation",
              "tags": ["trl", "dpo", "plumbline"]}  # fmt: skip
    template = jinja2.Template(
        TEMPLATE.read_text(encoding="utf-8"), undefined=jinja2.StrictUndefined, keep_trailing_newline=True
    )
    page = template.render(
        header=yaml.safe_dump(header, sort_keys=False),
        facts=facts,
        dataset=given.name,
        rows=len(given.rows),
        head=behind.head,
        profiles=profiles,
        saes=saes,
        cautions=behind.cautions,
        constitutions=constitutions,
    )
    write_whole(folder / "README.md", page.encode())


def _behind(given: Published, profiles: list[str]) -> Behind:
    try:
        record = given.record()
    except PlumblineError:
        return Behind()
    with record as store:
        known = store.query("SELECT hash, version, amendment FROM constitutions").to_pylist()
        metas = {row["hash"]: row["meta"] for row in store.query("SELECT hash, meta FROM artifacts").to_pylist()}
        cautions = [caution for one in profiles for caution in _cautions(metas.get(one, ""))]
        versions = {row["hash"]: (row["version"], row["amendment"]) for row in known}
        return Behind(head(store, given.campaign.name), versions, tuple(cautions))


def _cautions(meta: str) -> tuple[str, ...]:
    """Those of a sparse profile; the other kinds of detector have none."""
    try:
        return Profile.model_validate_json(meta).cautions
    except ValidationError:
        return ()
