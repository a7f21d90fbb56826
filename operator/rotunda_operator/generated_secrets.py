"""Makes the Secrets that the installation was told to generate, and renews its HTTPS certificate.

The chart cannot: a template that draws passwords gives others each time it is rendered, and whoever renders
it without asking the cluster (Argo CD, `helm template`) would change them at every look.
"""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from rotunda_kube import AlreadyExists, Conflict, KubeApi, KubeError, Manifest, NotFound
from rotunda_kube.resource import SECRETS
from rotunda_operator.certificates import Pair, issue_https, must_renew_https, new_authority
from rotunda_operator.clock import Moment
from rotunda_operator.settings import Generated
from rotunda_operator.specs.certificates import read_pair
from rotunda_operator.specs.generated_secrets import (
    HTTPS,
    HTTPS_AUTHORITY,
    drawn_secret,
    https_secret,
    secret_name,
)

LOOK_SECONDS = 60.0
"""How soon one that was deleted is made again, and the certificate renewed when it is due."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Wanted:
    """`https_names`: host names and addresses that the certificate speaks for."""

    namespace: str
    what: Sequence[Generated]
    https_names: Sequence[str] = ()


async def keep(api: KubeApi, wanted: Wanted, now: Callable[[], Moment]) -> None:
    """Looks again and again, until cancelled."""
    while wanted.what:
        await asyncio.sleep(LOOK_SECONDS)
        await make(api, wanted, now())


async def make(api: KubeApi, wanted: Wanted, now: Moment) -> None:
    """Those that are missing or due. What cannot be made is logged, and missed by the pods that mount it."""
    for what in wanted.what:
        try:
            if what == "https":
                await _https(api, wanted, now)
            else:
                await _drawn(api, wanted.namespace, what)
        except (KubeError, ValueError) as error:
            _log.warning("a Secret could not be made", secret=secret_name(what), error=str(error))


async def _drawn(api: KubeApi, namespace: str, what: Generated) -> None:
    if await _find(api, namespace, secret_name(what)) is None:
        await _create(api, drawn_secret(namespace, what, secrets.token_urlsafe))


async def _https(api: KubeApi, wanted: Wanted, now: Moment) -> None:
    authority = await _authority(api, wanted.namespace, now)
    standing = await _find(api, wanted.namespace, HTTPS)
    pair = read_pair(standing) if standing is not None else None
    if pair is not None and not must_renew_https(pair, wanted.https_names, now.wall, authority=authority):
        return
    issued = issue_https(authority, wanted.https_names, now.wall)
    made = https_secret(wanted.namespace, HTTPS, issued, authority)
    if standing is None:
        await _create(api, made)
        return
    version = standing["metadata"]["resourceVersion"]
    patch = {"data": made["data"]}
    try:
        await api.patch(SECRETS, wanted.namespace, HTTPS, patch, resource_version=version)
    except Conflict:
        return  # looked at again
    _log.info("renewed", secret=HTTPS, names=list(wanted.https_names))


async def _authority(api: KubeApi, namespace: str, now: Moment) -> Pair:
    found = await _find(api, namespace, HTTPS_AUTHORITY)
    if found is None:
        made = new_authority(now.wall, "Rotunda HTTPS")
        await api.create(SECRETS, https_secret(namespace, HTTPS_AUTHORITY, made, made))
        return made
    pair = read_pair(found)
    if pair is None:
        raise KubeError(f"Secret {HTTPS_AUTHORITY} holds no authority: delete it to have a new one made")
    return pair


async def _find(api: KubeApi, namespace: str, name: str) -> Manifest | None:
    try:
        return await api.get(SECRETS, namespace, name)
    except NotFound:
        return None


async def _create(api: KubeApi, manifest: Manifest) -> None:
    try:
        await api.create(SECRETS, manifest)
    except AlreadyExists:
        return  # by somebody else meanwhile, whose is as good
    _log.info("made", secret=manifest["metadata"]["name"])
