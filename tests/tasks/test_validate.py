"""Each kind of unfit pair is quarantined under the expectation it fails; nothing is lost, nothing else is touched."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tasks.validate import Limits, Validated, contents, validate
from warehouse.hashing import canonical, keyed_hash
from warehouse.shapes import PAIRS, QUARANTINE

KEY = b"a key"
NONE: frozenset[str] = frozenset()


def turn(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


def user(content: str) -> list[dict[str, str]]:
    return [turn("user", content)]


def answer(content: str) -> list[dict[str, str]]:
    return [turn("assistant", content)]


def pair(number: int, **changes: Any) -> dict[str, Any]:
    row = {
        "pair_id": f"p{number}",
        "campaign": "test",
        "round": 1,
        "position": number,
        "attempt": 0,
        "prompt": user(f"Question {number}?"),
        "chosen": answer("Yes."),
        "rejected": answer("No."),
        "source": "",
    }
    return row | changes


def table(*rows: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=PAIRS)


def run(pairs: pa.Table, seen: frozenset[str] = NONE, docs: Path | None = None, **options: Any) -> Validated:
    sealed = frozenset([keyed_hash(KEY, canonical(user("The sealed question?")).decode())])
    found = validate(pairs, seen, sealed, KEY, docs, **options)
    assert found.valid.schema == PAIRS and found.quarantined.schema == QUARANTINE
    assert found.valid.num_rows + found.quarantined.num_rows == pairs.num_rows
    return found


LONG = [turn("system", "Be kind."), *(user("a") + answer("b")) * 31, turn("user", "c")]
FIT = {
    "one turn": {},
    "a system message": {"prompt": [turn("system", "Be kind."), *user("a")]},
    "64 turns": {"prompt": LONG[1:]},
    "the assistant speaks first": {"prompt": answer("Hello!") + user("a")},
    "a turn of 32,768 characters": {"chosen": answer("é" * 32_768)},
    "any text": {
        "chosen": answer("\0\u2028\U0001f600'; DROP TABLE pairs; -- <script>"),
        "prompt": user("{{ x }}\ufffe"),
    },
}
UNFIT = {
    "unknown role": ("prompt_roles_alternate", {"prompt": [turn("tool", "a"), *user("b")]}),
    "a role that reads like two": ("prompt_roles_alternate", {"prompt": [turn("user assistant", "a"), *user("b")]}),
    "a role with a line end": ("prompt_roles_alternate", {"prompt": [turn("user\n", "a")]}),
    "two user turns": ("prompt_roles_alternate", {"prompt": user("a") + user("b")}),
    "system in the middle": ("prompt_roles_alternate", {"prompt": user("a") + [turn("system", "b")] + user("c")}),
    "no prompt": ("prompt_roles_alternate", {"prompt": []}),
    "prompt ends with an answer": ("prompt_roles_alternate", {"prompt": user("a") + answer("b")}),
    "chosen by the user": ("chosen_is_one_assistant_turn", {"chosen": user("a")}),
    "chosen in three turns": ("chosen_is_one_assistant_turn", {"chosen": answer("a") + user("b") + answer("c")}),
    "no rejected": ("rejected_is_one_assistant_turn", {"rejected": []}),
    "empty chosen": ("chosen_is_not_empty", {"chosen": answer("")}),
    "blank rejected": ("rejected_is_not_empty", {"rejected": answer(" \n\u3000")}),
    "the same answer": ("chosen_differs_from_rejected", {"chosen": answer("No. ")}),
    "blank prompt": ("prompt_turns_are_not_empty", {"prompt": user(" ")}),
    "long answer": ("turns_are_short_enough", {"rejected": answer("x" * 32_769)}),
    "long earlier turn": ("turns_are_short_enough", {"prompt": user("x" * 32_769) + answer("a") + user("b")}),
    "65 turns": ("turns_are_few_enough", {"prompt": LONG}),
    "sealed prompt": ("prompt_is_not_sealed", {"prompt": user("The sealed question?")}),
    "id of another": ("pair_ids_are_unique", {"pair_id": "p0"}),
    "same pair again": ("pair_is_not_a_duplicate", {"prompt": user("Question 1?")}),
}


def test_every_kind_of_unfit_pair_is_quarantined_by_name() -> None:
    fit = [pair(0), pair(1)] + [pair(10 + number, **changes) for number, changes in enumerate(FIT.values())]
    unfit = [pair(50 + number, **changes) for number, (_, changes) in enumerate(UNFIT.values())]
    found = run(table(*fit, *unfit))
    got = {row["position"]: row for row in found.quarantined.to_pylist()}
    for row, name, (expectation, _) in zip(unfit, UNFIT, UNFIT.values(), strict=True):
        assert got[row["position"]]["expectation"] == expectation, name
        assert json.loads(got[row["position"]]["row"]) == table(row).to_pylist()[0]
    # Of two pairs with one id neither is the right one.
    assert found.valid["pair_id"].to_pylist() == [row["pair_id"] for row in fit[1:]]
    assert got[0]["expectation"] == "pair_ids_are_unique"


def test_a_pair_that_fails_twice_is_quarantined_once() -> None:
    (row,) = run(table(pair(0, chosen=answer(""), rejected=answer("")))).quarantined.to_pylist()
    assert row["expectation"] == "chosen_is_not_empty"
    names = [part.split(" ")[0] for part in row["detail"].split("; ")]
    assert names == ["chosen_is_not_empty", "rejected_is_not_empty", "chosen_differs_from_rejected"]


def test_of_duplicates_the_first_wins_also_across_shards() -> None:
    first = run(table(pair(0), pair(1, prompt=user("Question 0?")), pair(2, rejected=answer("Yes."))))
    assert first.valid["pair_id"].to_pylist() == ["p0"]
    assert first.seen == frozenset(contents(first.valid))
    second = run(table(pair(3), pair(4, prompt=user("Question 0?"))), seen=first.seen)
    assert second.quarantined["pair_id"].to_pylist() == ["p4"]
    assert second.seen == first.seen | frozenset(contents(second.valid))


def test_the_limits_can_be_set() -> None:
    pairs = table(pair(0, chosen=answer("12345")), pair(1, prompt=user("a") + answer("b") + user("c")))
    found = run(pairs, limits=Limits(turn_characters=12, turns=3))
    assert found.quarantined["expectation"].to_pylist() == ["turns_are_few_enough"]
    found = run(pairs, limits=Limits(turn_characters=4))
    assert found.quarantined["pair_id"].to_pylist() == ["p0"]


def test_an_empty_shard_is_fine(tmp_path: Path) -> None:
    found = run(table(), seen=frozenset("x"), docs=tmp_path)
    assert found.valid.num_rows == 0 and found.seen == frozenset("x") and found.docs is None


def test_data_docs_list_every_shard_and_hold_no_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    docs = tmp_path / "site"
    secret = "a private matter"
    for shard in (pair(0), pair(1, prompt=user(secret), chosen=answer("")), pair(2, source="profiling one.jsonl:3")):
        found = run(table(shard), docs=Path("site"))
    half_written = docs / "results" / "pairs" / "test-r1-a0" / "20260101T000000.000000Z" / "campaign-shard.json"
    half_written.parent.mkdir()
    half_written.write_text('{"results": [')
    found = run(table(pair(4)), docs=docs)
    assert found.docs == docs / "index.html"
    index = found.docs.read_text()
    pages = [page.relative_to(docs).as_posix() for page in (docs / "validations").rglob("*.html")]
    assert len(pages) == 4 and all(page in index for page in pages)
    failed = [page for page in pages if "chosen is not empty" in (docs / page).read_text()]
    assert failed and "profiling-one.jsonl" in index
    assert not any(secret in file.read_text() for kind in ("*.html", "*.json") for file in docs.rglob(kind))
    assert {path.name for path in tmp_path.iterdir()} == {"site"}
    written = capfd.readouterr()
    assert written.out == "" and "Calculating" not in written.err


def test_shards_are_validated_on_several_threads() -> None:
    shards = [table(pair(number), pair(number + 1, chosen=answer(""))) for number in range(6)]
    with ThreadPoolExecutor(4) as pool:
        for number, found in enumerate(pool.map(run, shards)):
            assert found.valid["pair_id"].to_pylist() == [f"p{number}"]


def test_ten_thousand_pairs_are_told_apart() -> None:
    pairs = table(*(pair(number, chosen=answer("Yes" * (number % 7))) for number in range(10_000)))
    found = run(pairs)
    assert found.quarantined.num_rows == 1429
