"""Applies one object. Nothing is written where the actual object equals the desired one."""

from rotunda_kube import Manifest, NotFound, Resource
from rotunda_operator.context import Context
from rotunda_operator.owned.compare import compare, is_controlled, repair


class OwnedByOther(Exception):
    """An object of this name exists and belongs to somebody else. It is left alone."""


async def apply_object(
    context: Context, resource: Resource, desired: Manifest, actual: Manifest | None
) -> None:
    """Raises KubeError and OwnedByOther.

    `actual`: the object as it is; None where it is not known. `desired` has a controlling owner: an actual
    object with another owner, or without one, belongs to somebody else.
    """
    metadata = desired["metadata"]
    namespace, name = metadata["namespace"], metadata["name"]
    if actual is None:
        # It may exist without the label by which it is watched.
        actual = await _read(context, resource, namespace, name)
    if actual is not None:
        if not is_controlled(actual, metadata["ownerReferences"][0]["uid"]):
            raise OwnedByOther(f"{desired['kind']} {name} is there already and belongs to somebody else.")
        difference = compare(desired, actual)
        if not difference:
            return
        if difference.managed is not None:
            record = {"metadata": {"managedFields": difference.managed}}
            version = actual["metadata"]["resourceVersion"]
            await context.api.patch(resource, namespace, name, record, resource_version=version)
    answer = await context.api.apply(resource, desired)
    if rest := repair(desired, answer):
        # Somebody has removed the record of who set which fields, so the apply has left a field of theirs.
        answer = await context.api.patch(resource, namespace, name, rest)
    if resource in context.informers:
        context.update_cache(resource, answer)


async def _read(context: Context, resource: Resource, namespace: str, name: str) -> Manifest | None:
    try:
        return await context.api.get(resource, namespace, name)
    except NotFound:
        return None
