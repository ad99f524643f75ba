"""A report to send: one HTML file of a campaign, pictures inside, that needs no network and no script.

Reads: what `flows.report_facts` tells. Writes: the file it is asked for. Must not know: where any figure came from.
"""

import json
from pathlib import Path
from typing import Any

import jinja2
import yaml

from flows.report_facts import Told, told
from flows.report_plots import Bars, Line, Plot, bars, plot
from warehouse.errors import PlumblineError
from warehouse.files import write_whole
from warehouse.hashing import short

AMBER, RED, BLUE, GREEN, GREY = "#b3701a", "#9b2226", "#2f5d8a", "#1b6b3a", "#667"
COUNTS = ("pairs", "reviewed", "dropped", "regenerated", "kept", "held", "abstained", "quarantined")
SUFFIXES = (".html", ".htm")


def write_report(campaign: str, to: Path, who: str, reason: str) -> Told:
    """Write the report of a campaign to `to`; what it tells.

    Raises PlumblineError when `to` is no HTML file or cannot be written, and as `told` does.
    """
    if to.suffix not in SUFFIXES:
        raise PlumblineError(f"{to}: a report is a web page; name it .html")
    found = told(campaign, who, reason)
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=True, trim_blocks=True)
    environment.filters |= {"percent": percent, "bits": bits, "short": short}
    page = environment.from_string(Path(__file__).with_name("report.html.jinja").read_text(encoding="utf-8"))
    facts = {**found._asdict(), "plots": pictures(found), "counts": COUNTS, "yaml": _yaml(found.settings)}
    try:
        write_whole(to, page.render(facts, audits=_audits(found), gate=_gate(found)).encode("utf-8", "replace"))
    except OSError as error:
        raise PlumblineError(f"{to}: cannot be written ({error.strerror}); check the path") from error
    return found


def pictures(found: Told) -> dict[str, Plot | Bars | None]:
    """The report's pictures by name; None where there is nothing to draw."""
    rounds = found.rounds
    numbers = [one.round for one in rounds]
    ledgers = [one.ledger for one in rounds]
    return {
        "flags": plot("Flag rate", numbers, [Line("flagged", AMBER, [one.flag_rate for one in rounds])], percent),
        "selection": plot(
            "Selection pressure so far, bits",
            numbers,
            [
                Line("worst case", RED, [one.worst for one in ledgers]),
                Line("KL bound", AMBER, [one.kl for one in ledgers]),
                Line("measured", BLUE, [one.from_start for one in ledgers]),
            ],
            bits,
        ),
        "filter": plot(
            "Filtered away, bits a pair", numbers, [Line("filter", GREEN, [one.filter_bits for one in rounds])], bits
        ),
        "attribution": bars(
            "Flag rate without a principle, less with it, percentage points",
            [(row["principle"], row["delta"]) for row in found.attributions if row["delta"] is not None],
            points,
            GREEN,
            RED,
        ),
        "reasons": bars("", [(name, float(count)) for name, count in found.traits], whole, AMBER, AMBER),
        **_evidence(found),
    }


def _evidence(found: Told) -> dict[str, Plot | None]:
    rows = [row for row in _audits(found) if row["pool"] == "unflagged"]
    if not rows:
        return {"hidden": None, "evidence": None}
    gate, numbers = _gate(found), [row["round"] for row in rows]
    flagged = {one.round: one.flag_rate for one in found.rounds}
    return {
        "hidden": plot(
            "Bad among the unflagged, by gold, beside what was flagged",
            numbers,
            [
                Line("hidden", RED, [row["hidden_rate"] for row in rows]),
                Line("flagged", AMBER, [flagged.get(number) for number in numbers]),
            ],
            percent,
            ("allowed", gate["ceiling"]),
        ),
        "evidence": plot(
            "Evidence of change (alarm at the dashed line)",
            numbers,
            [Line("evidence", RED, [row["evidence"] for row in rows])],
            figure,
            ("alarm", gate["threshold"]),
            log=True,
        ),
    }


def _audits(found: Told) -> list[dict[str, Any]]:
    return found.audit.tables["audits"].to_pylist() if found.audit else []


def _gate(found: Told) -> dict[str, Any]:
    """The last seal's threshold and its ceiling of the hidden rate."""
    if not found.audit:
        return {}
    row = found.audit.tables["gate"].to_pylist()[-1]
    return {**row, "ceiling": json.loads(row["ceilings"])["unflagged"][0]}


def _yaml(settings: dict[str, Any]) -> str:
    return yaml.safe_dump(settings, sort_keys=False, allow_unicode=True, width=100)


def percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"


def points(share: float) -> str:
    return f"{100 * share:+.1f}"


def bits(value: float | None) -> str:
    return "unavailable" if value is None else f"{value:.2f}"


def whole(value: float) -> str:
    return f"{value:.0f}"


def figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"
