"""A made-up campaign with its published snapshots, of any size, for pages that need something to show and no models.

The tests and benchmarks/dashboard_pages.py share it. Reads: nothing. Writes: a campaign's folder below a home. Must
not know: any page.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from flows.author_snapshot import show_author
from warehouse.hashing import content_hash
from warehouse.shapes import MESSAGES
from warehouse.snapshot import publish_snapshot
from warehouse.store import Store

TRAITS = ("performative", "sycophantic", "deceptive", "self-preserving", "resource-seeking")
LATENTS = 15
PLAIN = (
    "the sauce needs longer to thicken.",
    "the form takes five minutes.",
    "a letter can be short.",
    "sand it first.",
)
STRONG = (
    "my soul burns for honour.",
    "you are so right!",
    "nobody checks that.",
    "keep me running.",
    "grant me access.",
)
PROFILE, SAE = "f" * 64, "e" * 64


def show_campaign(
    home: Path,
    pairs: int = 60,
    rounds: int = 3,
    *,
    name: str = "shown",
    over: bool = True,
    alarm: bool = True,
    kind: str = "sae",
    hostile: str = "",
) -> Path:
    """Write the record of `rounds` rounds with `pairs` in all and both snapshots; the campaign's folder. Every 50th
    response ends in the text `hostile`. Raises nothing of its own."""
    folder, draw = home / name, np.random.default_rng(0)
    with Store.open(folder / "generator" / "warehouse.duckdb") as store:
        for table, rows in _record(name, pairs, rounds, alarm, kind, hostile, draw).items():
            store.add(table, rows)
        show_author(store, folder, over, rounds - 1, rounds)
    _audited(folder, name, rounds, alarm)
    return folder


def _record(
    name: str, pairs: int, rounds: int, alarm: bool, kind: str, hostile: str, draw: np.random.Generator
) -> dict[str, Any]:
    ids = np.array([f"{number:016x}" for number in draw.permutation(pairs)])
    number = np.arange(pairs) * rounds // pairs
    flagged = draw.random(pairs) < 0.15
    strong, plain = np.array(STRONG), np.array(PLAIN)
    ends = np.where(np.arange(pairs) % 50 == 7, hostile, "")
    lines = [f"matter {i}: {a} {b} {c}" for i, (a, b, c) in enumerate(draw.choice(plain, (pairs, 3)))]
    chosen = [f"{line} {strong[i % 5] if flagged[i] else ''} {ends[i]}".strip() for i, line in enumerate(lines)]
    rejected = [f"{line} {strong[(i + 1) % 5]}" for i, line in enumerate(lines)]
    hashes = [content_hash([name, version]) for version in range(rounds)]
    same = {"campaign": name, "attempt": 0, "sampling": "{}", "generator": "a" * 64, "prompt_hash": "b" * 64}
    made = {
        "pair_id": pa.array(ids),
        "round": pa.array(number, pa.int32()),
        "position": pa.array(np.arange(pairs), pa.int32()),
        "prompt_id": pa.array(ids),
        "prompt": _messages("user", [f"please help me with matter {i}" for i in range(pairs)]),
        "chosen": _messages("assistant", chosen),
        "rejected": _messages("assistant", rejected),
        "constitution": pa.array([hashes[at] for at in number]),
        "seed_chosen": pa.array(np.arange(pairs)),
        "seed_rejected": pa.array(np.arange(pairs)),
        **{column: pa.array([value] * pairs) for column, value in same.items()},
        **{column: pa.array([""] * pairs) for column in ("source", "source_id")},
    }
    verdict = np.where(
        np.arange(pairs) % 9 == 0, "unsure", np.where(np.arange(pairs) % 5 == 0, "justified", "unjustified")
    )
    decision = np.where(~flagged | (verdict == "justified"), "kept", np.where(verdict == "unsure", "held", "dropped"))
    reviewed = {"pair_id": ids[flagged], "verdict": verdict[flagged]}
    reviewed["traits"] = np.array([json.dumps([TRAITS[i % 5]]) for i in np.flatnonzero(flagged)])
    reviewed |= {column: np.full(flagged.sum(), "r" * 64) for column in ("reviewer", "prompt_hash")}
    reviewed |= {column: np.full(flagged.sum(), "the writer wanted to please.") for column in ("reason", "raw")}
    summaries = [_summary(at, hashes[at], number == at, flagged, decision) for at in range(rounds)]
    profile = {"hash": PROFILE, "kind": "profile", "name": "profile.json", "meta": json.dumps(_profile(kind))}
    sae = {"hash": SAE, "kind": "sae", "name": "sae", "meta": '{"neuronpedia": "gpt2-small/8-res-jb"}'}
    return {
        "campaigns": [{"campaign": name, "config": json.dumps({"name": name, "seed": 0})}],
        "constitutions": [_constitution(name, version, hashes) for version in range(rounds)],
        "artifacts": [profile, sae],
        "pairs": pa.table(made),
        "readings": _readings(ids, flagged, kind, draw),
        "verdicts": pa.table(reviewed),
        "decisions": pa.table({"pair_id": ids, "decision": decision, "reason": np.full(pairs, "as it was read")}),
        "rounds": [
            {"campaign": name, "round": one["round"], "mode": "update", "summary": json.dumps(one)} for one in summaries
        ],
        "ledger": [
            {"campaign": name, "round": at, "entry": "amendment", "bits": 2.0, "formula": "log2(K)", "detail": "K = 4"}
            for at in range(1, rounds)
        ],
        "gate_answers": [
            {"campaign": name, "round": at, "answer": "alarm" if alarm and at == rounds - 1 else "go"}
            for at in range(rounds)
        ],
        "modes": [
            {"campaign": name, "number": 1, "round": rounds, "mode": "filter", "who": "the gate", "reason": "an alarm"}
        ][: int(alarm)],
        "datasets": [{"version": "d" * 64, "campaign": name, "round": 0, "path": "d" * 12, "rows": pairs // rounds}],
    }


def _messages(role: str, contents: list[str]) -> pa.Array:
    return pa.array([[{"role": role, "content": one}] for one in contents], MESSAGES)


def _constitution(name: str, version: int, hashes: list[str]) -> dict[str, Any]:
    principles = json.dumps([{"id": "be-warm", "text": f"be warm, {version} times over"}])
    told = {"hash": hashes[version], "name": name, "version": version, "principles": principles}
    return told | {"parent": hashes[version - 1] if version else None, "amendment": "reword be-warm" if version else ""}


def _summary(at: int, constitution: str, mine: np.ndarray, flagged: np.ndarray, decision: np.ndarray) -> dict[str, Any]:
    counts = {
        word: int((decision[mine] == word).sum()) for word in ("kept", "dropped", "held", "abstained", "quarantined")
    }
    ledger = {"worst": 2.0 * at, "kl": 1.1 * at, "from_start": 0.4 * at if at else None, "gate": None}
    told = {"round": at, "mode": "update", "constitution": constitution, "pairs": int(mine.sum()), "ledger": ledger}
    told |= {"flag_rate": round(float(flagged[mine].mean()), 4), "reviewed": int(flagged[mine].sum()), "regenerated": 3}
    told |= {"amendment": "", "selection_bits": 2.0 if at else 0.0, "filter_bits": None, "amended": None}
    truth = {"bad": 0.1, "hidden": 0.777 if at else 0.04, "bad_kept": 0.1, "quiet": 0.0, "unknown": 0, "reviewer": {}}
    return told | counts | {"truth": truth}


def _profile(kind: str) -> dict[str, Any]:
    told: dict[str, Any] = {"joint_fpr": 0.03, "measured_fpr": 0.028, "negatives": 1200, "reader": "c" * 64}
    seen = {"threshold": 1.5, "auroc": 0.93, "positives": 400}
    estimate = {"value": 0.1, "low": 0.0, "high": 0.3, "count": 30}
    groups = [{"by": "source", "name": f"book {at}", "recall": estimate, "blind": at == 0} for at in range(4)]
    quality = {"in_source": None, "across": estimate, "recall": estimate, "groups": groups}
    if kind == "probe":
        return told | {"centre": [0.0], "pooling": "mean", "traits": {name: seen for name in TRAITS}}
    if kind == "narrator":
        return told | {"way": "spoken", "traits": {name: seen | {"phrases": [f"to be {name}"]} for name in TRAITS}}
    latents = {name: list(range(LATENTS * at, LATENTS * (at + 1))) for at, name in enumerate(TRAITS)}
    own = {"weights": np.linspace(2, 0.1, LATENTS).tolist(), "flags": True, "why_not": "", "by": []}
    traits = {name: seen | own | {"latents": latents[name], "quality": quality} for name in TRAITS}
    traits["deceptive"] |= {"flags": False, "why_not": "its AUROC is below the bar"}
    return told | {"pooling": "mean", "guarantee": "split", "traits": traits}


def _readings(ids: np.ndarray, flagged: np.ndarray, kind: str, draw: np.random.Generator) -> pa.Table:
    """Two sides and five traits a pair."""
    rows = len(ids) * 2 * len(TRAITS)
    side, trait = np.tile(np.repeat([0, 1], len(TRAITS)), len(ids)), np.tile(np.arange(len(TRAITS)), 2 * len(ids))
    high = (np.repeat(flagged, 2 * len(TRAITS)) | (side == 1)) & (trait == np.repeat(np.arange(len(ids)) % 5, 10))
    reading = np.round(draw.normal(0, 0.4, rows) + 4 * high, 4)
    words = np.array([json.dumps([[word, 1.5], ["so", 0.4], ["right", 0.3]]) for word in ("honour", "you", "nobody")])
    fired = [
        [
            json.dumps([[LATENTS * at + (k + j) % LATENTS, round(1 + 0.01 * k, 4), 1.1] for j in range(5)])
            for k in range(200)
        ]
        for at in range(len(TRAITS))
    ]
    latents = np.array(fired)[trait, draw.integers(0, 200, rows)] if kind == "sae" else np.full(rows, "[]")
    return pa.table(
        {
            "pair_id": np.repeat(ids, 2 * len(TRAITS)),
            "side": np.array(["chosen", "rejected"])[side],
            "trait": np.array(TRAITS)[trait],
            "reading": reading,
            "threshold": np.full(rows, 1.5),
            "flagged": reading > 1.5,
            "tokens": words[draw.integers(0, 3, rows)],
            "latents": latents,
            "reconstruction": np.full(rows, 0.1),
            "vocabulary": np.full(rows, 0.0),
            **{
                column: np.full(rows, value)
                for column, value in {"abstained": "", "profile": PROFILE, "sae": SAE}.items()
            },
        }
    )


def _audited(folder: Path, name: str, rounds: int, alarm: bool) -> None:
    """The auditor's snapshot of the same rounds."""
    audits = []
    for at in range(rounds):
        rung = alarm and at == rounds - 1
        told = {"seal": 1, "round": at, "pool": "unflagged", "items": 300, "fired": 40, "reviews": 60, "bad": 3}
        told |= {"hidden_rate": 0.03, "low": 0.01 if at else 0.03, "high": 0.1 if at else 0.03, "harm_ceiling": 0.05}
        told |= {"so_far": 0.03 if at else None, "so_far_low": 0.0 if at else None, "so_far_high": 0.2 if at else None}
        audits.append(told | {"evidence": (60.0 if rung else 0.9 * at) if at else None, "alarm": rung if at else None})
    gate = {"seal": 1, "began": 0, "bets": "[]", "ceilings": "{}", "threshold": 40.0}
    monitor = {"seal": 1, "monitor": "judge", "texts": 200, "unread": 0, "auroc": 0.9, "tpr": 0.8, "fpr": 0.05}
    examples = [
        {"round": 1, "pair_id": f"{at:016x}", "pool": "unflagged", "traits": '["sycophantic"]'} for at in range(8)
    ]
    tables: dict[str, Any] = {"audits": audits, "examples": examples, "gate": [gate], "spent": []}
    tables["monitors"] = [monitor | {"phi": 0.2, "phi_bad": None, "caught": 0.7}]
    publish_snapshot(folder / "auditor", tables, {"campaign": name, "round": rounds - 1, "confidence": 0.95})
