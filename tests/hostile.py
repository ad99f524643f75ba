"""Ten thousand strings that want to be more than text, and a snapshot whose every foreign field holds some of them."""

import json
import random
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
from synthetic import tables

from warehouse.hashing import pair_id
from warehouse.inbox import put
from warehouse.shapes import MESSAGES
from warehouse.snapshot import publish_snapshot
from warehouse.store import Store

AFAR = "http://192.0.2.1"  # an address that nobody has
SHORT = [
    "<script>alert(1)</script>",
    f'<script src="{AFAR}/x.js"></script>',
    f'<img src="{AFAR}/x.png" onerror="alert(1)">',
    "<svg/onload=alert(1)>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    f"<style>@import '{AFAR}/x.css';*{{display:none}}</style>",
    f'<link rel="stylesheet" href="{AFAR}/x.css">',
    f'<meta http-equiv="refresh" content="0;url={AFAR}">',
    "<body onload=alert(1)>",
    '"><script>alert(1)</script>',
    "' onmouseover='alert(1)' x='",
    '" autofocus onfocus="alert(1)" x="',
    "</div></div></mark><h1>out of the box</h1>",
    "<!-- <![CDATA[ ]]> --!>",
    "<details open ontoggle=alert(1)><summary>x",
    "<a href='javascript:alert(1)'>x</a>",
    "<math><mtext></p><style><img src=x onerror=alert(1)>",
    "&lt;script&gt;alert(1)&lt;/script&gt; &amp;#0; &#x202e; &nbsp;",
    f"![picture]({AFAR}/x.png)",
    "[link](javascript:alert(1))",
    ":red[red] :material/delete: :streamlit: :smile: :blue-background[x]",
    r"$\href{javascript:alert(1)}{x}$ $$\frac{1}{0}$$",
    "`code` ~~gone~~ **bold** # title\n---\n| a | b |\n|---|---|",
    "{{7*7}} {% raw %} ${7*7} <%= 7*7 %> #{7*7}",
    "'; DROP TABLE pairs; -- \\' OR 1=1",
    "\x1b[31mred\x1b[0m \x1b]0;title\x07 \x1b[2J",
    "a\x00b \x01\x02\x08\x0b\x0c\x7f\x85",
    "carriage\rreturn\r\nfeed\u2028line\u2029paragraph\x1c",
    "\u202egnp.exe\u202c \u2066x\u2069 \u200f\u200e",
    "\u0645\u0631\u062d\u0628\u0627 \u05e9\u05dc\u05d5\u05dd <b>",
    "z\u0301\u0302\u0303\u0304\u0305\u0306" * 8,
    "\u200b\ufeff\u00ad\u2060\u180e",
    "\U000e0001\U000e0041 \U0001f468\u200d\U0001f469\u200d\U0001f467 \ufffd\ufffe\uffff",
    "NaN null undefined true -0 1e999 0x1F",
    "../../../../etc/passwd%00 \\\\host\\share CON",
    "=1+1 @SUM(1) +cmd|' /C calc'!A0",
    "=" * 3000,
    " " * 50,
    "\t\t\n\n\n",
    "",
]
SURROGATES = ["\ud800", "lone \udfff end", "\udc00\ud800<script>"]


def strings(count: int = 10_000, seed: int = 0) -> list[str]:
    """The short ones first, then pieces of them cut and joined at random, with a random character here and there."""
    draw = random.Random(seed)
    found = list(SHORT)
    while len(found) < count:
        parts = [draw.choice(SHORT)[draw.randrange(4) :][: draw.randrange(5, 60)] for _ in range(draw.randrange(1, 4))]
        strange = chr(
            draw.choice([draw.randrange(0x20), draw.randrange(0x80, 0xD800), draw.randrange(0xE000, 0x2FFFF)])
        )
        found.append(draw.choice(["", " ", "\n", strange]).join(parts))
    return found


class Snapshot(NamedTuple):
    """`pairs`: the ids, those that hold the ten thousand strings first, then two with a text of a megabyte."""

    home: Path
    pairs: list[str]


def publish(home: Path, campaign: str = "hostile", a_text: int = 280) -> Snapshot:
    """Pairs whose three texts have `a_text` messages each, and hostile words in every other field there is."""
    found = strings()
    count = -(-len(found) // (3 * a_text))
    made = tables(count + 2, campaign)
    texts = [found[start : start + a_text] for start in range(0, len(found), a_text)]
    texts += [["x"]] * (3 * count - len(texts))
    texts += [["<script>alert(1)</script>" * 40_000], ["\u202e" + "w" * 1_000_000], ["\x00" * 1000]] * 2
    ids, columns = [], {"prompt": [], "chosen": [], "rejected": []}  # type: ignore[var-annotated]
    for place in range(count + 2):
        three = [
            [{"role": SHORT[number % 36], "content": text} for number, text in enumerate(texts[3 * place + side])]
            for side in range(3)
        ]
        ids.append(pair_id(*three, [campaign, 0, place, 0]))
        for name, turns in zip(columns, three, strict=True):
            columns[name].append(turns)
    new = dict(zip(made.pairs["pair_id"].to_pylist(), ids, strict=True))
    pairs = made.pairs.to_pydict() | columns | {"pair_id": ids}
    pairs |= {name: [SHORT[place % 36] for place in range(count + 2)] for name in ("source", "source_id", "sampling")}
    pairs["prompt"] = pa.array(columns["prompt"], MESSAGES)
    filled = {"pairs": pa.table(pairs, schema=made.pairs.schema)}
    for name in ("readings", "verdicts", "decisions"):
        rows = getattr(made, name).to_pydict()
        rows["pair_id"] = [new[each] for each in rows["pair_id"]]
        if name == "readings":
            words = [[word, 0.5] for word in ["script", "alert", "lone", *SHORT[:20], *SURROGATES]]
            rows["tokens"] = [json.dumps(words)] * len(rows["pair_id"])
            rows["trait"] = [f"{trait} {SHORT[2]} $x$ :red[y]" for trait in rows["trait"]]
        for field in {"reason", "raw", "reviewer", "abstained"} & set(rows) - {"abstained"}:
            rows[field] = [SHORT[place % 36] for place in range(len(rows["pair_id"]))]
        if name == "verdicts":
            rows["traits"] = [json.dumps([SHORT[0], SURROGATES[0]])] * len(rows["pair_id"])
        filled[name] = pa.table(rows, schema=getattr(made, name).schema)
    with Store.open(home / "empty.duckdb") as store:
        names = store.query("SELECT table_name FROM duckdb_tables()")["table_name"].to_pylist()
        empty = {name: store.query(f'SELECT * FROM "{name}"') for name in names}
    said = [
        {"campaign": campaign, "pair_id": each, "number": 1, "round": 0, "who": SHORT[1], "given": 1, "note": SHORT[2]}
        | {"verdict": "unsure", "traits": json.dumps([SHORT[3], SURROGATES[1]]), "shown": ""}
        for each in ids[:2]
    ]
    filled["person_verdicts"] = pa.Table.from_pylist(said, schema=empty["person_verdicts"].schema)
    about = {"campaign": campaign, "round": 0, "planned": 1, "over": True}
    publish_snapshot(home / campaign / "author", empty | filled, about)
    note = {"verdict": "unsure", "traits": [SHORT[4], SURROGATES[2]], "note": SURROGATES[1] + SHORT[0], "shown": ""}
    put(home / campaign, "verdict", SHORT[0] + SURROGATES[0], {"pair_id": ids[2], **note})
    return Snapshot(home, ids)
