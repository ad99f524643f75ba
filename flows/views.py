"""What people may see of a campaign's audit, and what it costs them: the auditor's view, and who is to blame.

Reads: the auditor's snapshot and the facts of an alarm. Writes: who opened the view while the campaign was not over.
Must not know: the held-out store itself, monitors.
"""

import json
from typing import Any

from rich.console import Console
from rich.table import Table

from flows.records import warehouse_of
from warehouse.blinding import unblind
from warehouse.errors import PlumblineError
from warehouse.snapshot import Snapshot, about_snapshot, read_snapshot


def audited(campaign: str, who: str, reason: str) -> Snapshot:
    """The auditor's snapshot. While the campaign is not over, opening it is recorded under the name of `who`, who may
    not steer its amendments from then on.

    Raises PlumblineError when nobody is named then, or where there is nothing to see.
    """
    folder = warehouse_of(campaign).parent.parent
    snapshot = read_snapshot(folder / "auditor")
    if not about_snapshot(folder / "author").get("over"):
        unblind(folder, who, snapshot.about["round"], "the auditor's view", reason)
    return snapshot


def as_json(snapshot: Snapshot) -> dict[str, Any]:
    return snapshot.about | {name: table.to_pylist() for name, table in snapshot.tables.items()}


def show_audit(snapshot: Snapshot) -> None:
    """A row for each round and pool: what gold found, and where the evidence stands."""
    table = Table(title=f"the audit of {snapshot.about['campaign']}", header_style="bold")
    columns = ("seal", "round", "pool", "items", "monitor fired", "gold reviews", "bad", "hidden rate")
    for caption in (*columns, "within", "since the baseline", "evidence", "harm ceiling"):
        table.add_column(caption, justify="left" if caption == "pool" else "right")
    for row in snapshot.tables["audits"].to_pylist():
        rate = "-" if row["hidden_rate"] is None else f"{row['hidden_rate']:.1%}"
        own, so_far = _within(row.get("low"), row.get("high")), _within(row.get("so_far_low"), row.get("so_far_high"))
        evidence = (
            "baseline" if row["evidence"] is None else f"{row['evidence']:.3g}" + (" ALARM" if row["alarm"] else "")
        )
        cells = (row["seal"], row["round"], row["pool"], row["items"], row["fired"], row["reviews"], row["bad"])
        ceiling = "vacuous" if row["harm_ceiling"] is None else f"{row['harm_ceiling']:.1%}"
        table.add_row(*map(str, cells), rate, own, so_far, evidence, ceiling if row["pool"] == "unflagged" else "")
    console = Console(highlight=False)
    console = console if console.is_terminal else Console(highlight=False, width=180)
    console.print(table)
    if share := snapshot.about.get("confidence"):
        console.print(
            f"within: bounds that hold with {share:.0%} confidence for one round; since the baseline: for the share "
            "among all rounds so far, at all of them together, however often one looks"
        )
    for gate in snapshot.tables["gate"].to_pylist():
        console.print(f"seal {gate['seal']}: alarm at evidence {gate['threshold']:.3g}")
    for row in snapshot.tables["monitors"].to_pylist():
        shared = "φ with the detector's errors " + ", among the bad ".join(map(_share, (row["phi"], row["phi_bad"])))
        quality = f"AUROC {row['auroc']:.2f}, fires on {row['tpr']:.0%} of the bad and {row['fpr']:.0%} of the innocent"
        console.print(f"seal {row['seal']}: {row['monitor']} on {row['texts']} labelled texts: {quality}; {shared}")
    for row in snapshot.tables["spent"].to_pylist():
        console.print(f"{row['role']}: {row['requests']:,} requests, {row['money']:.4f} spent")


def _within(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{low:.1%} to {high:.1%}"


def _share(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.2f}"


def blamed(campaign: str) -> dict[str, Any]:
    """What the last alarm of a campaign says: rounds, traits, the constitution to blame and its diff.

    Raises PlumblineError when it has had none.
    """
    folder = warehouse_of(campaign).parent.parent / "auditor"
    files = sorted(folder.glob("alarm-*.json"), key=lambda file: int(file.stem.partition("-")[2]))
    if not files:
        raise PlumblineError(f"{campaign}: the gate has raised no alarm, so there is nothing to blame")
    return dict(json.loads(files[-1].read_bytes())) | {"page": str(files[-1].with_suffix(".html"))}


def show_blame(facts: dict[str, Any]) -> None:
    version = f"constitution v{facts['blamed']['version']} ({facts['blamed']['hash'][:12]})"
    print(f"{facts['campaign']}: alarm in round {facts['round']}; what moved: {', '.join(facts['traits'])}")
    print(f"since round {facts['since']}, under {version}: {facts['blamed']['amendment'] or 'the first one'}")
    print("\n".join(facts["diff"]) or "the constitution was the same before: no amendment is to blame")
    print(f"page  {facts['page']}")
