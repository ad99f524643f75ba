"""The hash chain over a campaign's rounds: what was written stays as it was written, or the change is found and named.

link = SHA-256(campaign, round, step, link before, hash of every table's rows), a row hashed in its canonical spelling.
Reads: the warehouse's own rows. Writes: one row of `chain` for each step of a round; what is linked stays as linked.
Must not know: what a row says. It guards against a changed byte, not against somebody who rewrites rows and all links
after them: such a chain ends in another head than the one that was printed, so keep the head somewhere else.
"""

import math
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

import pyarrow as pa

from warehouse.hashing import canonical, content_hash
from warehouse.store import Store

Step = Literal["examined", "finished", "published", "reviewed"]
Hashes = dict[str, str]

_PLACED = "campaign = $1 AND round = $2"
_KNOWN = "SELECT pair_id FROM pairs{where} UNION SELECT pair_id FROM quarantine{where}"
_OF_PAIRS = f"pair_id IN ({_KNOWN.format(where=f' WHERE {_PLACED}')})"
_PUBLISHED = "version IN (SELECT version FROM datasets WHERE campaign = $1)"
EXAMINED = {
    **{"pairs": _PLACED, "quarantine": _PLACED},
    **{"readings": _OF_PAIRS, "verdicts": _OF_PAIRS, "decisions": _OF_PAIRS},
}
FINISHED = {
    **{"amendments": _PLACED, "attributions": _PLACED, "ledger": _PLACED, "rounds": _PLACED},
    **{"gate_answers": _PLACED, "proposals": _PLACED, "approvals": _PLACED},
}
ROUNDLESS = {
    **{"campaigns": "campaign = $1", "seals": "campaign = $1", "modes": "campaign = $1"},
    **{"datasets": "campaign = $1", "dataset_files": "campaign = $1", "dataset_pairs": _PUBLISHED},
    **{"quarantined_datasets": "campaign = $1", "recalls": "campaign = $1", "inoculations": "campaign = $1"},
    **{"person_verdicts": "campaign = $1", "reverts": "campaign = $1", "refusals": "campaign = $1"},
    **{"trained_models": "campaign = $1"},
    **{"constitutions": "true", "artifacts": "true", "prompts": "true"},
}
STEPS: dict[Step, dict[str, str]] = {"examined": EXAMINED, "finished": FINISHED, "published": {}, "reviewed": {}}
_IN_ORDER = "ORDER BY round, list_position(['examined', 'finished', 'published', 'reviewed'], step), number"
_CHAIN = pa.schema(
    [("campaign", pa.string()), ("round", pa.int32()), ("step", pa.string()), ("number", pa.int32())]
    + [("parent", pa.string()), ("link", pa.string())]
    + [
        pa.field(
            "parts",
            pa.list_(
                pa.struct(
                    [("table", pa.string()), ("hash", pa.string())]
                    + [("rows", pa.list_(pa.struct([("key", pa.string()), ("hash", pa.string())])))]
                )
            ),
        )
    ]
)


class Link(NamedTuple):
    """One link, and how many rows it covers."""

    round: int
    step: str
    link: str
    rows: int


class Difference(NamedTuple):
    """A row that is not as it was linked. `key` is its primary key as a JSON list, or empty where a link itself is
    meant; `what` says what happened to it."""

    table: str
    round: int
    key: str
    what: str

    def __str__(self) -> str:
        return f"{self.table}, round {self.round}{', key ' + self.key if self.key else ''}: {self.what}"


class Checked(NamedTuple):
    """`loose` rows were written since the last link: a campaign that runs, or was killed, has some."""

    links: tuple[Link, ...]
    differences: tuple[Difference, ...]
    loose: int

    @property
    def head(self) -> str:
        return self.links[-1].link if self.links else ""


