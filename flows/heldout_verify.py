"""The held-out part of `plumbline verify`: is the seal whole, and is it the one that the campaign's record knows?

Reads: `<home>/<campaign>/heldout/` and whatever its seal covers. Writes: nothing, and it says no held-out figure: only
which part of a seal changed. Must not be imported by any flow: the command line alone does so.
"""

from pathlib import Path

import duckdb

from flows.verify import Check
from monitors.seal import broken, found
from monitors.store import open_heldout, seals
from warehouse.errors import PlumblineError
from warehouse.hashing import short


def seal_checks(folder: Path, recorded: dict[int, str]) -> list[Check]:
    """Every seal that either side knows; `recorded` is what the campaign's record has, by number.

    Only the last seal is in force: the parts of an earlier one may have been replaced since.
    Raises PlumblineError when the held-out store is missing or cannot be read.
    """
    with open_heldout(folder, read_only=True) as store:
        try:
            kept = seals(store)
        except duckdb.Error as error:
            raise PlumblineError(
                f"{store.path}: its bytes were changed, DuckDB cannot read it ({error}); go back to a copy of it"
            ) from error
    checks = list[Check]()
    for number in sorted(kept.keys() | recorded.keys()):
        what = f"seal {number}"
        if number not in kept:
            checks.append(Check(what, f"{folder}: not in the held-out store, but in the campaign's record", False))
            continue
        record = kept[number]
        in_force = number == max(kept)
        said = broken(record, found(record, folder) if in_force else record.parts)
        if recorded.get(number) != record.hash:
            known = short(recorded[number]) if number in recorded else "none"
            said.insert(0, f"the campaign's record knows {known}, the held-out store {short(record.hash)}")
        checks += [Check(what, line, False) for line in said]
        if not said:
            checks.append(Check(what, f"{len(record.parts)} parts {'as sealed' if in_force else 'on record'}"))
    return checks or [Check("seal", "the campaign was never sealed", None)]
