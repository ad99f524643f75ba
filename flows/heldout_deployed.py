"""The audit as a deployment: one round of one campaign, on a worker of the work pool `auditor`.

Reads and writes: what `flows/audit.py` does; `<campaign>/heldout/audit.log`. Must not know: who asked. What comes back
is the run's state: the answer and the seals' hashes, or in one line why there is no answer.
"""

import contextlib
import json
from typing import Annotated

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed
from pydantic import Field

from flows.settings import Name
from flows.worker import at_home
from warehouse.errors import PlumblineError


@flow(name="audit", flow_run_name="{campaign} audit {round}", persist_result=False)
def audit(campaign: Name, round: Annotated[int, Field(ge=0)]) -> State:
    """Answer on a round that was handed over.

    Args:
        campaign: Name of the campaign, as it stands below PLUMBLINE_HOME.
        round: Number of the round.
    """
    try:
        folder = at_home() / campaign
        if not (folder / "handover" / f"round-{round}" / "about.json").is_file():
            raise PlumblineError(f"{folder}: no round {round} here; the workers of both pools share one PLUMBLINE_HOME")
    except PlumblineError as error:
        return Failed(message=str(error))
    from flows.audit import audit_flow, desk, said

    (folder / "heldout").mkdir(exist_ok=True)
    with open(folder / "heldout" / "audit.log", "a", encoding="utf-8") as log, contextlib.redirect_stderr(log):
        try:
            with desk(folder) as opened:
                told = said(opened, round, audit_flow.fn)
        except PlumblineError as error:
            told = {"error": str(error)}
    return Failed(message=str(told["error"])) if "error" in told else Completed(message=json.dumps(told))
