"""The commands of operation: `plumbline serve` and `plumbline automations`.

Like the others they import what they need when they run. Must not know: how any of it is done.
"""

import sys
from typing import Annotated

from cyclopts import Parameter

from flows.output import DEFAULT, Output, answer
from warehouse.store import home

WEBHOOK = Parameter(env_var="PLUMBLINE_WEBHOOK")
NEXT = """
prefect server  {server}
dashboard       {dashboard}
logs            {logs}

In another terminal:
  export PREFECT_API_URL={api}
  prefect deployment run campaign/generator                        the shipped campaign, now
  prefect deployment run campaign/generator --param file=MINE.yaml  a campaign of yours, below {home}
  prefect deployment schedule ls campaign/generator                its schedule, which is off until you resume it

Ctrl-C ends all of it; a campaign that was running goes on when it is asked for again.
"""


def serve(
    *,
    port: int = 4200,
    dashboard_port: int = 8501,
    webhook: Annotated[str, WEBHOOK] = "",
    output: Output = DEFAULT,
) -> None:
    """Bring up a Prefect server, a worker for each work pool, the deployments and the dashboard, until Ctrl-C.

    Example: `plumbline serve`

    Parameters
    ----------
    port
        The port of the Prefect server.
    dashboard_port
        The port of the dashboard. Both listen on this machine alone; there is no password: put a proxy before them.
    webhook
        Where alarms are told, as JSON by POST; better given in the environment, for it is often a secret.
    """
    from flows.prefect_setup import quiet
    from flows.serve import served

    quiet(output.debug)
    try:
        with served(home(), port, dashboard_port, webhook) as up:
            facts = {**up._asdict(), "logs": str(up.logs), "home": str(home().resolve())}
            del facts["children"]
            answer(output, facts, lambda: print(NEXT.format(**facts)))
            sys.stdout.flush()
            up.wait()
    except KeyboardInterrupt:
        print("all ended", file=sys.stderr)


def automations(*, webhook: Annotated[str, WEBHOOK] = "", output: Output = DEFAULT) -> None:
    """Set up, on the Prefect server of PREFECT_API_URL, what it does by itself: at an alarm, and at a silence.

    An alarm is told to your webhook and pauses the schedule of the deployment whose campaign was halted; a run whose
    heartbeats stop is called crashed. `plumbline serve` does this too.

    Example: `plumbline automations`

    Parameters
    ----------
    webhook
        Where alarms are told, as JSON by POST; better given in the environment, for it is often a secret.
    """
    from flows.prefect_setup import configured_server, quiet
    from warehouse.errors import PlumblineError

    if not configured_server():
        raise PlumblineError("no Prefect server is named: export PREFECT_API_URL=http://127.0.0.1:4200/api")
    quiet(output.debug)
    from flows.automations import set_up

    names = set_up(webhook)
    answer(output, {"automations": names}, lambda: print("set up: " + ", ".join(names)))
