"""Objects that are not as their definition says, as when they were stored before it became stricter.

What is wrong is told by their condition Ready, and by one Event. What stands for them stays as it is until
somebody mends them.
"""

import structlog
from pydantic import ValidationError

from rotunda_contract.resources import Metadata, Status
from rotunda_kube import Invalid, Manifest, NotAllowed, Resource
from rotunda_operator.conditions import Verdict, with_verdicts
from rotunda_operator.context import Context
from rotunda_operator.event_recorder import Note
from rotunda_operator.patches import status_patch

REASON = "InvalidSpec"

_log = structlog.get_logger(__name__)


async def tell_invalid(context: Context, resource: Resource, manifest: Manifest, why: str) -> None:
    """Raises KubeError, but not where the API server refuses to write a status of it."""
    metadata = Metadata.model_validate(manifest["metadata"])
    before = _status(manifest)
    generation, now = metadata.generation, context.now().wall
    verdict = Verdict("Ready", "False", REASON, why)
    conditions = with_verdicts(before.conditions, [verdict], generation, now)
    if conditions == before.conditions:
        return
    status = Status(conditions=conditions, observed_generation=generation)
    patch = {"status": status_patch(before, status)}
    try:
        await context.api.patch(resource, metadata.namespace, metadata.name, patch, subresource="status")
    except (Invalid, NotAllowed) as error:
        _log.warning("its status cannot be written", kind=resource.kind, name=metadata.name, error=str(error))
        return
    context.note(resource, metadata, (Note(REASON, why, "Validate", warning=True),))


def _status(manifest: Manifest) -> Status:
    """What can be read of it; it may be what is wrong."""
    try:
        return Status.model_validate(manifest.get("status") or {})
    except ValidationError:
        return Status()
