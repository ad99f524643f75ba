"""Gold verdicts that people gave on the auditor's pages: from a campaign's inbox into the held-out one.

Reads: messages of kind `gold`, the open questions. Writes: answers (`warehouse.questions`); a message that answers no
open question, or may not, is put aside with the reason. Must not know: pages, or what the verdicts settle.
"""

from pathlib import Path

from warehouse.errors import PlumblineError
from warehouse.files import write_whole
from warehouse.hashing import canonical
from warehouse.inbox import take, waiting
from warehouse.questions import answer, open_questions

REFUSED = "refused"


def drain(campaign: Path) -> tuple[int, list[str]]:
    """Enter the gold messages of the campaign in the folder `campaign`: how many, and why others were refused."""
    heldout, entered, refused = campaign / "heldout", 0, list[str]()
    for message in waiting(campaign, "gold"):
        said = message.said
        try:
            known = {(question.pair_id, question.turn): question for question in open_questions(heldout)}
            asked = str(said.get("pair_id")), said.get("turn", 1)
            if asked not in known:
                raise PlumblineError(f"pair {asked[0]}: turn {asked[1]} waits for no answer")
            traits = [str(trait) for trait in said.get("traits", [])]
            answer(heldout, known[asked], str(said.get("verdict")), traits, str(said.get("reason", "")), message.who)
            entered += 1
        except PlumblineError as error:
            refused.append(f"{message.who}: {error}")
            row = {"who": message.who, "given": message.given, "said": said, "reason": str(error)}
            write_whole(message.file.parent / REFUSED / message.file.name, canonical(row) + b"\n")
        take(message)
    return entered, refused
