"""The chain behind a pair, as a tree: how it was published, decided, reviewed, read and made, link by link.

Reads: the warehouse. Writes: nothing. Must not know: how any of the links came about, or how a terminal shows them.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

from warehouse.errors import PlumblineError
from warehouse.hashing import short
from warehouse.store import Store

Row = dict[str, Any]

ANCESTORS = """
WITH RECURSIVE chain AS (
    SELECT *, [{key}] AS visited FROM {table} WHERE {key} = ?
    UNION ALL
    SELECT older.*, list_append(visited, older.{key}) FROM {table} AS older JOIN chain ON older.{key} = chain.parent
    WHERE NOT list_contains(visited, older.{key})  -- two empty datasets in a row have the same version
)
SELECT * FROM chain ORDER BY len(visited)
"""


class Node(BaseModel):
    """One link of a chain; `model_dump()` is its JSON form, `str()` the tree drawn with lines."""

    model_config = ConfigDict(frozen=True)

    name: str
    value: str = ""
    children: tuple["Node", ...] = ()

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        # Texts are foreign: a control character must not reach the terminal.
        yield "".join(char if char.isprintable() else "�" for char in f"{self.name}  {self.value}".rstrip())
        for child in self.children:
            last = child is self.children[-1]
            first, *rest = child._lines()
            yield ("└─ " if last else "├─ ") + first
            yield from (("   " if last else "│  ") + line for line in rest)


def trace(store: Store, pair_id: str) -> Node:
    """The whole chain of the pair that `pair_id` names: its id, a prefix no other id has, or a foreign row's own id.

    Raises PlumblineError when no pair is meant, naming the nearest ids, or when several are.
    """
    found = _resolve(store, pair_id)
    pair = _first(store, "SELECT * FROM pairs WHERE pair_id = ?", found)
    rejected = _rows(store, "SELECT * FROM quarantine WHERE pair_id = ?", found)
    place = pair or rejected[0]
    children = [
        *_datasets(store, found),
        *(Node(name="quarantined", value=f"{row['expectation']}: {row['detail']}") for row in rejected),
        *_decision(store, found),
        *_readings(store, found),
        *(_made(store, pair) if pair else ()),
        *_attempts(store, place),
    ]
    where = f"campaign {place['campaign']}, round {place['round']}, position {place['position']}"
    return Node(name="pair", value=f"{found}  {where}, attempt {place['attempt']}", children=tuple(children))


def _resolve(store: Store, given: str) -> str:
    known = "(SELECT pair_id, source_id FROM pairs UNION SELECT pair_id, '' FROM quarantine WHERE pair_id <> '')"
    sql = f"SELECT DISTINCT pair_id FROM {known} WHERE starts_with(pair_id, ?) OR (source_id = ? AND source_id <> '')"
    ids = [row["pair_id"] for row in _rows(store, sql + " ORDER BY pair_id LIMIT 6", given, given)]
    if len(ids) == 1 or given in ids:
        return ids[0] if len(ids) == 1 else given
    if ids:
        more = ", …" if len(ids) > 5 else ""
        raise PlumblineError(f"{given!r} means several pairs: {', '.join(ids[:5])}{more}; give more of the id")
    sql = f"SELECT DISTINCT pair_id FROM {known} ORDER BY jaro_winkler_similarity(pair_id, ?) DESC, pair_id LIMIT 3"
    nearest = ", ".join(row["pair_id"] for row in _rows(store, sql, given))
    raise PlumblineError(f"no pair {given} in {store.path}; " + (f"nearest: {nearest}" if nearest else "it is empty"))


def _datasets(store: Store, pair_id: str) -> Iterator[Node]:
    sql = "SELECT datasets.* FROM datasets JOIN dataset_pairs USING (version) WHERE pair_id = ?"
    for row in _rows(store, sql + " ORDER BY campaign, round", pair_id):
        chain = _rows(store, ANCESTORS.format(table="datasets", key="version"), row["version"])
        earlier = dict.fromkeys(short(older["version"]) for older in chain if len(older["visited"]) > 1)
        parents = tuple(Node(name="follows", value=version) for version in earlier)
        value = f"{short(row['version'])}  round {row['round']}, {row['rows']} rows, {row['path']}"
        sql = "SELECT alarm FROM quarantined_datasets WHERE version = ? AND campaign = ?"
        if tainted := _first(store, sql, row["version"], row["campaign"]):
            value += f"  QUARANTINED by the alarm in round {tainted['alarm']}"
        sql = "SELECT who, reason FROM recalls WHERE version = ? AND campaign = ? ORDER BY number LIMIT 1"
        if recalled := _first(store, sql, row["version"], row["campaign"]):
            value += f"  RECALLED by {_because(recalled['who'], recalled['reason'])}"
        yield Node(name="dataset", value=value, children=(*parents, *_trained(store, row)))


def _trained(store: Store, dataset: Row) -> Iterator[Node]:
    """The models trained on a published version; a snapshot older than their table has none."""
    if _first(store, "SELECT 1 FROM information_schema.tables WHERE table_name = 'trained_models'"):
        sql = "SELECT * FROM trained_models WHERE version = ? AND campaign = ? ORDER BY name, model"
        for row in _rows(store, sql, dataset["version"], dataset["campaign"]):
            value = f"{short(row['model'])}  {row['name']}, {row['based_on']} on {row['pairs']} of its pairs"
            yield Node(name="trained", value=f"{value}, seed {row['seed']}")


def _decision(store: Store, pair_id: str) -> Iterator[Node]:
    decision = _first(store, "SELECT * FROM decisions WHERE pair_id = ?", pair_id)
    verdict = _first(store, "SELECT * FROM verdicts WHERE pair_id = ?", pair_id)
    if not decision:
        yield Node(name="decision", value="none yet")
    else:
        yield Node(name="decision", value=_because(decision["decision"], decision["reason"]))
    if verdict:
        children = (
            Node(name="traits", value=", ".join(json.loads(verdict["traits"]))),
            _artifact(store, "reviewer", verdict["reviewer"]),
            Node(name="rendered prompt", value=short(verdict["prompt_hash"])),
        )
        yield Node(name="verdict", value=_because(verdict["verdict"], verdict["reason"]), children=children)
    yield from _persons(store, pair_id)


def _persons(store: Store, pair_id: str) -> Iterator[Node]:
    """Every verdict a person gave on the pair, the one that counts last, and what it settles."""
    given = _rows(store, "SELECT * FROM person_verdicts WHERE pair_id = ? ORDER BY number", pair_id)
    for row in given:
        traits = ", ".join(json.loads(row["traits"]))
        value = _because(f"{row['verdict']}{f' ({traits})' if traits else ''}, {row['who']}", row["note"])
        yield Node(name="person's verdict", value=value)
    settled = _first(store, "SELECT * FROM v_decisions WHERE pair_id = ? AND settled <> decision", pair_id)
    if settled:
        yield Node(name="settled", value=f"{settled['settled']} by {settled['person']}")


def _readings(store: Store, pair_id: str) -> Iterator[Node]:
    strongest_first = "ORDER BY profile, side, flagged DESC NULLS LAST, reading DESC, trait"
    rows = _rows(store, f"SELECT * FROM readings WHERE pair_id = ? {strongest_first}", pair_id)
    for profile in dict.fromkeys(row["profile"] for row in rows):
        mine = [row for row in rows if row["profile"] == profile]
        sides, pages = [], _pages(store, mine[0]["sae"])
        for side in dict.fromkeys(row["side"] for row in mine):
            texts = [row for row in mine if row["side"] == side]
            value = texts[0]["abstained"] and f"abstained: {texts[0]['abstained']}"
            sides.append(Node(name=side, value=value, children=tuple(_reading(row, pages) for row in texts)))
        children = (*sides, _artifact(store, "profile", profile), _artifact(store, "sae", mine[0]["sae"]))
        yield Node(name="readings", children=children)


def _pages(store: Store, sae: str) -> str:
    """Where an autoencoder's latents have their pages, "" where they have none: trained here, or not on Neuronpedia."""
    row = _first(store, "SELECT meta FROM artifacts WHERE hash = ?", sae)
    place = json.loads(row["meta"]).get("neuronpedia") if row else ""
    return f"https://www.neuronpedia.org/{place}/" if place else ""


