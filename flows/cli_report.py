"""The command `plumbline report`: a campaign as one web page to send.

Must not know: what is in it.
"""

from pathlib import Path

from flows.output import DEFAULT, Output, answer


def report(
    campaign: str = "embedded", /, *, out: Path, who: str = "", reason: str = "", output: Output = DEFAULT
) -> None:
    """Write one self-contained HTML file about a campaign: asked, made, moved, the evidence, limits.

    It reads snapshots, so a running campaign never waits. While the campaign is not over, held-out figures are left
    out; with --who they are in, which is recorded under your name, and you may not steer its amendments any more.

    Example: `plumbline report embedded --out report.html`

    Parameters
    ----------
    campaign
        Name of the campaign, as it stands below PLUMBLINE_HOME.
    out
        The HTML file to write.
    who
        Your name, to see held-out figures while the campaign is not over.
    reason
        Why you look, for the record.
    """
    from flows.report_page import write_report

    found = write_report(campaign, out, who, reason)
    facts = {"campaign": campaign, "file": str(out), "rounds": len(found.rounds), "evidence": found.audit is not None}
    told = "" if found.audit or not found.watched else " (held-out figures left out: it is not over)"
    answer(output, facts, lambda: print(f"{campaign}: {out}{told}"))
