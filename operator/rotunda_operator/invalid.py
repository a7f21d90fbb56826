"""Objects that do not match their definition, for example because they were stored before it became stricter.

Their condition Ready and one Event say what is wrong. What was created for them stays as it is until somebody
corrects them.
"""

import structlog
from pydantic import ValidationError

from rotunda_contract.resources import Metadata, Status
from rotunda_kube import Invalid, Manifest, NotAllowed, Resource
from rotunda_operator.conditions import NewCondition, set_conditions
from rotunda_operator.context import Context
from rotunda_operator.event_recorder import Event
from rotunda_operator.patches import status_patch

REASON = "InvalidSpec"

_log = structlog.get_logger(__name__)


async def report_invalid(context: Context, resource: Resource, manifest: Manifest, why: str) -> None:
    """Raises KubeError, except where the API server refuses to write the status of such an object."""
    metadata = Metadata.model_validate(manifest["metadata"])
    before = _status(manifest)
    generation, now = metadata.generation, context.clock().wall
    not_ready = NewCondition("Ready", "False", REASON, why)
    conditions = set_conditions(before.conditions, [not_ready], generation, now)
    if conditions == before.conditions:
        return
    status = Status(conditions=conditions, observed_generation=generation)
    patch = {"status": status_patch(before, status)}
    try:
        await context.api.patch(resource, metadata.namespace, metadata.name, patch, subresource="status")
    except (Invalid, NotAllowed) as error:
        _log.warning("a status cannot be written", kind=resource.kind, name=metadata.name, error=str(error))
        return
    context.recorder.record(resource, metadata, [Event(REASON, why, "Validate", warning=True)])


def _status(manifest: Manifest) -> Status:
    """Empty where it cannot be read: the status itself may be what is invalid."""
    try:
        return Status.model_validate(manifest.get("status") or {})
    except ValidationError:
        return Status()