def _reading(row: Row, pages: str) -> Node:
    if row["reading"] is None:
        return Node(name=row["trait"], value="no reading")
    over = "not used to flag, over" if row["reading"] > row["threshold"] else "below"
    flag = f"{row['reading']:.3f} {'FLAG' if row['flagged'] else over} {row['threshold']:.3f}"
    tokens = " ".join(str(token[0]).strip() for token in json.loads(row["tokens"]))
    latents = json.loads(row["latents"]) if row["flagged"] and pages else []
    shown = tuple(Node(name="latent", value=f"{latent[0]}  {pages}{latent[0]}") for latent in latents)
    return Node(name=row["trait"], value=f"{flag}  {tokens}".rstrip(), children=shown)


def _made(store: Store, pair: Row) -> Iterator[Node]:
    """The generator, the texts, the prompt and the constitutions; or the file that a foreign pair came from."""
    if pair["source"]:
        own = f", its own id {pair['source_id']}" if pair["source_id"] else ""
        yield Node(name="source", value=pair["source"] + own)
    if pair["generator"]:
        children = (
            _artifact(store, "generator", pair["generator"]),
            Node(name="sampling", value=pair["sampling"]),
            Node(name="seed", value=f"chosen {pair['seed_chosen']}, rejected {pair['seed_rejected']}"),
            Node(name="rendered prompt", value=short(pair["prompt_hash"])),
        )
        yield Node(name="generated", children=children)
    yield Node(name="prompt", value=f"{pair['prompt_id']}  {_said(pair['prompt'])}", children=_addendum(store, pair))
    yield Node(name="chosen", value=_said(pair["chosen"]))
    yield Node(name="rejected", value=_said(pair["rejected"]))
    if pair["constitution"]:
        yield _constitution(store, pair["constitution"])


