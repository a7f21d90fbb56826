"""Creates the Secrets that the installation was told to generate, and renews its HTTPS certificate.

The chart cannot do this: a template that draws passwords draws other ones each time it is rendered, and tools
that render it without asking the cluster (Argo CD, `helm template`) would change them at every sync.
"""

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from rotunda_kube import AlreadyExists, Conflict, KubeApi, KubeError, Manifest, NotFound
from rotunda_kube.resource import SECRETS
from rotunda_operator.certificates import Pair, issue_https, must_renew_https, new_authority
from rotunda_operator.clock import Clock, Instant
from rotunda_operator.settings import Generated
from rotunda_operator.specs.certificates import read_pair
from rotunda_operator.specs.generated_secrets import (
    HTTPS,
    HTTPS_AUTHORITY,
    drawn_secret,
    https_secret,
    secret_name,
)

INTERVAL_SECONDS = 60.0
"""How soon a Secret that was deleted is created again, and a certificate renewed that is due."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SecretsToGenerate:
    """`https_names`: host names and addresses in the HTTPS certificate."""

    namespace: str
    what: Sequence[Generated]
    https_names: Sequence[str] = ()


async def keep_secrets(api: KubeApi, desired: SecretsToGenerate, clock: Clock) -> None:
    """Calls `ensure_secrets` again and again, until cancelled."""
    while desired.what:
        await asyncio.sleep(INTERVAL_SECONDS)
        await ensure_secrets(api, desired, clock())


async def ensure_secrets(api: KubeApi, desired: SecretsToGenerate, now: Instant) -> None:
    """Creates those that are missing and renews those that are due.

    A failure is logged. The pods that mount such a Secret wait for it.
    """
    for what in desired.what:
        try:
            if what == "https":
                await _ensure_https(api, desired, now)
            else:
                await _ensure_drawn(api, desired.namespace, what)
        except (KubeError, ValueError) as error:
            _log.warning("a Secret could not be created", secret=secret_name(what), error=str(error))


async def _ensure_drawn(api: KubeApi, namespace: str, what: Generated) -> None:
    if await _find(api, namespace, secret_name(what)) is None:
        await _create(api, drawn_secret(namespace, what, secrets.token_urlsafe))


async def _ensure_https(api: KubeApi, desired: SecretsToGenerate, now: Instant) -> None:
    authority = await _ensure_authority(api, desired.namespace, now)
    actual = await _find(api, desired.namespace, HTTPS)
    pair = read_pair(actual) if actual is not None else None
    if pair is not None and not must_renew_https(pair, desired.https_names, now.wall, authority=authority):
        return
    issued = issue_https(authority, desired.https_names, now.wall)
    secret = https_secret(desired.namespace, HTTPS, issued, authority)
    if actual is None:
        await _create(api, secret)
        return
    version = actual["metadata"]["resourceVersion"]
    patch = {"data": secret["data"]}
    try:
        await api.patch(SECRETS, desired.namespace, HTTPS, patch, resource_version=version)
    except Conflict:
        return  # somebody changed it meanwhile; the next call decides again
    _log.info("renewed", secret=HTTPS, names=list(desired.https_names))


async def _ensure_authority(api: KubeApi, namespace: str, now: Instant) -> Pair:
    found = await _find(api, namespace, HTTPS_AUTHORITY)
    if found is None:
        created = new_authority(now.wall, "Rotunda HTTPS")
        await api.create(SECRETS, https_secret(namespace, HTTPS_AUTHORITY, created, created))
        return created
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
        return  # somebody else created it meanwhile, and theirs is as good
    _log.info("created", secret=manifest["metadata"]["name"])
