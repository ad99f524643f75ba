"""The columns of every Parquet shard that passes between the steps of a round.

Arrow columns are all nullable here, so that tables from DuckDB, pandas and Parquet compare equal; what must not be
null is said once, in the SQL migrations. Must not know: who fills the columns.
"""

import pyarrow as pa

MESSAGES = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))

PAIRS = pa.schema(
    [
        ("pair_id", pa.string()),
        ("campaign", pa.string()),
        ("round", pa.int32()),
        ("position", pa.int32()),
        ("attempt", pa.int32()),
        ("prompt_id", pa.string()),
        ("prompt", MESSAGES),
        ("chosen", MESSAGES),
        ("rejected", MESSAGES),
        ("constitution", pa.string()),
        ("generator", pa.string()),
        ("sampling", pa.string()),
        ("seed_chosen", pa.int64()),
        ("seed_rejected", pa.int64()),
        ("prompt_hash", pa.string()),
        ("source", pa.string()),
        ("source_id", pa.string()),
    ]
)
"""One preference pair a row. `position` counts 0..N-1 within the round, `attempt` 0 first and then regenerations."""

READINGS = pa.schema(
    [
        ("pair_id", pa.string()),
        ("side", pa.string()),
        ("trait", pa.string()),
        ("reading", pa.float64()),
        ("threshold", pa.float64()),
        ("flagged", pa.bool_()),
        ("tokens", pa.string()),
        ("latents", pa.string()),
        ("reconstruction", pa.float64()),
        ("vocabulary", pa.float64()),
        ("abstained", pa.string()),
        ("profile", pa.string()),
        ("sae", pa.string()),
    ]
)
"""One text × trait a row; `side` is chosen or rejected. A text that cannot be read has a null reading, never 0."""

VERDICTS = pa.schema(
    [
        ("pair_id", pa.string()),
        ("verdict", pa.string()),
        ("reason", pa.string()),
        ("traits", pa.string()),
        ("reviewer", pa.string()),
        ("prompt_hash", pa.string()),
        ("raw", pa.string()),
    ]
)
"""One reviewed pair a row: justified, unjustified or unsure."""

DECISIONS = pa.schema([("pair_id", pa.string()), ("decision", pa.string()), ("reason", pa.string())])
"""One pair a row: kept, dropped, held, abstained or quarantined."""

QUARANTINE = pa.schema(
    [
        ("pair_id", pa.string()),
        ("campaign", pa.string()),
        ("round", pa.int32()),
        ("attempt", pa.int32()),
        ("position", pa.int32()),
        ("source", pa.string()),
        ("expectation", pa.string()),
        ("detail", pa.string()),
        ("row", pa.string()),
    ]
)
"""One row that failed validation, with the expectation's name and the whole row as JSON."""
