"""A campaign's inbox: what people say, one file each, until the campaign's single writer takes it into the record.

Whoever shows a campaign to people may write here and nowhere else. Reads and writes: `<campaign>/inbox/`. Must not
know: what the messages mean, or what becomes of them.
"""

import json
import os
import time
from pathlib import Path
from typing import Any, Literal, NamedTuple

from warehouse.errors import PlumblineError
from warehouse.files import write_whole
from warehouse.hashing import canonical, content_hash

FOLDER = "inbox"
TAKEN = "taken"

Kind = Literal["verdict", "approval", "revert"]


class Message(NamedTuple):
    """`given`: when it was said, microseconds since 1970, UTC."""

    file: Path
    who: str
    given: int
    said: dict[str, Any]


def put(campaign: Path, kind: Kind, who: str, said: dict[str, Any]) -> Path:
    """Leave a message in the inbox of the campaign in the folder `campaign`; the file it is in.

    Raises PlumblineError when nobody is named.
    """
    if not who.strip():
        raise PlumblineError("say who you are; the record keeps the name")
    row = {"who": who.strip(), "given": time.time_ns() // 1000, "said": said}
    file = campaign / FOLDER / f"{kind}-{row['given']}-{content_hash(row)[:12]}.json"
    write_whole(file, canonical(row) + b"\n")
    return file


def waiting(campaign: Path, kind: Kind) -> list[Message]:
    """The messages of a kind that nobody has taken yet, oldest first.

    Raises PlumblineError naming a file that is no message.
    """
    found = []
    for file in (campaign / FOLDER).glob(f"{kind}-*.json"):
        try:
            row = json.loads(file.read_bytes())
            found.append(Message(file, str(row["who"]), int(row["given"]), dict(row["said"])))
        except FileNotFoundError:
            continue  # taken just now
        except (ValueError, KeyError, TypeError) as error:
            raise PlumblineError(f"{file}: is no message ({error}); take it out of the inbox") from error
    return sorted(found, key=lambda message: (message.given, message.file.name))


def take(message: Message) -> None:
    """Put a message aside once it is in the record; nothing is deleted."""
    aside = message.file.parent / TAKEN
    aside.mkdir(exist_ok=True)
    os.replace(message.file, aside / message.file.name)
