"""The generator side's end of the gate where the audit is a deployment: it asks for a run of it and waits.

Reads: the state of that run, which holds the answer. Writes: a round's handover. Must not know: what `flows/auditor.py`
must not.
"""

import json
import time
from pathlib import Path

import pyarrow as pa
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun
from prefect.deployments import run_deployment
from prefect.exceptions import ObjectNotFound
from prefect.settings import PREFECT_API_URL

from flows.auditor import ANSWERS
from flows.handover import Circumstances, hand_over
from flows.progress import Progress
from flows.round import Examined
from warehouse.errors import PlumblineError

PATIENCE = 1.0  # seconds between two looks


class DeployedAuditor:
    """As `flows.auditor.Auditor`: the same question, the same answers."""

    def __init__(self, folder: Path, deployment: str, progress: Progress) -> None:
        """Raises PlumblineError when the server knows no such deployment."""
        self.folder, self._deployment, self._progress = folder, deployment, progress
        self.seals: dict[int, str] = {}
        with get_client(sync_client=True) as client:
            try:
                client.read_deployment_by_name(deployment)
            except (ObjectNotFound, ValueError) as error:
                url = PREFECT_API_URL.value()
                raise PlumblineError(
                    f"audit.deployment: {url} knows no deployment {deployment!r}; "
                    "type prefect --no-prompt deploy --all, or set PREFECT_API_URL to a server that does"
                ) from error

    def ask(self, about: Circumstances, done: Examined, labelled: pa.Table | None = None) -> str:
        """The gate's answer on a round, the same whenever it is asked. It is waited for as long as it takes.

        Raises PlumblineError with the audit's own line when it cannot answer, or when its run ends otherwise."""
        hand_over(self.folder, about, done, labelled)
        self._progress.stage(f"audit {about.round}", 100)
        asked = {"campaign": about.campaign, "round": about.round}
        run = self._ended(run_deployment(self._deployment, parameters=asked, timeout=0))  # type: ignore[arg-type]
        assert run.state
        if not run.state.is_completed():
            told = f"the audit's run {run.name} ended as {run.state.name}"
            raise PlumblineError(str(run.state.message) if run.state.is_failed() else f"{told}; run the campaign again")
        said = json.loads(str(run.state.message))
        self.seals = {int(number): seal for number, seal in said["seals"].items()}
        assert said["answer"] in ANSWERS
        return str(said["answer"])

    def _ended(self, run: FlowRun) -> FlowRun:
        with get_client(sync_client=True) as client:
            stands = ""
            while not (run.state and run.state.is_final()):
                now = run.state.name if run.state and run.state.name else "asked"
                if now != stands:
                    stands = now
                    self._progress.step(f"{self._deployment}: {now.lower()}")
                    if now == "Late":
                        self._progress.say(f"{self._deployment}: no worker has taken up the audit yet")
                time.sleep(PATIENCE)
                run = client.read_flow_run(run.id)
        return run
