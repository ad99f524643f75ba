"""What OpenLineage events say about data: files, tables of the warehouse and documents, each with its facets.

Reads: the shards and files it is asked about. Writes: nothing. Must not know: who tells of them, or what is in a text.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.parquet as pq
from openlineage.client.event_v2 import InputDataset, OutputDataset
from openlineage.client.facet_v2 import (
    DatasetFacet,
    InputDatasetFacet,
    OutputDatasetFacet,
    data_quality_assertions_dataset,
    dataset_version_dataset,
    datasource_dataset,
    documentation_dataset,
    output_statistics_output_dataset,
    schema_dataset,
)

from tasks.shard import Rows, Shard
from warehouse.hashing import file_hash, short
from warehouse.store import Store

DOCUMENTS = "urn:plumbline"
"""The namespace of what is known by its hash alone: constitutions, models, detectors."""
KINDS = {"model": "generator", "constitutions": "constitution", "references": "constitution"}
"""What an input of a step is, where its name does not say so."""


class Data(NamedTuple):
    """A dataset by OpenLineage's naming; `uri` is where it lies, `version` its content's hash; None is not known.
    `rows` and `size` (bytes) count what was written, `assertions` are what was expected of it when it was read."""

    namespace: str
    name: str
    uri: str
    version: str | None = None
    columns: pa.Schema | None = None
    rows: int | None = None
    size: int | None = None
    told: str = ""
    assertions: tuple[data_quality_assertions_dataset.Assertion, ...] = ()

    def read(self) -> InputDataset:
        checks: dict[str, InputDatasetFacet] = {}
        if self.assertions:
            known = data_quality_assertions_dataset.DataQualityAssertionsDatasetFacet(list(self.assertions))
            checks["dataQualityAssertions"] = known
        return InputDataset(self.namespace, self.name, facets=self._facets(), inputFacets=checks)

    def written(self) -> OutputDataset:
        counts: dict[str, OutputDatasetFacet] = {}
        if self.rows is not None or self.size is not None:
            counted = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(self.rows, self.size)
            counts["outputStatistics"] = counted
        return OutputDataset(self.namespace, self.name, facets=self._facets(), outputFacets=counts)

    def _facets(self) -> dict[str, DatasetFacet]:
        facets: dict[str, DatasetFacet] = {
            "dataSource": datasource_dataset.DatasourceDatasetFacet(name=self.namespace, uri=self.uri)
        }
        if self.version:
            facets["version"] = dataset_version_dataset.DatasetVersionDatasetFacet(self.version)
        if self.columns is not None:
            fields = [schema_dataset.SchemaDatasetFacetFields(one.name, str(one.type)) for one in self.columns]
            facets["schema"] = schema_dataset.SchemaDatasetFacet(fields)
        if self.told:
            facets["documentation"] = documentation_dataset.DocumentationDatasetFacet(self.told)
        return facets


def of_shard(shard: Shard, table: str) -> Data:
    """One table of a finished shard."""
    data = shard.place.read(shard.name(table))
    place = _located(f"{shard.place.url.rstrip('/')}/{shard.name(table)}")
    known = place._replace(version=hashlib.sha256(data).hexdigest(), size=len(data), told=f"{table} of {shard.label}")
    return _parquet(known, pa.BufferReader(data))


def of_file(path: Path, told: str = "") -> Data:
    """One file on this machine, with its columns and rows where it is Parquet."""
    place = _located(str(path.resolve()))
    known = place._replace(version=file_hash(path), size=path.stat().st_size, told=told)
    return _parquet(known, path) if path.suffix == ".parquet" else known


def of_table(store: Store, table: str, rows: int | None = None, columns: pa.Schema | None = None) -> Data:
    """A table of the warehouse; `rows` are those that are new. It only grows, so it has no version of its own."""
    place = _located(str(store.path))
    return Data(f"file://{place.name}", table, place.uri, None, columns, rows, told="a table of the warehouse")


def of_document(kind: str, digest: str, told: str = "") -> Data:
    """What is known by its hash: a constitution, a model, a detector."""
    name = f"{kind}/{short(digest)}"
    return Data(DOCUMENTS, name, f"{DOCUMENTS}:{name}", digest, told=told)


def of_inputs(inputs: dict[str, Any]) -> list[Data]:
    """What a run reads of what it is given: data, rows of shards, and whatever has a hash to be known by."""
    found = [data for name, given in inputs.items() for data in _given(KINDS.get(name, name), given)]
    return list({(data.namespace, data.name): data for data in found}.values())


def _given(kind: str, given: Any) -> Iterator[Data]:
    if isinstance(given, Data):
        yield given
    elif isinstance(given, Rows):
        yield of_shard(given.shard, given.table)
    elif isinstance(digest := getattr(given, "hash", None), str):
        yield of_document(kind, digest, _called(given))
    elif isinstance(given, list | tuple):
        for one in given:
            yield from _given(kind, one)


def expected(outcomes: pa.Table) -> tuple[data_quality_assertions_dataset.Assertion, ...]:
    """What Great Expectations found, an assertion each; `outcomes` as `tasks.validate.OUTCOMES`."""
    return tuple(
        data_quality_assertions_dataset.Assertion(
            row["expectation"], not row["failed"], column=None, actual=f"{row['failed']} rows fail, by {row['column']}"
        )
        for row in outcomes.to_pylist()
    )


def _called(document: Any) -> str:
    """A constitution's name, version and amendment; the others' names are in the warehouse."""
    if not hasattr(document, "amendment"):
        return ""
    return f"{document.name} v{document.version}" + (f": {document.amendment}" if document.amendment else "")


def _located(url: str) -> Data:
    """By the specification's naming: `file` and the path, or the store's URL and the path in it."""
    parts = urlsplit(url)
    if not parts.scheme:
        return Data("file", url, Path(url).as_uri())
    return Data(f"{parts.scheme}://{parts.netloc}", parts.path.lstrip("/") or "/", url)


def _parquet(place: Data, file: Path | pa.BufferReader) -> Data:
    with pq.ParquetFile(file) as opened:
        return place._replace(columns=opened.schema_arrow, rows=opened.metadata.num_rows)