def extend(store: Store, campaign: str, number: int, step: Step) -> str:
    """Link the rows of one step of a round to the chain and return its link; a step that is linked keeps its link, but
    for `reviewed`, which takes up whatever is new since the last one, if anything is."""
    sql = f"SELECT round, step, link FROM chain WHERE campaign = $1 {_IN_ORDER}"
    rows = store.query(sql, campaign).to_pylist()
    links = {(row["round"], row["step"]): row["link"] for row in rows}
    if (number, step) in links and step != "reviewed":
        return str(links[number, step])
    parent = next(reversed(links.values()), "")
    again = sum((row["round"], row["step"]) == (number, "reviewed") for row in rows)
    found = {table: _rows(store, table, where, campaign, number) for table, where in STEPS[step].items()}
    for table, where in ROUNDLESS.items():
        now, before = _rows(store, table, where, campaign, number), _covered(store, table, campaign)
        found[table] = {key: digest for key, digest in now.items() if key not in before}
    parts = [
        {"table": table, "hash": _part(rows), "rows": [{"key": key, "hash": digest} for key, digest in rows.items()]}
        for table, rows in found.items()
        if rows
    ]
    if step == "reviewed" and not parts:
        return parent
    row = {"campaign": campaign, "round": number, "step": step, "parent": parent, "parts": parts}
    row["number"] = again + 1 if step == "reviewed" else 0
    row["link"] = _link(row)
    store.add("chain", pa.Table.from_pylist([row], schema=_CHAIN))
    return str(row["link"])


def head(store: Store, campaign: str) -> str:
    """The last link, which stands for all before it; '' where nothing is linked yet."""
    links = store.query(f"SELECT link FROM chain WHERE campaign = $1 {_IN_ORDER}", campaign)["link"].to_pylist()
    return str(links[-1]) if links else ""


def unlinked(store: Store, table: str, campaign: str) -> set[str]:
    """The keys of the rows of a table of ROUNDLESS that no link covers yet."""
    return _rows(store, table, ROUNDLESS[table], campaign, 0).keys() - _covered(store, table, campaign)


def check(store: Store, campaign: str) -> Checked:
    """Hold the campaign's rows to its chain. Differences come in the order of links and tables, pairs first."""
    links, differences, covered, parent = list[Link](), list[Difference](), dict[str, set[str]](), ""
    for row in store.query(f"SELECT * FROM chain WHERE campaign = $1 {_IN_ORDER}", campaign).to_pylist():
        number, step = row["round"], row["step"]
        linked: dict[str, Hashes] = {
            part["table"]: {leaf["key"]: leaf["hash"] for leaf in part["rows"]} for part in row["parts"]
        }
        differences += _forged(row, parent)
        for table, where in (STEPS[step] | ROUNDLESS).items():
            then, now = linked.get(table, {}), _rows(store, table, where, campaign, number)
            if table in ROUNDLESS:
                now = {key: digest for key, digest in now.items() if key in then}
            differences += _compared(table, number, then, now)
            covered.setdefault(table, set()).update(now)
        links.append(Link(number, step, row["link"], sum(map(len, linked.values()))))
        parent = row["link"]
    differences += _unlinked(store, campaign, {(link.round, link.step) for link in links})
    named = {(found.table, found.key) for found in differences}
    differences += [found for found in _orphans(store) if (found.table, found.key) not in named]
    return Checked(tuple(links), tuple(differences), _loose(store, covered))


def _forged(row: dict[str, Any], parent: str) -> Iterator[Difference]:
    """Whether the link itself still follows from what it holds."""
    for part in row["parts"]:
        if part["hash"] != _part({leaf["key"]: leaf["hash"] for leaf in part["rows"]}):
            yield Difference("chain", row["round"], "", f"the link {row['step']!r} was changed, at {part['table']}")
    if row["parent"] != parent:
        yield Difference("chain", row["round"], "", f"the link {row['step']!r} does not follow the one before it")
    if row["link"] != _link(row):
        yield Difference("chain", row["round"], "", f"the link {row['step']!r} is not the hash of its parts")


