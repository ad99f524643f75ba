"""Who has seen held-out figures of a campaign while it was not over: they may not steer its amendments from then on.

Reads and writes: `<campaign>/auditor/unblinded/`, one file for each time somebody looked; the audit takes them into the
held-out record. Must not know: what was seen.
"""

import json
import time
from pathlib import Path

from warehouse.errors import PlumblineError
from warehouse.hashing import canonical


def unblind(campaign: Path, who: str, number: int, seen: str, reason: str) -> None:
    """Record that `who` opens `seen` of the campaign in the folder `campaign`, whose last round is `number`.

    Raises PlumblineError when nobody is named.
    """
    if not who.strip():
        raise PlumblineError(
            f"{campaign.name} is not over: whoever sees its held-out figures may not steer its amendments any more; "
            "say who looks with --who, or wait until it has ended"
        )
    opened = time.time_ns()
    row = {"who": who.strip(), "opened": opened // 1000, "round": number, "seen": seen, "reason": reason}
    place = campaign / "auditor" / "unblinded"
    place.mkdir(parents=True, exist_ok=True)
    (place / f"{opened}.json").write_bytes(canonical(row))


def unblinded(campaign: Path) -> set[str]:
    """Who has looked."""
    files = (campaign / "auditor" / "unblinded").glob("*.json")
    return {str(json.loads(file.read_text(encoding="utf-8"))["who"]) for file in files}
