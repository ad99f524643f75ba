"""DuckDB records, lineage and ledgers: neutral ground. Must not know anything above it."""
