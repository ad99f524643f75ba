"""The loop: a round, publish, amend, again.

Reads: a campaign's settings. Writes: everything below `<home>/<campaign>/generator/`, Prefect artifacts.
Must not know: what happens inside a round, an audit or an amendment. The audit stands between a round and publishing:
where a campaign is watched, the audit publishes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from prefect import flow

from constitutions.document import Constitution
from flows.amend import amend_flow, keep
from flows.artifacts import Shown
from flows.author_snapshot import show_author
from flows.close import close, publish
from flows.gate import current, gate_of
from flows.modes import Stretch, stretches
from flows.prefect_setup import prefect_for, server_if_needed
from flows.progress import Progress
from flows.round import Examined, round_flow, together
from flows.settings import Campaign
from flows.summary import RoundSummary, ledger_so_far
from flows.workshop import Workshop, open_workshop
from models.spending import Spent
from tasks.injection import Resistance
from warehouse.chain import head
from warehouse.hashing import content_hash


class Report(NamedTuple):
    """How a campaign went. `baseline` is the round before the first amendment, where it is audited; `alarm` the page of
    the alarm that halted it, if one did; `finished` shards were found done, `lost` pairs were in flight when an earlier
    run was killed; `chain` is the head of its hash chain; `example` is a pair worth tracing: one that was thrown out,
    if any was; `resistance` is what injected text does to the reviewer, and `spent` what endpoints have cost, by role;
    `cautions` name the traits that do not flag, or only because a person forced it."""

    campaign: str
    rounds: tuple[RoundSummary, ...]
    baseline: RoundSummary | None
    alarm: Path | None
    constitution: Constitution
    dataset: Path
    warehouse: Path
    data_docs: Path
    finished: int
    written: int
    lost: int
    chain: str
    example: str
    resistance: Resistance
    spent: dict[str, Spent]
    cautions: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return {
            **{name: str(value) if isinstance(value, Path) else value for name, value in self._asdict().items()},
            "rounds": [summary.model_dump() for summary in self.rounds],
            "resistance": self.resistance.model_dump(),
            "spent": {role: spent._asdict() for role, spent in self.spent.items()},
            "baseline": self.baseline.model_dump() if self.baseline else None,
            "constitution": self.constitution.hash,
        }


class Went(NamedTuple):
    """What the campaign's flow ends with; `alarm` is the round that rang."""

    summaries: list[RoundSummary]
    constitution: Constitution
    alarm: int | None
    example: str


def run(settings: Campaign, progress: Progress) -> Report:
    """The whole campaign, or the rest of it: what is finished is found and not done again.

    Raises PlumblineError for whatever a person can mend.
    """
    with at_work(settings, progress) as shop:
        return report(shop, campaign_flow(settings.name, shop))


def report(shop: Workshop, went: Went) -> Report:
    folder = shop.folder.parent
    return Report(
        shop.settings.name,
        tuple(summary for summary in went.summaries if summary.round),
        next((summary for summary in went.summaries if not summary.round), None),
        folder / "auditor" / f"alarm-{went.alarm}.html" if went.alarm is not None else None,
        went.constitution,
        current(folder / "dataset"),
        shop.store.path,
        shop.folder / "data_docs",
        shop.shelf.finished,
        shop.shelf.written,
        shop.shelf.lost,
        head(shop.store, shop.settings.name),
        went.example,
        shop.roles.resistance,
        shop.roles.spent,
        shop.detector.profile.cautions,
    )


@contextmanager
def at_work(settings: Campaign, progress: Progress) -> Iterator[Workshop]:
    """The campaign's workshop with Prefect around it."""
    with server_if_needed() as server, open_workshop(settings, progress) as shop, prefect_for(tag_of(shop), server):
        yield shop


def tag_of(shop: Workshop) -> str:
    """The tag that this campaign's flow runs carry, and no other's."""
    return f"plumbline-{content_hash(str(shop.folder.resolve()))[:12]}"


@flow(name="campaign", flow_run_name="{campaign}", validate_parameters=False)
def campaign_flow(campaign: str, shop: Workshop) -> Went:
    """Round, audit, publish, amend; after an alarm no further, until a person has resumed it."""
    settings, shown = shop.settings, Shown(campaign, shop.settings.rounds, shop.detector.profile.cautions)
    parts, seen, summaries = list[Examined](), set[str](), list[RoundSummary]()
    chain, stretch, alarm, asked = [shop.constitution], None, None, 0
    moved: float | None = 0.0  # as long as the constitution is the same, so is the law
    keep(shop, shop.constitution)
    show_author(shop.store, shop.folder.parent, over=False)
    with gate_of(shop) as gate:
        coming = stretches(shop.store, settings)
        for number in range(coming[0].began, settings.rounds + 1):
            if coming and coming[0].began == number:
                stretch, alarm, moved = coming.pop(0), None, 0.0
                chain = resumed(chain, stretch)
            elif alarm is not None:
                break
            assert stretch is not None
            here = during(shop, stretch, number)
            done = round_flow(campaign, number, here, chain[-1], seen, asked)
            asked += here.settings.pairs
            parts.append(done)
            if gate.ask(here, number, stretch, chain, done, moved) == "alarm":
                alarm = number
            elif gate.audited is False:
                publish(here, number, together(parts), chain)

            amending = stretch.mode == "update" and alarm is None and not gate.baseline(stretch, number)
            amended = amend_flow(campaign, number, here, chain[-1]) if amending else None
            before = summaries[-1].ledger if summaries else None
            alpha = settings.audit.alpha if gate.audited else None
            ledger = ledger_so_far(before, amended, number, settings.rounds, alpha, alarm == number)
            summaries.append(close(here, number, chain[-1], done, amended, ledger))
            shown.round(summaries[-1])
            if amended:
                moved = amended.from_start
                chain += [amended.constitution] if amended.constitution != chain[-1] else []
        gate.finish(shop, summaries[-1].round)
    return Went(summaries, chain[-1], alarm, worth_tracing(parts[-1]))


def during(shop: Workshop, stretch: Stretch, number: int) -> Workshop:
    """The workshop in a stretch's mode, and in its baseline round with as many prompts as the baseline takes."""
    change: dict[str, Any] = {"mode": stretch.mode}
    if shop.settings.audit.gold != "off" and number == stretch.began:
        change["pairs"] = stretch.audit.baseline
    return shop._replace(settings=shop.settings.model_copy(update=change))


def resumed(chain: list[Constitution], stretch: Stretch) -> list[Constitution]:
    """The constitutions up to the one the stretch begins from."""
    if stretch.constitution is None:
        return chain
    hashes = [constitution.hash for constitution in chain]
    return chain[: hashes.index(stretch.constitution.hash) + 1]


def worth_tracing(done: Examined) -> str:
    by_decision = {row["decision"]: row["pair_id"] for row in done.decisions.to_pylist()}
    return by_decision.get("dropped") or next(iter(by_decision.values()))
