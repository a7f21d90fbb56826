"""The installation's small certificate authority: found in its Secret, or made and kept there."""

from rotunda_kube import AlreadyExists, KubeApi, KubeError, NotFound
from rotunda_kube.resource import SECRETS
from rotunda_operator.certificates import Pair, new_authority
from rotunda_operator.clock import Moment
from rotunda_operator.specs.certificates import AUTHORITY, operator_secret, read_pair


async def find_or_make(api: KubeApi, namespace: str, now: Moment) -> Pair:
    """Raises KubeError, also where the Secret holds no authority: a person has to look at that."""
    try:
        found = await api.get(SECRETS, namespace, AUTHORITY)
    except NotFound:
        made = new_authority(now.wall)
        try:
            await api.create(SECRETS, operator_secret(namespace, AUTHORITY, made, made))
            return made
        except AlreadyExists:
            found = await api.get(SECRETS, namespace, AUTHORITY)
    pair = read_pair(found)
    if pair is None:
        raise KubeError(f"Secret {AUTHORITY} holds no authority: delete it to have a new one made")
    return pair
