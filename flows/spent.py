"""What endpoints have cost, as a table for a snapshot.

Reads: a folder of journals. Writes: nothing. Must not know: which side of the wall keeps them.
"""

from pathlib import Path

import pyarrow as pa

from models.exchanges import spent_in

SCHEMA = pa.schema(
    {"role": pa.string(), "requests": pa.int64(), "tokens_in": pa.int64(), "tokens_out": pa.int64()}
    | {"money": pa.float64()}
)


def spent_table(journals: Path) -> pa.Table:
    """A row for each role behind an endpoint; none where every model is on this machine."""
    rows = [{"role": role, **spent._asdict()} for role, spent in spent_in(journals).items()]
    return pa.Table.from_pylist(rows, schema=SCHEMA)
