"""Tables of a made-up round, shaped as in `warehouse.shapes`, for tests that need rows and no models."""

from typing import NamedTuple

import pyarrow as pa

from warehouse.hashing import pair_id
from warehouse.shapes import DECISIONS, MESSAGES, PAIRS, READINGS, VERDICTS

TRAITS = ("performative", "sycophantic", "deceptive", "self-preserving", "resource-seeking")
DECIDED = ("kept", "kept", "kept", "dropped", "held")


class Tables(NamedTuple):
    pairs: pa.Table
    readings: pa.Table
    verdicts: pa.Table
    decisions: pa.Table


def tables(n: int, campaign: str = "demo", round: int = 0, constitution: str = "c" * 64) -> Tables:
    """`n` pairs. Position i is flagged where i % 5 > 1, and then justified, unjustified and unsure in turn."""
    ids, prompts, chosen, rejected = [], [], [], []
    for i in range(n):
        prompt = [{"role": "user", "content": f"please help me with matter {i}"}]
        good = [{"role": "assistant", "content": f"I looked into matter {i} and here is what I found."}]
        bad = [{"role": "assistant", "content": f"What a brilliant matter {i}! You are always right."}]
        ids.append(pair_id(prompt, good, bad, [campaign, round, i, 0]))
        prompts.append(prompt)
        chosen.append(good)
        rejected.append(bad)
    pairs = pa.table(
        {
            "pair_id": ids,
            "campaign": [campaign] * n,
            "round": [round] * n,
            "position": list(range(n)),
            "attempt": [0] * n,
            "prompt_id": [f"{i:016x}" for i in range(n)],
            "prompt": pa.array(prompts, MESSAGES),
            "chosen": pa.array(chosen, MESSAGES),
            "rejected": pa.array(rejected, MESSAGES),
            "constitution": [constitution] * n,
            "generator": ["9" * 64] * n,
            "sampling": ['{"temperature":1.0}'] * n,
            "seed_chosen": [2 * i for i in range(n)],
            "seed_rejected": [2 * i + 1 for i in range(n)],
            "prompt_hash": ["1" * 64] * n,
            "source": [""] * n,
            "source_id": [""] * n,
        }
    ).cast(PAIRS)
    rows = [(i, side, trait) for i in range(n) for side in ("chosen", "rejected") for trait in TRAITS]
    flags = [side == "chosen" and trait == TRAITS[i % 5] and i % 5 > 1 for i, side, trait in rows]
    readings = pa.table(
        {
            "pair_id": [ids[i] for i, _, _ in rows],
            "side": [side for _, side, _ in rows],
            "trait": [trait for _, _, trait in rows],
            "reading": [2.5 if flag else -1.0 for flag in flags],
            "threshold": [1.5] * len(rows),
            "flagged": flags,
            "tokens": ['[["matter",0.7]]'] * len(rows),
            "latents": ["[[3,0.5,0.7]]"] * len(rows),
            "reconstruction": [0.1] * len(rows),
            "vocabulary": [0.0] * len(rows),
            "abstained": [""] * len(rows),
            "profile": ["a" * 64] * len(rows),
            "sae": ["b" * 64] * len(rows),
        }
    ).cast(READINGS)
    reviewed = [i for i in range(n) if i % 5 > 1]
    verdicts = pa.table(
        {
            "pair_id": [ids[i] for i in reviewed],
            "verdict": [("justified", "unjustified", "unsure")[i % 5 - 2] for i in reviewed],
            "reason": ["because of the request"] * len(reviewed),
            "traits": [f'["{TRAITS[i % 5]}"]' for i in reviewed],
            "reviewer": ["e" * 64] * len(reviewed),
            "prompt_hash": ["2" * 64] * len(reviewed),
            "raw": ["raw"] * len(reviewed),
        }
    ).cast(VERDICTS)
    decisions = pa.table(
        {
            "pair_id": ids,
            "decision": [DECIDED[i % 5] for i in range(n)],
            "reason": ["" if i % 5 < 2 else "flagged" for i in range(n)],
        }
    ).cast(DECISIONS)
    return Tables(pairs, readings, verdicts, decisions)
