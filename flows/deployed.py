"""The campaign as a deployment: the same flow, asked for by plain JSON, on a worker of the work pool `generator`.

Reads: the campaign file. Writes: what `plumbline run` writes. Must not know: schedules, or who asked.
"""

from pathlib import Path
from uuid import UUID

from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
from prefect.states import Completed, Failed

from flows.settings import Campaign, load_campaign
from flows.worker import at_home
from warehouse.errors import PlumblineError
from warehouse.hashing import short


@flow(name="campaign", persist_result=False)
def campaign(file: str = "", auditor: str = "") -> State:
    """Run a campaign to its end, or the rest of it.

    Args:
        file: Campaign file (YAML), absolute or relative to PLUMBLINE_HOME; none: the shipped campaign.
        auditor: Deployment that audits it, in place of the file's `audit.deployment`.
    """
    try:
        here = at_home()
        return _run(chosen(here / file if file else None, auditor))
    except PlumblineError as error:
        return Failed(message=str(error))


def chosen(file: Path | None, auditor: str) -> Campaign:
    settings = load_campaign(file)
    audit = settings.audit.model_copy(update={"deployment": auditor or settings.audit.deployment})
    return settings.model_copy(update={"audit": audit})


def _run(settings: Campaign) -> State:
    from flows import campaign as campaigns
    from flows.progress import Progress

    # This run's own heartbeat has begun and goes on; of the flows inside each would wait a second for the end of its.
    quiet = temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None})
    with Progress() as progress, quiet, campaigns.at_work(settings, progress) as shop:
        _sign(settings.name, campaigns.tag_of(shop))
        report = campaigns.report(shop, campaigns.campaign_flow.fn(settings.name, shop))
    told = f"{settings.name}: {len(report.rounds)} rounds, chain {short(report.chain)}"
    return Completed(message=f"{told}; the gate rang: {report.alarm}" if report.alarm else told)


def _sign(name: str, tag: str) -> None:
    """The campaign's name and tag for this run: should it be killed, the next one finds it and marks it crashed."""
    with get_client(sync_client=True) as client:
        client.update_flow_run(UUID(flow_run.get_id()), name=name, tags=[*flow_run.get_tags(), tag])
