"""Where a campaign meets the gate: hand a round over, enter the answer, and act on it.

Reads: the warehouse's own record of answers. Writes: answers, seals, modes and, once a campaign has ended, the versions
that were published; the event `plumbline.alarm`. Must not know: anything of a round's audit but the answer.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

from prefect.events import emit_event
from prefect.events.worker import EventsWorker
from prefect.settings import PREFECT_API_URL

from constitutions.document import Constitution
from flows.auditor import Auditor, auditor
from flows.auditor_deployed import DeployedAuditor
from flows.event_datasets import of_file, of_table
from flows.handover import Circumstances
from flows.known import labelled_texts
from flows.modes import Stretch, move_down, stretches
from flows.published import enter_version, versions
from flows.roles import ENDPOINT, endpoint_of
from flows.round import Examined
from flows.settled import settled
from flows.workshop import Workshop
from models.endpoint import Endpoint
from warehouse.chain import extend
from warehouse.errors import PlumblineError

EVENT = "plumbline.alarm"


class Gate:
    """The gate of an audited campaign, or none: then every answer is `go` and nothing is handed over."""

    def __init__(self, open_auditor: contextlib.ExitStack, shop: Workshop) -> None:
        self.audited = shop.settings.audit.gold != "off"
        self._usual = shop.settings.pairs
        self._auditor = _started(open_auditor, shop) if self.audited else None

    def baseline(self, stretch: Stretch, number: int) -> bool:
        """Whether the round is the one before the first amendment under its seal."""
        return self.audited and stretch.began == number

    def ask(
        self,
        shop: Workshop,
        number: int,
        stretch: Stretch,
        chain: list[Constitution],
        done: Examined,
        moved: float | None,
    ) -> str:
        """The answer on the round, entered in the record: `go` or `alarm`. What was decided is linked to the hash chain
        first, so that the published card can name a link that covers its pairs.

        Raises PlumblineError when the start is refused, and as `Auditor.ask` does.
        """
        campaign = shop.settings.name
        link = extend(shop.store, campaign, number, "examined")
        if not self.audited:
            return "go"
        answer = _recorded(shop).get(number)
        if answer is None:
            assert self._auditor is not None
            about = Circumstances(
                campaign=campaign,
                seed=shop.settings.seed,
                round=number,
                mode=stretch.mode,
                planned=shop.settings.rounds,
                pairs=self._usual,
                asked=shop.settings.pairs,
                seal=stretch.seal,
                baseline=self.baseline(stretch, number),
                traits=tuple(shop.detector.thresholds),
                audit=stretch.audit,
                gold=_gold(shop, stretch.audit.gold),
                chain=tuple(chain),
                sealed_prompts=shop.settings.sealed_prompts,
                prompts=shop.settings.prompts,
                addendum=shop.addendum,
                link=link,
                note=shop.note,
                moved=moved,
                cautions=shop.detector.profile.cautions,
                settled=settled(shop.store, campaign, number),
            )
            answer = self._auditor.ask(about, done, labelled_texts(shop) if about.baseline else None)
            if answer == "alarm":
                _emit(campaign, number)
            sealed = [{"campaign": campaign, "number": n, "seal": s} for n, s in self._auditor.seals.items()]
            shop.register(seals=sealed, gate_answers=[{"campaign": campaign, "round": number, "answer": answer}])
        later = any(one.began > number for one in stretches(shop.store, shop.settings))
        if answer == "refused" and not later:
            raise PlumblineError(
                f"{campaign}: the audit refuses mode update, too much is bad at the start already; take another "
                f"constitution, or go on without amending: plumbline resume {campaign} --mode regenerate --who YOU"
            )
        if answer == "alarm":
            move_down(shop.store, campaign, number)
        return "alarm" if answer == "alarm" else "go"

    def finish(self, shop: Workshop, number: int) -> None:
        """The campaign has ended, or stands still: only now its record learns what was published."""
        if self.audited:
            folder = shop.folder.parent
            for row in versions(folder):
                read = [of_table(shop.store, name) for name in ("pairs", "decisions", "readings", "verdicts")]
                with shop.events.run("publish", row["round"], read) as told:
                    place, what = folder / "dataset" / row["path"], f"version {row['version']}"
                    told.wrote(*(of_file(place / name, what) for name in row["files"]))
                    enter_version(shop.store, folder, row)
            extend(shop.store, shop.settings.name, number, "published")


@contextlib.contextmanager
def gate_of(shop: Workshop) -> Iterator[Gate]:
    with contextlib.ExitStack() as stack:
        yield Gate(stack, shop)


def _started(stack: contextlib.ExitStack, shop: Workshop) -> Auditor | DeployedAuditor | None:
    """The audit's deployment or process, unless the record has every answer already."""
    first = stretches(shop.store, shop.settings)[0].began
    answered = _recorded(shop)
    halted = list(answered.values())[-1:] == ["alarm"] and len(stretches(shop.store, shop.settings)) == 1
    if halted or all(number in answered for number in range(first, shop.settings.rounds + 1)):
        return None
    if deployment := shop.settings.audit.deployment:
        return DeployedAuditor(shop.folder.parent, deployment, shop.progress)
    environment = {"PREFECT_API_URL": str(PREFECT_API_URL.value() or "")}
    return stack.enter_context(auditor(shop.folder.parent, shop.progress, environment))


def _recorded(shop: Workshop) -> dict[int, str]:
    sql = "SELECT round, answer FROM gate_answers WHERE campaign = ? ORDER BY round"
    rows: list[dict[str, Any]] = shop.store.query(sql, shop.settings.name).to_pylist()
    return {row["round"]: row["answer"] for row in rows}


def _gold(shop: Workshop, gold: str) -> Endpoint | None:
    return endpoint_of(gold, "audit.gold", shop.settings.endpoints) if gold.startswith(ENDPOINT) else None


def _emit(campaign: str, number: int) -> None:
    resource = {"prefect.resource.id": f"plumbline.campaign.{campaign}", "prefect.resource.name": campaign}
    emit_event(EVENT, resource=resource, payload={"campaign": campaign, "round": number, "mode": "filter"})
    EventsWorker.instance().wait_until_empty()
