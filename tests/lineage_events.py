"""OpenLineage events as others read them: held to the published schema, with the formats it asks for."""

import json
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.protocols import Validator
from referencing import Registry, Resource

HERE = Path(__file__).parent
SCHEMAS = (*sorted((HERE / "openlineage_spec").glob("*.json")), HERE.parent / "flows" / "step_run_facet.json")
FORMATS = FormatChecker(("date-time", "uuid"))
FORMATS.checks("uri")(lambda value: not isinstance(value, str) or bool(urlsplit(value).scheme))


@cache
def registry() -> Registry[Any]:
    """Only these files: a schema that is not among them would have to be fetched, and is an error."""
    resources = (Resource.from_contents(json.loads(file.read_text())) for file in SCHEMAS)
    return Registry().with_resources([(str(resource.id()), resource) for resource in resources])


@cache
def schema(url: str) -> Validator:
    return Draft202012Validator({"$ref": url}, registry=registry(), format_checker=FORMATS)


def read_events(folder: Path) -> list[dict[str, Any]]:
    """The events in a campaign's folder, each line a whole one and valid, facets against their own schemas."""
    lines = (folder / "openlineage.jsonl").read_text(encoding="utf-8").split("\n")
    assert not lines.pop()
    events = [json.loads(line) for line in lines]
    for event in events:
        check(event)
    return events


def check(event: dict[str, Any]) -> None:
    """Raises jsonschema's ValidationError naming the first thing that is not as published."""
    schema(event["schemaURL"]).validate(event)
    holders = [(event["run"], "facets"), (event["job"], "facets")]
    for data in (*event["inputs"], *event["outputs"]):
        holders += [(data, "facets"), (data, "inputFacets"), (data, "outputFacets")]
    for holder, name in holders:
        for facet in holder.get(name, {}).values():
            schema(facet["_schemaURL"]).validate(facet)


def by_run(events: list[dict[str, Any]]) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """(job's last word, run id) → its events in order."""
    runs = defaultdict[tuple[str, str], list[dict[str, Any]]](list)
    for event in events:
        runs[event["job"]["name"].rpartition(".")[2], event["run"]["runId"]].append(event)
    return dict(runs)
