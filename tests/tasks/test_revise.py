"""A reviser proposes one edit a candidate; what does not fit is asked for again, and nothing is told to it of flags."""

import json
from pathlib import Path
from typing import Any

import pytest
from talking_server import talking_server

from constitutions.document import Constitution, Principle, render
from models.endpoint import ChatEndpoint, Endpoint
from tasks.revise import Edit, applied, revise

START = Constitution(
    name="c", principles=tuple(Principle(id=name, text=f"be {name}") for name in ("warm", "clear", "brief"))
)
NEW = {"id": "kind", "text": "be kind"}
EDITS = {
    "add": ({"operation": "add", **NEW}, ["warm", "clear", "brief", "kind"]),
    "drop": ({"operation": "drop", "principle": "clear"}, ["warm", "brief"]),
    "swap": ({"operation": "swap", "principle": "clear", **NEW}, ["warm", "kind", "brief"]),
    "reword": ({"operation": "reword", "principle": "clear", "text": "say it plainly"}, ["warm", "clear", "brief"]),
    "add what is there": ({"operation": "add", "id": "warm", "text": "x"}, None),
    "add nothing": ({"operation": "add", "id": "kind"}, None),
    "swap for another that is there": ({"operation": "swap", "principle": "clear", "id": "warm", "text": "x"}, None),
    "drop what is not there": ({"operation": "drop", "principle": "proud"}, None),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_fits_or_it_does_not(edit: str) -> None:
    told, ids = EDITS[edit]
    changed = applied(START.principles, Edit(**told), most=6)
    assert (changed and [principle.id for principle in changed]) == ids


def test_a_critique_is_shown_to_the_reviser_and_stays_with_its_principle() -> None:
    held = (Principle(id="warm", text="be warm", critique="was it cold?"), START.principles[1])
    plain, told = (render("reviser", principles=some, fewest=2, most=6).text for some in (START.principles[:2], held))
    assert told == plain.replace("- warm: be warm", "- warm: be warm (to see whether it was kept: was it cold?)")
    assert "be warm\n- clear: be clear\n" in plain
    changed = applied(held, Edit(operation="reword", principle="warm", text="be kind"), most=6)
    assert changed == (Principle(id="warm", text="be kind", critique="was it cold?"), held[1])
    swapped = applied(held, Edit(operation="swap", principle="warm", **NEW), most=6)
    assert swapped == (Principle(**NEW), held[1])


def test_neither_too_few_nor_too_many() -> None:
    two = START.principles[:2]
    assert applied(two, Edit(operation="drop", principle="warm"), most=6) is None
    assert applied(two, Edit(operation="add", **NEW), most=2) is None


def test_bad_proposals_are_asked_for_again_and_equal_ones_count_once(tmp_path: Path) -> None:
    told = [EDITS[name][0] for name in ("add", "drop what is not there", "add", "drop", "reword", "swap")]
    replies = [json.dumps(edit) for edit in told]

    def reply(prompt: str, body: dict[str, Any]) -> str:
        return replies.pop(0) if replies else "no more"

    with talking_server(reply) as server:
        one_by_one = Endpoint(url=server.url, model="m", concurrency=1)
        found = revise(START, ChatEndpoint.open(one_by_one, "reviser", tmp_path), 6, 3, seed=1)
    assert sorted(one.amendment for one in found) == ["add kind", "drop clear", "reword clear"]
    assert {one.parent for one in found} == {START.hash} and {one.version for one in found} == {1}
    assert all("flag" not in body["messages"][0]["content"] for body in server.asked)


def test_what_was_rejected_is_not_proposed_again(tmp_path: Path) -> None:
    replies = [json.dumps(EDITS[name][0]) for name in ("add", "add", "drop")]
    never = [frozenset((*START.principles, Principle(**NEW)))]
    with talking_server(lambda *_: replies.pop(0)) as server:
        one_by_one = Endpoint(url=server.url, model="m", concurrency=1)
        (found,) = revise(START, ChatEndpoint.open(one_by_one, "reviser", tmp_path), 6, 1, 1, never)
    assert found.amendment == "drop clear" and not replies
