"""What a Prefect server does by itself: at an alarm it tells people and pauses the schedule, and a run whose heart has
stopped it calls crashed.

Reads: `flows/automations.yaml`. Reads and writes: the automations of those names and one Webhook block, on the server
that PREFECT_API_URL names. Must not know: what an alarm means.
"""

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import yaml
from prefect.blocks.webhook import Webhook
from prefect.client.orchestration import get_client
from prefect.events.schemas.automations import AutomationCore
from prefect.types import SecretDict
from pydantic import SecretStr

FILE = Path(__file__).with_name("automations.yaml")
BLOCK = "plumbline-alarm"
# `text` is what chat services show; the rest is for programs.
TOLD = {
    "text": "Plumbline: the gate has halted campaign {{ event.payload.campaign }} after round "
    "{{ event.payload.round }}. It stands still until a person resumes it.",
    "campaign": "{{ event.payload.campaign }}",
    "round": "{{ event.payload.round }}",
}


def set_up(webhook: str = "") -> list[str]:
    """Names of the automations that stand now; those there already are changed in place. `webhook` is where alarms are
    told, kept as a secret on the server; "" leaves that as it is."""
    told = yaml.safe_load(FILE.read_text(encoding="utf-8"))["automations"]
    if block := _block(webhook):
        told[0]["actions"].append(
            {"type": "call-webhook", "block_document_id": str(block), "payload": json.dumps(TOLD)}
        )
    return [_kept(one) for one in told]


def _block(webhook: str) -> UUID | None:
    """The id of the block that keeps the address, if there is one."""
    if webhook:
        headers = SecretDict({"Content-Type": "application/json"})
        saved: Any = Webhook(url=SecretStr(webhook), headers=headers).save(BLOCK, overwrite=True)
        return UUID(str(saved))
    try:
        loaded: Any = Webhook.load(BLOCK)
    except ValueError:
        return None
    return UUID(str(loaded._block_document_id))


def _kept(told: dict[str, Any]) -> str:
    with get_client(sync_client=True) as client:
        for found in client.read_automations_by_name(told["name"]):
            client.update_automation(found.id, AutomationCore.model_validate(told | {"enabled": found.enabled}))
            return found.name
        client.create_automation(AutomationCore.model_validate(told))
    return str(told["name"])
