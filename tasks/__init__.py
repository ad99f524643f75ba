"""One step of a round per file: a pure function first, a thin Prefect task last. Must not know the monitors."""
