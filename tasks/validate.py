"""Checks every pair of a shard before anything is read into it, and sets aside what fails.

Reads a PAIRS table. Writes Data Docs under the folder it is given. Must not know: models, readings, and what the sealed
list holds (only keyed hashes of it come here).
"""

import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd
import pyarrow as pa

from tasks.shard import shard_task
from warehouse.hashing import canonical, content_hash, keyed_hash
from warehouse.shapes import QUARANTINE

if TYPE_CHECKING:
    from tasks.expectations import Failure

OUTCOMES = pa.schema([("expectation", pa.string()), ("column", pa.string()), ("failed", pa.int64())])
ROLES = ("system", "user", "assistant")


class Limits(NamedTuple):
    """The longest turn in characters, and the most turns in a prompt with its answer."""

    turn_characters: int = 32_768
    turns: int = 64


LIMITS = Limits()


class Validated(NamedTuple):
    """`valid` (PAIRS) and `quarantined` (QUARANTINE) hold every row between them, each in the order they came.

    `outcomes` (OUTCOMES) says of each expectation how many rows fail it; a row can fail several. `seen` is the input's
    with the contents of `valid` added; `docs` is the site's index page, None without a site.
    """

    valid: pa.Table
    quarantined: pa.Table
    outcomes: pa.Table
    seen: frozenset[str]
    docs: Path | None


def contents(pairs: pa.Table) -> list[str]:
    """A hash for each row over prompt, chosen and rejected alone: two rows that share it are duplicates."""
    columns = (pairs[name].to_pylist() for name in ("prompt", "chosen", "rejected"))
    return [content_hash(row) for row in zip(*columns, strict=True)]


def validate(
    pairs: pa.Table,
    seen: frozenset[str],
    sealed: frozenset[str],
    key: bytes,
    docs: Path | None,
    limits: Limits = LIMITS,
) -> Validated:
    """Runs every expectation over every row; a row that fails any is quarantined once, under the first it fails.

    `seen` holds the `contents` of earlier shards, so that of duplicates the first one wins. `sealed` holds
    `keyed_hash(key, canonical(prompt))` of prompts that must not be used. `docs` may be the same folder for many
    shards: its index lists them all.
    """
    if not pairs.num_rows:
        return Validated(pairs, QUARANTINE.empty_table(), OUTCOMES.empty_table(), seen, None)
    from tasks.expectations import examine, expectations

    rows, known = pairs.to_pylist(), contents(pairs)
    frame = _frame(rows, known, seen, sealed, key)
    expected = expectations(limits.turn_characters, limits.turns)
    failures = examine(frame, expected, _label(rows[0]), docs)
    quarantined = [_set_aside(rows[number], failures[number]) for number in sorted(failures)]
    failed = Counter(failure.expectation for found in failures.values() for failure in found)
    outcomes = [{"expectation": name, "column": one.column, "failed": failed[name]} for name, one in expected.items()]
    return Validated(
        pairs.filter(pa.array([number not in failures for number in range(len(rows))])),
        pa.Table.from_pylist(quarantined, schema=QUARANTINE),
        pa.Table.from_pylist(outcomes, schema=OUTCOMES),
        seen.union(content for number, content in enumerate(known) if number not in failures),
        docs / "index.html" if docs else None,
    )


def _frame(
    pairs: list[dict[str, Any]], known: list[str], seen: frozenset[str], sealed: frozenset[str], key: bytes
) -> pd.DataFrame:
    """What the expectations are about, one row a pair: ids, roles, lengths and comparisons, but no text."""
    rows = []
    earlier = set(seen)
    for number, (pair, content) in enumerate(zip(pairs, known, strict=True)):
        answers = [" ".join(turn["content"] for turn in pair[side]).strip() for side in ("chosen", "rejected")]
        turns = [turn for side in ("prompt", "chosen", "rejected") for turn in pair[side]]
        rows.append(
            {
                "row": number,
                "pair_id": pair["pair_id"],
                "prompt_roles": _roles(pair["prompt"]),
                "chosen_roles": _roles(pair["chosen"]),
                "rejected_roles": _roles(pair["rejected"]),
                "chosen_characters": len(answers[0]),
                "rejected_characters": len(answers[1]),
                "answers_are_equal": answers[0] == answers[1],
                "shortest_prompt_turn": min((len(turn["content"].strip()) for turn in pair["prompt"]), default=0),
                "longest_turn": max((len(turn["content"]) for turn in turns), default=0),
                "turns": len(pair["prompt"]) + max(len(pair["chosen"]), len(pair["rejected"])),
                "prompt_is_sealed": keyed_hash(key, canonical(pair["prompt"]).decode()) in sealed,
                "is_duplicate": content in earlier,
            }
        )
        earlier.add(content)
    return pd.DataFrame(rows)


def _roles(turns: list[dict[str, str]]) -> str:
    # An unknown role keeps its quotes, so that none that holds a space can pass for two known ones.
    return " ".join(turn["role"] if turn["role"] in ROLES else repr(turn["role"]) for turn in turns)


def _label(first: dict[str, Any]) -> str:
    """Names the shard on its page: campaign, round and attempt, or the file it came from."""
    if first["source"]:
        name = first["source"].rpartition(":")[0]
    else:
        name = f"{first['campaign']}-r{first['round']}-a{first['attempt']}"
    return re.sub(r"[^\w.-]+", "-", name)


def _set_aside(pair: dict[str, Any], failures: list["Failure"]) -> dict[str, Any]:
    kept = {name: pair[name] for name in ("pair_id", "campaign", "round", "attempt", "position", "source")}
    return kept | {
        "expectation": failures[0].expectation,
        "detail": "; ".join(failure.detail for failure in failures),
        "row": canonical(pair).decode(),
    }


validate_shard = shard_task("validate", validate, "valid", "quarantined", "outcomes")
