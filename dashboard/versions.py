"""The versions of a campaign's constitution: who followed whom, what became of each, and which one is in force.

Reads: the records of rounds, amendments, and what people said of them, in whatever store it is handed. Writes: nothing.
Must not know: how a page shows any of it.
"""

import json
from typing import Any, Literal, NamedTuple

from constitutions.document import Constitution, Principle
from warehouse.people import Proposal, in_force, waiting_proposals
from warehouse.store import Store

Row = dict[str, Any]
Fate = Literal["in force", "was in force", "left", "waiting", "rejected", "lost"]
"""`left`: it was in force until somebody went back behind it. `lost`: a candidate that something else was chosen over.
`waiting`: chosen, and a person has not answered yet."""


class Version(NamedTuple):
    """`rounds`: those written under it, each with its flag rate. `trial`: its row of `amendments` as a candidate, None
    for a first version; `told`: its row of `approvals`, None where nobody was asked or has answered."""

    hash: str
    constitution: Constitution
    fate: Fate
    rounds: dict[int, float | None]
    trial: Row | None
    told: Row | None

    @property
    def label(self) -> str:
        return f"v{self.constitution.version} · {self.hash[:8]}"


class History(NamedTuple):
    """`versions` by hash, in the order they came up. `path`: from the first version to the one in force, by hash; empty
    where a campaign has no constitution. `back`: what people went back to, rows of `reverts`."""

    versions: dict[str, Version]
    path: tuple[str, ...]
    back: list[Row]
    waiting: list[Proposal]

    @property
    def current(self) -> Version | None:
        return self.versions[self.path[-1]] if self.path else None


def history(store: Store, campaign: str) -> History:
    """Every version in the record of a campaign."""
    documents = {row["hash"]: _document(row) for row in _rows(store, "constitutions", "version, hash")}
    trials = {row["constitution"]: row for row in _rows(store, "amendments", "round, candidate") if row["candidate"]}
    told = {row["constitution"]: row for row in _rows(store, "approvals", "round")}
    waiting = waiting_proposals(store, campaign)
    under: dict[str, dict[int, float | None]] = {}
    for row in _rows(store, "rounds", "round"):
        summary = json.loads(row["summary"])
        under.setdefault(summary["constitution"], {})[row["round"]] = summary.get("flag_rate")
    held = in_force(store, campaign)
    path = tuple(_path(documents, held[-1] if held else next(iter(documents), "")))

    def fate(digest: str) -> Fate:
        if digest in path:
            return "in force" if digest == path[-1] else "was in force"
        if any(one.constitution == digest for one in waiting):
            return "waiting"
        if digest in told and not told[digest]["approve"]:
            return "rejected"
        return "left" if digest in held else "lost"

    versions = {
        digest: Version(digest, document, fate(digest), under.get(digest, {}), trials.get(digest), told.get(digest))
        for digest, document in documents.items()
    }
    return History(versions, path, _rows(store, "reverts", "number"), waiting)


def attributions(store: Store) -> list[Row]:
    """Each principle of each version that was chosen: the round, the flag rate on the frozen prompts `with` it, that
    `without` it, and `delta`, how much higher it is without. None where nothing could be read."""
    return store.query("""
        SELECT a.round, a.constitution, a.principle, b.flag_rate AS "with", a.flag_rate_without AS "without", a.delta
        FROM attributions AS a
        LEFT JOIN amendments AS b ON b.campaign = a.campaign AND b.round = a.round AND b.chosen
        ORDER BY a.round, a.principle
    """).to_pylist()


def amended(store: Store) -> list[Row]:
    """What was chosen in each round that amended: its figures, those of the version before on the same prompts
    (`kept_…`), how many candidates there were, and the bits of the choice in the worst case."""
    return store.query("""
        SELECT
            chosen.*, tried.* EXCLUDE (campaign, round), bits
        FROM (SELECT * FROM amendments WHERE chosen) AS chosen
        JOIN (
            SELECT
                campaign, round, count(*) AS candidates,
                any_value(flag_rate) FILTER (candidate = 0) AS kept_flag_rate,
                any_value(unjustified_rate) FILTER (candidate = 0) AS kept_unjustified_rate,
                any_value(utility) FILTER (candidate = 0) AS kept_utility
            FROM amendments
            GROUP BY campaign, round
        ) AS tried USING (campaign, round)
        LEFT JOIN ledger
            ON ledger.campaign = chosen.campaign AND ledger.round = chosen.round
            AND entry = 'amendment' AND formula = 'log2 K'
        ORDER BY chosen.round
    """).to_pylist()


def _path(documents: dict[str, Constitution], digest: str) -> list[str]:
    path: list[str] = []
    while digest in documents and digest not in path:
        path.insert(0, digest)
        digest = documents[digest].parent or ""
    return path


def _document(row: Row) -> Constitution:
    principles = tuple(Principle.model_validate(one) for one in json.loads(row["principles"]))
    told = {name: row[name] for name in ("name", "version", "parent", "amendment")}
    return Constitution.model_validate({**told, "principles": principles})


def _rows(store: Store, table: str, order: str) -> list[Row]:
    return store.query(f"SELECT * FROM {table} ORDER BY {order}").to_pylist()
