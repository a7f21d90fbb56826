"""What `kubectl describe` tells of an object's life: Kubernetes Events, said by decisions as plain notes."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from rotunda_contract.resources import Metadata
from rotunda_kube import Manifest, Resource
from rotunda_kube.resource import EVENTS

CONTROLLER = "rotunda.dev/operator"
_LONGEST_NOTE = 1024


@dataclass(frozen=True, slots=True)
class Note:
    """`reason` in one word, `text` a sentence, `action` what was done or tried."""

    reason: str
    text: str
    action: str
    warning: bool = False

    @property
    def type(self) -> Literal["Normal", "Warning"]:
        return "Warning" if self.warning else "Normal"


def event_manifest(resource: Resource, about: Metadata, note: Note, instance: str) -> Manifest:
    """An Event of events.k8s.io/v1. `instance` names the operator's process."""
    return {
        "apiVersion": EVENTS.api_version,
        "kind": EVENTS.kind,
        "metadata": {"namespace": about.namespace, "name": f"{about.name[:200]}.{secrets.token_hex(8)}"},
        "eventTime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "reportingController": CONTROLLER,
        "reportingInstance": instance[:128],
        "action": note.action,
        "reason": note.reason,
        "note": note.text[:_LONGEST_NOTE],
        "type": note.type,
        "regarding": {
            "apiVersion": resource.api_version,
            "kind": resource.kind,
            "namespace": about.namespace,
            "name": about.name,
            "uid": about.uid,
            "resourceVersion": about.resource_version,
        },
    }
