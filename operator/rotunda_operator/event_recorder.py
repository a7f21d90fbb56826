"""Kubernetes Events, which `kubectl describe` shows below an object."""

import asyncio
import secrets
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import structlog

from rotunda_contract.resources import Metadata
from rotunda_kube import KubeApi, KubeError, Manifest, Resource
from rotunda_kube.resource import EVENTS
from rotunda_operator.lease import NotHolder

CONTROLLER = "rotunda.dev/operator"
EVENTS_PER_SECOND = 5.0
MAX_PENDING = 2000
_MAX_NOTE_LENGTH = 1024

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Event:
    """`reason` is one word, `message` a sentence, `action` what was done or tried."""

    reason: str
    message: str
    action: str
    warning: bool = False

    @property
    def type(self) -> Literal["Normal", "Warning"]:
        return "Warning" if self.warning else "Normal"


class EventRecorder:
    """Logs each event at once and writes it later, at a bounded rate.

    `api` refuses to write without the lease. `instance` names the operator's process. At most MAX_PENDING
    events wait to be written: beyond that the oldest ones are dropped.
    """

    def __init__(self, api: KubeApi, instance: str) -> None:
        self._api = api
        self._instance = instance
        self._pending: deque[Manifest] = deque(maxlen=MAX_PENDING)
        self._recorded = asyncio.Event()

    @property
    def pending(self) -> tuple[Manifest, ...]:
        """Events that are not written yet."""
        return tuple(self._pending)

    def record(self, resource: Resource, about: Metadata, events: Iterable[Event]) -> None:
        """Never waits. `about` is the metadata of the object that the events are about."""
        for event in events:
            name = f"{about.namespace}/{about.name}"
            _log.info(event.reason, kind=resource.kind, name=name, message=event.message)
            self._pending.append(_manifest(resource, about, event, self._instance))
        self._recorded.set()

    async def run(self) -> None:
        """Writes events until cancelled, or until the lease is lost."""
        while True:
            await self._recorded.wait()
            self._recorded.clear()
            while self._pending:
                event = self._pending.popleft()
                await asyncio.sleep(1 / EVENTS_PER_SECOND)
                try:
                    await self._api.create(EVENTS, event)
                except NotHolder:
                    return
                except KubeError as error:
                    _log.warning("an Event was not written", error=str(error))


def _manifest(resource: Resource, about: Metadata, event: Event, instance: str) -> Manifest:
    """An Event of events.k8s.io/v1."""
    return {
        "apiVersion": EVENTS.api_version,
        "kind": EVENTS.kind,
        "metadata": {"namespace": about.namespace, "name": f"{about.name[:200]}.{secrets.token_hex(8)}"},
        "eventTime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "reportingController": CONTROLLER,
        "reportingInstance": instance[:128],
        "action": event.action,
        "reason": event.reason,
        "note": event.message[:_MAX_NOTE_LENGTH],
        "type": event.type,
        "regarding": {
            "apiVersion": resource.api_version,
            "kind": resource.kind,
            "namespace": about.namespace,
            "name": about.name,
            "uid": about.uid,
            "resourceVersion": about.resource_version,
        },
    }
