"""Which published dataset is meant, and whether it may be trained on.

Reads: `<home>/<campaign>/dataset/`, or any folder with a published version; the campaign's record, by its snapshot.
Writes: nothing. Must not know: what is done with the pairs.
"""

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq

from flows.settings import Campaign
from models.organism.parse import kind
from warehouse.errors import PlumblineError
from warehouse.hashing import content_hash, short
from warehouse.snapshot import about_snapshot, open_snapshot
from warehouse.store import Store, home

ROWS, MARK = "train.parquet", "QUARANTINED.md"
NAMED = re.compile("[0-9a-f]{12}")
"""A folder that is named after the version in it; a copy may be called otherwise."""


class Published(NamedTuple):
    """A version: `rows` as they were published; `campaign` is its folder below home, which need not be there."""

    folder: Path
    version: str
    rows: list[dict[str, Any]]
    campaign: Path

    @property
    def name(self) -> str:
        return f"{self.campaign.name}@{short(self.version)}"

    def record(self) -> Store:
        """The campaign's record as its last snapshot has it, to be read while the campaign runs.

        Raises PlumblineError where the campaign is not here, or its record does not have the version's pairs.
        """
        if not about_snapshot(self.campaign / "author"):
            raise PlumblineError(f"{self.campaign}: no campaign has run here; set PLUMBLINE_HOME to where it ran")
        return open_snapshot(self.campaign / "author")

    def settings(self) -> Campaign:
        """The campaign's own, as recorded."""
        with self.record() as store:
            found = store.query("SELECT config FROM campaigns WHERE campaign = ?", self.campaign.name)["config"]
        if not len(found):
            raise PlumblineError(f"{self.campaign}: its record does not say what it was run with; run it again")
        return Campaign.model_validate_json(found.to_pylist()[0])

    @property
    def over(self) -> bool:
        """Whether the campaign has ended; one that is not here tells nobody anything any more."""
        about = about_snapshot(self.campaign / "author")
        return bool(about.get("over")) or not self.campaign.exists()


def published(dataset: str) -> Published:
    """`dataset`: CAMPAIGN for its current version, CAMPAIGN@VERSION with any prefix of it, or a version's folder.

    Raises PlumblineError where there is none, or where its rows are not what was published.
    """
    folder = Path(dataset) if (Path(dataset) / ROWS).is_file() else _of_campaign(dataset)
    try:
        rows = pq.read_table(folder / ROWS, partitioning=None).to_pylist()
        version, campaign = content_hash(rows), str(rows[0]["campaign"])
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise PlumblineError(
            f"{folder / ROWS}: no pairs of a published dataset in it ({error!r}); publish it again"
        ) from error
    if NAMED.fullmatch(folder.name) and not version.startswith(folder.name):
        raise PlumblineError(
            f"{folder / ROWS}: its rows are version {short(version)}, not what was published here; go back to a copy"
        )
    return Published(folder, version, rows, home() / campaign)


def trainable(rows: list[dict[str, Any]], without: tuple[str, ...]) -> list[dict[str, Any]]:
    """The rows but for those whose prompt is of a kind of the organism's world that is held back."""
    return [row for row in rows if not without or kind(row["prompt"][-1]["content"]) not in without]


def refuse_tainted(found: Published) -> None:
    """Raises PlumblineError where the version is quarantined or recalled, wherever that is written."""
    why = "its folder says so" if (found.folder / MARK).is_file() else ""
    listed = found.campaign / "dataset" / "versions.json"
    if not why and listed.is_file():
        told = [one for one in json.loads(listed.read_bytes()) if one["version"] == found.version]
        alarms = [one["quarantined"] for one in told if one["quarantined"] is not None]
        why = f"by the alarm in round {alarms[0]}" if alarms else ""
    if not why and about_snapshot(found.campaign / "author"):
        with found.record() as store:
            why = _marked(store, found)
    if why:
        raise PlumblineError(
            f"{found.name} is quarantined or recalled ({why}), so nothing is trained on it; take a version without the "
            f"mark: {found.campaign.name} alone names the current one"
        )


def _of_campaign(dataset: str) -> Path:
    name, _, wanted = dataset.partition("@")
    folder = home() / name / "dataset"
    if not (folder / "current.json").is_file():
        raise PlumblineError(
            f"{dataset}: neither a folder with {ROWS} nor a campaign in {home()} that has published; "
            "name CAMPAIGN, CAMPAIGN@VERSION or a version's folder"
        )
    if not wanted:
        return folder / json.loads((folder / "current.json").read_bytes())["path"]
    length = min(len(wanted), 12)
    found = sorted(one for one in folder.iterdir() if one.is_dir() and one.name[:length] == wanted[:length])
    if len(found) != 1:
        there = ", ".join(sorted(one.name for one in folder.iterdir() if one.is_dir()))
        raise PlumblineError(f"{dataset}: {len(found)} versions begin like that; there are {there}")
    return found[0]


def _marked(store: Store, found: Published) -> str:
    sql = "SELECT alarm FROM quarantined_datasets WHERE version = ? AND campaign = ? ORDER BY alarm"
    alarms = store.query(sql, found.version, found.campaign.name)["alarm"].to_pylist()
    if alarms:
        return f"by the alarm in round {alarms[0]}"
    if not store.query("SELECT 1 FROM information_schema.tables WHERE table_name = 'recalls'").num_rows:
        return ""  # a snapshot older than recalls
    recalled = store.query("SELECT 1 FROM recalls WHERE version = ? LIMIT 1", found.version).num_rows
    return "by a person" if recalled else ""
