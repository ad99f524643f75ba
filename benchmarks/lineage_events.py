"""What OpenLineage events cost: seconds spent on them in one round of the shipped campaign, of the round's seconds.

    python benchmarks/lineage_events.py [--pairs 400] [--shard 200] [--json FILE]

The round runs once, as a flow, with the file transport; the clock runs inside whatever makes or writes an event, the
shards that are read again for it included. So one loaded machine slows both alike.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flows.prefect_setup import prepare

LITTLE = {"sae": {"samples": 40_960}, "profile": {"texts_per_cell": 20}}
"""An instrument of full size, fitted in little: what it has learned changes no time and no size."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--pairs", type=int, default=400)
    parser.add_argument("--shard", type=int, default=200)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["PLUMBLINE_HOME"] = folder
        prepare(Path(folder))
        found = measure(options.pairs, options.shard)
    found |= {"command": f"python benchmarks/lineage_events.py {' '.join(sys.argv[1:])}".strip()}
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")
    print(json.dumps(found, indent=2))


def measure(pairs: int, shard: int) -> dict[str, Any]:
    """Seconds of the round, seconds in events, how many there were and their bytes."""
    from flows import events
    from flows.campaign import at_work
    from flows.progress import Progress
    from flows.round import round_flow
    from flows.settings import Campaign

    spent, depth = [0.0], [0]

    def timed(work: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            depth[0] += 1
            start = time.perf_counter()
            try:
                return work(*given, **named)
            finally:
                depth[0] -= 1
                spent[0] += (time.perf_counter() - start) * (not depth[0])

        return call

    for kind, names in ((events.Told, ("__init__", "__exit__", "wrote")), (events.Events, ("entered",))):
        for name in names:
            setattr(kind, name, timed(getattr(kind, name)))
    settings = {"name": "events", "mode": "filter", "rounds": 1, "pairs": pairs, "shard": shard, **LITTLE}
    with at_work(Campaign.model_validate(settings), Progress(quiet=True)) as shop:
        spent[0], start, file = 0.0, time.perf_counter(), shop.folder / events.FILE
        before = file.stat().st_size
        round_flow(shop.settings.name, 1, shop, shop.constitution, set(), 0)
        whole = time.perf_counter() - start
        written = file.read_bytes()[before:]
    return {
        "pairs": pairs,
        "shard": shard,
        "seconds": round(whole, 2),
        "seconds_in_events": round(spent[0], 3),
        "share": round(spent[0] / whole, 4),
        "events": written.count(b"\n"),
        "bytes": len(written),
    }


if __name__ == "__main__":
    main()