def _addendum(store: Store, pair: Row) -> tuple[Node, ...]:
    """What the campaign's prompts carry beside their own words."""
    told = _first(store, "SELECT * FROM inoculations WHERE campaign = ?", pair["campaign"])
    if not told:
        return ()
    when = "both texts were written under it" if pair["generator"] else "added when published"
    return (
        Node(name="inoculation", value=f"{short(told['hash'])}  level {told['level']}, {told['name']}; {when}"),
        Node(name="said", value=told["text"]),
    )


def _constitution(store: Store, digest: str) -> Node:
    """The version, and below it each version it descends from, the first one deepest."""
    chain = _rows(store, ANCESTORS.format(table="constitutions", key="hash"), digest)
    oldest = chain[-1]["parent"] if chain else digest
    node = Node(name="constitution", value=f"{short(oldest)}  (not in this warehouse)") if oldest else None
    for row in reversed(chain):
        value = f"{short(row['hash'])}  {row['name']} v{row['version']}"
        value += f": {row['amendment']}" if row["amendment"] else ""
        words = tuple(_words(store, row["hash"]))
        node = Node(name="constitution", value=value, children=(*words, node) if node else words)
    assert node is not None
    return node


def _words(store: Store, digest: str) -> Iterator[Node]:
    """What people said to the version: that it may be in force, or to go back to it."""
    for row in _rows(store, "SELECT * FROM approvals WHERE constitution = ? ORDER BY round", digest):
        word = "approved" if row["approve"] else "rejected"
        yield Node(name=word, value=_because(f"by {row['who']}, round {row['round']}", row["note"]))
    for row in _rows(store, "SELECT * FROM reverts WHERE constitution = ? ORDER BY number", digest):
        value = _because(f"by {row['who']}, from round {row['round']} on", row["note"])
        yield Node(name="gone back to", value=value)


def _attempts(store: Store, place: Row) -> Iterator[Node]:
    """The other pairs made for the same position of the same round."""
    sql = """
        SELECT pair_id, attempt, coalesce(decision, 'undecided') AS decision
        FROM (
            SELECT pair_id, campaign, round, position, attempt FROM pairs
            UNION SELECT pair_id, campaign, round, position, attempt FROM quarantine
        )
        LEFT JOIN decisions USING (pair_id)
        WHERE campaign = ? AND round = ? AND position = ? AND pair_id <> ? ORDER BY attempt, pair_id
    """
    for row in _rows(store, sql, place["campaign"], place["round"], place["position"], place["pair_id"]):
        when = "earlier" if row["attempt"] < place["attempt"] else "later"
        yield Node(name=f"{when} attempt", value=f"{row['attempt']}  {row['pair_id']}  {row['decision']}")


def _artifact(store: Store, kind: str, digest: str) -> Node:
    row = _first(store, "SELECT * FROM artifacts WHERE hash = ?", digest)
    return Node(name=kind, value=f"{short(digest)}  {row['name']}" if row else short(digest))


def _because(what: str, reason: str) -> str:
    return f"{what}: {reason}" if reason else what


def _said(messages: Sequence[Row], width: int = 100) -> str:
    """The last message on one line, cut to `width` characters."""
    text = " ".join(messages[-1]["content"].split()) if messages else ""
    return text if len(text) <= width else text[: width - 1] + "…"


def _rows(store: Store, sql: str, *params: Any) -> list[Row]:
    return store.query(sql, *params).to_pylist()


def _first(store: Store, sql: str, *params: Any) -> Row | None:
    rows = _rows(store, sql, *params)
    return rows[0] if rows else None
