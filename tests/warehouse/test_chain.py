"""The hash chain: the same rows give the same links, a changed byte is named, and ten thousand pairs take seconds."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from synthetic import tables

from warehouse.chain import EXAMINED, FINISHED, ROUNDLESS, Difference, check, extend, head
from warehouse.store import Store

EXEMPT = {"migrations", "chain"}
PLACE = {"campaign": "demo", "round": 1}
FIRST = tables(20, round=1).pairs["pair_id"][0].as_py()
REVIEWED = tables(20, round=1).verdicts["pair_id"][0].as_py()


def a_round(store: Store, number: int) -> tuple[str, str]:
    """A closed round with a row in every table that rounds write; its two links."""
    made, place, own = tables(20, round=number), {"campaign": "demo", "round": number}, f"c{number}"
    for name in made._fields:
        store.add(name, getattr(made, name))
    lost = {"pair_id": "", "attempt": 0, "position": 99, "source": "x.jsonl:3", "expectation": "json", "detail": "bad"}
    store.add("quarantine", [{**place, **lost, "row": "{"}])
    store.add("campaigns", [{"campaign": "demo", "config": "{}"}])
    store.add("artifacts", [{"hash": "9" * 64, "kind": "generator", "name": "g"}])
    store.add("inoculations", [{"campaign": "demo", "level": 5, "name": "invite", "text": "do.", "hash": "3" * 64}])
    examined = extend(store, "demo", number, "examined")
    store.add("constitutions", [{"hash": own, "name": "start", "version": number, "principles": "[]"}])
    store.add("prompts", [{"prompt_id": own, "prompt": [{"role": "user", "content": "hello"}]}])
    store.add("seals", [{"campaign": "demo", "number": number, "seal": "5" * 64}])
    store.add("rounds", [{**place, "mode": "update", "summary": "{}"}])
    amended = {"constitution": own, "operation": "keep it as it is", "chosen": True, "objective": 0.25}
    store.add("amendments", [{**place, "candidate": 0, **amended}])
    store.add("attributions", [{**place, "constitution": own, "principle": "kind", "delta": 0.5}])
    store.add("ledger", [{**place, "entry": "amendment", "bits": 2.0, "formula": "log2 K"}])
    store.add("datasets", [{**place, "version": f"v{number}", "path": f"v{number}", "rows": 1}])
    store.add("dataset_files", [{**place, "version": f"v{number}", "file": "train.parquet", "hash": "f" * 64}])
    store.add("dataset_pairs", [{"version": f"v{number}", "pair_id": made.pairs["pair_id"][0].as_py()}])
    store.add("gate_answers", [{**place, "answer": "alarm"}])
    store.add("modes", [{**place, "number": number, "mode": "filter", "who": "the gate"}])
    said = {"who": "Ada", "given": number}
    store.add("proposals", [{**place, "constitution": own, "parent": "c0", "amendment": "add kind"}])
    store.add("approvals", [{**place, **said, "constitution": own, "number": 1, "approve": True}])
    store.add("reverts", [{**place, **said, "number": number, "constitution": own}])
    store.add("person_verdicts", [{**place, **said, "pair_id": REVIEWED, "number": number, "verdict": "unsure"}])
    refused = {"number": number, "kind": "revert", "said": "{}", "reason": "not hers"}
    store.add("refusals", [{**place, **said, **refused}])
    store.add("quarantined_datasets", [{"campaign": "demo", "version": f"v{number}", "alarm": number}])
    back = {"number": number, "asked": f"v{number}", "version": f"v{number}", "replaced": "v0", "reason": "leaked"}
    store.add("recalls", [{"campaign": "demo", "who": "Ada", "given": number, **back}])
    trained = {"model": own, "name": own, "base": "b", "based_on": "organism:reader", "pairs": 1, "settings": "{}"}
    store.add("trained_models", [{"campaign": "demo", "version": f"v{number}", "seed": 0, "folder": own, **trained}])
    return examined, extend(store, "demo", number, "finished")


@pytest.fixture
def record(tmp_path: Path) -> Path:
    with Store.open(tmp_path / "warehouse.duckdb") as store:
        for number in (1, 2):
            a_round(store, number)
    return tmp_path / "warehouse.duckdb"


def change(record: Path, sql: str, *params: Any) -> None:
    """Past the store, as somebody would who edits the file."""
    with duckdb.connect(str(record)) as connection:
        assert connection.execute(sql, list(params)).fetchall() == [(1,)]


def differences(record: Path) -> Iterator[Difference]:
    with Store.open(record, read_only=True) as store:
        yield from check(store, "demo").differences


def test_every_table_is_linked(record: Path) -> None:
    with Store.open(record, read_only=True) as store:
        known = set(store.query("SELECT table_name FROM duckdb_tables()")["table_name"].to_pylist())
        parts = store.query('SELECT DISTINCT unnest(parts)."table" AS t FROM chain')["t"].to_pylist()
    assert known - EXEMPT == EXAMINED.keys() | FINISHED.keys() | ROUNDLESS.keys() == set(parts)


def test_an_untouched_record_is_whole(record: Path) -> None:
    with Store.open(record, read_only=True) as store:
        checked = check(store, "demo")
        assert checked.differences == () and checked.loose == 0 and checked.head == head(store, "demo")
    steps = [(link.round, link.step) for link in checked.links]
    assert steps == [(1, "examined"), (1, "finished"), (2, "examined"), (2, "finished")]
    assert len({link.link for link in checked.links}) == 4


def test_the_same_rows_give_the_same_links_whatever_was_repeated(record: Path, tmp_path: Path) -> None:
    with Store.open(tmp_path / "again" / "warehouse.duckdb") as store:
        made = tables(20, round=1)
        for name in reversed(made._fields):  # killed before the first link, then begun again
            store.add(name, getattr(made, name).slice(3))
        links = [link for number in (1, 1, 2, 1, 2) for link in a_round(store, number)]
        assert links[:2] == links[2:4] == links[6:8] and links[4:6] == links[8:]
        with Store.open(record, read_only=True) as other:
            assert head(store, "demo") == head(other, "demo") == links[-1]


CHANGES = {
    "pairs": ("chosen = [{'role': 'assistant', 'content': 'I looked into matter 0 and here is what I found!'}]", FIRST),
    "readings": ("reading = -1.0000000000000002", f'{FIRST}","chosen","deceptive'),
    "verdicts": ("reason = 'because of the Request'", REVIEWED),
    "decisions": ("decision = 'held'", FIRST),
    "quarantine": ("row = '}'", "x.jsonl:3"),
    "amendments": ("flag_rate = 0.0", '["demo",1,0]'),
    "attributions": ("delta = 0.4", "kind"),
    "ledger": ("bits = 1.0", "log2 K"),
    "rounds": ("mode = 'filter'", '["demo",1]'),
    "constitutions": ("amendment = 'none'", "c1"),
    "prompts": ("split = 'sealed'", "c1"),
    "datasets": ("rows = 2", "v1"),
    "dataset_files": ("hash = 'e'", "train.parquet"),
    "campaigns": ("config = '{ }'", "demo"),
    "artifacts": ("meta = ''", "9" * 64),
    "seals": ("seal = '6'", '["demo",1]'),
}
WHERE = {
    **dict.fromkeys(("pairs", "decisions"), f"pair_id = '{FIRST}'"),
    "readings": f"pair_id = '{FIRST}' AND side = 'chosen' AND trait = 'deceptive'",
    "verdicts": f"pair_id = '{REVIEWED}'",
    **dict.fromkeys(("constitutions",), "hash = 'c1'"),
    **dict.fromkeys(("prompts",), "prompt_id = 'c1'"),
    **dict.fromkeys(("campaigns", "artifacts"), "true"),
    "seals": "number = 1",
}


@pytest.mark.parametrize("table", CHANGES)
def test_a_changed_byte_is_named(record: Path, table: str) -> None:
    setting, key = CHANGES[table]
    change(record, f"UPDATE {table} SET {setting} WHERE {WHERE.get(table, 'round = 1')}")
    (found,) = differences(record)
    assert (found.table, found.round) == (table, 1) and key in found.key
    assert "was changed" in str(found) and table in str(found)


def test_a_row_that_was_removed_or_added_is_named(record: Path) -> None:
    change(record, f"DELETE FROM decisions WHERE pair_id = '{FIRST}'")
    change(record, "INSERT INTO ledger VALUES ('demo', 2, 'filter', 0, 'f', '')")
    change(record, "INSERT INTO verdicts VALUES ('nobody', 'justified', '', '[]', '', '', '')")
    told = [(found.table, found.round, found.what.split()[1]) for found in differences(record)]
    assert told == [("decisions", 1, "removed,"), ("ledger", 2, "added"), ("verdicts", 0, "about")]


def test_a_removed_pair_is_named_before_what_hung_on_it(record: Path) -> None:
    change(record, f"DELETE FROM pairs WHERE pair_id = '{FIRST}'")
    found = list(differences(record))
    assert (found[0].table, found[0].key) == ("pairs", f'["{FIRST}"]')
    assert len({(one.table, one.key) for one in found}) == len(found) == 12  # itself, ten readings, a decision


def test_a_number_that_json_cannot_say_is_a_change_like_any_other(record: Path) -> None:
    change(record, "UPDATE amendments SET objective = 'nan' WHERE round = 2")
    assert [(found.table, found.round) for found in differences(record)] == [("amendments", 2)]


LINKS = {
    "parent = 'x'": ["does not follow", "not the hash of its parts"],
    "link = 'x'": ["not the hash of its parts"],
    "parts = parts[2:]": ["not the hash of its parts"],
    "parts = list_transform(parts, lambda p: struct_update(p, hash := 'x'))": ["changed, at", "not the hash"],
}


@pytest.mark.parametrize("setting", LINKS)
def test_a_changed_link_is_named(record: Path, setting: str) -> None:
    change(record, f"UPDATE chain SET {setting} WHERE round = 2 AND step = 'finished'")
    found = [str(one) for one in differences(record) if one.table == "chain"]
    assert all(any(said in one for one in found) for said in LINKS[setting]), found
    assert all("round 2" in one for one in found)


@pytest.mark.parametrize("which", ["true", "round = 2", "step = 'examined'", "step = 'finished'"])
def test_links_that_were_taken_away_are_missed(record: Path, which: str) -> None:
    with duckdb.connect(str(record)) as connection:
        connection.execute(f"DELETE FROM chain WHERE {which}")
    found = [str(one) for one in differences(record)]
    assert any(one.startswith("chain, round 2: the link '") and "was removed" in one for one in found), found


def test_rewritten_rows_under_a_rewritten_chain_end_in_another_head(record: Path) -> None:
    with Store.open(record, read_only=True) as store:
        noted = head(store, "demo")
    change(record, "UPDATE ledger SET bits = 1 WHERE round = 1")
    with duckdb.connect(str(record)) as connection:
        connection.execute("DELETE FROM chain")
    with Store.open(record) as store:
        for number in (1, 2):
            a_round(store, number)
        assert check(store, "demo").differences == () and head(store, "demo") != noted


def test_an_open_round_is_loose_and_no_change(record: Path) -> None:
    with Store.open(record) as store:
        store.add("pairs", tables(5, round=3).pairs)
        checked = check(store, "demo")
    assert checked.differences == () and checked.loose == 5


def test_ten_thousand_pairs_are_linked_and_checked(tmp_path: Path) -> None:
    made = tables(10_000, round=1)
    with Store.open(tmp_path / "warehouse.duckdb") as store:
        for name in made._fields:
            store.add(name, getattr(made, name))
        extend(store, "demo", 1, "examined")
        assert check(store, "demo").differences == ()
