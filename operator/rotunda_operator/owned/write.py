"""Brings one object about: nothing is written where nothing differs."""

from rotunda_kube import Manifest, NotFound, Resource
from rotunda_operator.context import Context
from rotunda_operator.owned.compare import compare, is_controlled, repair


class BelongsToOther(Exception):
    """The name is taken by an object of somebody else, which is left alone."""


async def bring_about(context: Context, resource: Resource, wanted: Manifest, found: Manifest | None) -> None:
    """`found` as it stands, None where it is not known. Raises KubeError and BelongsToOther.

    `wanted` has one controlling owner; what stands with another one or with none is not ours.
    """
    metadata = wanted["metadata"]
    namespace, name = metadata["namespace"], metadata["name"]
    if found is None:
        # It may have lost the label by which it is followed.
        found = await _read(context, resource, namespace, name)
    if found is not None:
        if not is_controlled(found, metadata["ownerReferences"][0]["uid"]):
            raise BelongsToOther(f"{wanted['kind']} {name} is there already and belongs to somebody else.")
        difference = compare(wanted, found)
        if not difference:
            return
        if difference.managed is not None:
            record = {"metadata": {"managedFields": difference.managed}}
            version = found["metadata"]["resourceVersion"]
            await context.api.patch(resource, namespace, name, record, resource_version=version)
    answer = await context.api.apply(resource, wanted)
    if rest := repair(wanted, answer):
        # Somebody has removed the record of who set what.
        answer = await context.api.patch(resource, namespace, name, rest)
    if resource in context.informers:
        context.seen(resource, answer)


async def _read(context: Context, resource: Resource, namespace: str, name: str) -> Manifest | None:
    try:
        return await context.api.get(resource, namespace, name)
    except NotFound:
        return None
