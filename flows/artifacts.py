"""What Prefect's pages show of a campaign: a markdown and a table artifact per round, and one progress artifact.

Must not know: how any figure came about.
"""

import re
from typing import cast
from uuid import UUID

from prefect.artifacts import (
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)

from flows.summary import RoundSummary


class Shown:
    """Artifacts of one running campaign flow. Keys are lower case with dashes, as Prefect wants them."""

    def __init__(self, campaign: str, rounds: int) -> None:
        self.key, self.rounds = re.sub(r"[^a-z0-9]+", "-", campaign.lower()).strip("-"), rounds
        self.progress = cast(UUID, create_progress_artifact(0.0, key=f"{self.key}-progress", description=campaign))

    def round(self, summary: RoundSummary) -> None:
        key = f"{self.key}-round-{summary.round}"
        chosen = summary.amended.model_dump() if summary.amended else {}
        flagged = "none readable" if summary.flag_rate is None else f"{summary.flag_rate:.1%}"
        truth = summary.truth.model_dump(exclude={"reviewer"}) if summary.truth else {}
        create_table_artifact(
            [summary.model_dump(exclude={"truth", "amended"}) | chosen],
            key=f"{key}-table",
            description=f"round {summary.round}",
        )
        create_markdown_artifact(
            f"# Round {summary.round} ({summary.mode})\n\n"
            f"{summary.pairs} pairs, {flagged} flagged, {summary.reviewed} reviewed, "
            f"{summary.dropped} thrown out, {summary.regenerated} written anew, {summary.kept} kept.\n\n"
            f"Amendment: {summary.amendment or 'none'} ({summary.selection_bits:.2f} bits)\n\n"
            + "".join(f"- true {name.replace('_', ' ')}: {value}\n" for name, value in truth.items()),
            key=key,
            description=f"round {summary.round}",
        )
        update_progress_artifact(self.progress, progress=100.0 * summary.round / self.rounds)
