"""The installation's certificate authority: read from its Secret, which is created if it is missing."""

from rotunda_kube import AlreadyExists, KubeApi, KubeError, NotFound
from rotunda_kube.resource import SECRETS
from rotunda_operator.certificates import Pair, new_authority
from rotunda_operator.clock import Instant
from rotunda_operator.specs.certificates import AUTHORITY, operator_secret, read_pair


async def find_or_create(api: KubeApi, namespace: str, now: Instant) -> Pair:
    """Raises KubeError, also where the Secret holds no authority: only a person can decide to replace it."""
    try:
        found = await api.get(SECRETS, namespace, AUTHORITY)
    except NotFound:
        created = new_authority(now.wall)
        try:
            await api.create(SECRETS, operator_secret(namespace, AUTHORITY, created, created))
            return created
        except AlreadyExists:
            found = await api.get(SECRETS, namespace, AUTHORITY)
    pair = read_pair(found)
    if pair is None:
        raise KubeError(f"Secret {AUTHORITY} holds no authority: delete it to have a new one made")
    return pair