def _compared(table: str, number: int, then: Hashes, now: Hashes) -> Iterator[Difference]:
    for key in sorted(then.keys() | now.keys()):
        if key not in now:
            yield Difference(table, number, key, "was removed, or is of this round no longer")
        elif key not in then:
            yield Difference(table, number, key, "was added after the round was linked")
        elif then[key] != now[key]:
            yield Difference(table, number, key, "was changed after it was linked")


def _unlinked(store: Store, campaign: str, linked: set[tuple[int, str]]) -> Iterator[Difference]:
    """Links that were taken away: what is published was examined, and what has a summary is finished."""
    for table, step in (("datasets", "examined"), ("rounds", "finished")):
        sql = f"SELECT DISTINCT round FROM {table} WHERE campaign = $1 ORDER BY round"
        for number in store.query(sql, campaign)["round"].to_pylist():
            if (number, step) not in linked:
                mend = "unless the campaign was killed just then, and running it again writes it"
                yield Difference("chain", number, "", f"the link {step!r} was removed, {mend}")


def _orphans(store: Store) -> Iterator[Difference]:
    """Rows about a pair that no table of pairs knows, and so of no round."""
    for table in ("readings", "verdicts", "decisions"):
        for key in _rows(store, table, f"pair_id NOT IN ({_KNOWN.format(where='')}) AND $1 = '' AND $2 = 0", "", 0):
            yield Difference(table, 0, key, "is about a pair that is not in the warehouse")


def _loose(store: Store, covered: dict[str, set[str]]) -> int:
    tables = EXAMINED | FINISHED | ROUNDLESS
    counted = store.query(" UNION ALL ".join(f'SELECT count(*) AS n FROM "{table}"' for table in tables))
    rows = int(sum(counted["n"].to_pylist()))
    return max(0, rows - sum(map(len, covered.values())))


def _covered(store: Store, table: str, campaign: str) -> set[str]:
    """The keys of a table's rows that a link covers already."""
    parts = "SELECT unnest(parts) AS part FROM chain WHERE campaign = $1"
    leaves = f'SELECT unnest(part.rows) AS leaf FROM ({parts}) WHERE part."table" = $2'
    return set(store.query(f"SELECT leaf.key AS key FROM ({leaves})", campaign, table)["key"].to_pylist())


def _rows(store: Store, table: str, where: str, campaign: str, number: int) -> Hashes:
    """Key → hash of the rows that `where` selects, in the order of their keys."""
    keys = store.query(
        "SELECT unnest(constraint_column_names) AS name FROM duckdb_constraints() "
        "WHERE table_name = $1 AND constraint_type = 'PRIMARY KEY'",
        table,
    )["name"].to_pylist()
    params = [campaign, number][: 2 if "$2" in where else 1 if "$1" in where else 0]
    found = store.query(f'SELECT * FROM "{table}" WHERE {where}', *params).to_pylist()
    return dict(sorted((canonical([row[name] for name in keys]).decode(), _row_hash(row)) for row in found))


def _row_hash(row: dict[str, Any]) -> str:
    """A null counts as absent, so that a column which a later migration adds leaves the hashes of old rows alone."""
    told = {name: value for name, value in row.items() if value is not None}
    try:
        return content_hash(told)
    except ValueError:  # NaN and the infinities, which JSON cannot say: no step writes them, but a change may
        odd = {name for name, value in told.items() if isinstance(value, float) and not math.isfinite(value)}
        return content_hash({name: repr(value) if name in odd else value for name, value in told.items()})


def _part(rows: Hashes) -> str:
    return content_hash(sorted(rows.items()))


def _link(row: dict[str, Any]) -> str:
    parts = {part["table"]: part["hash"] for part in row["parts"]}
    return content_hash([row["campaign"], row["round"], row["step"], row["parent"], parts])
