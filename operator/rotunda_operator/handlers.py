"""What kopf tells us: the process starts and stops, and a MediaCluster has changed.

Rooms and MediaNodes come by informers of our own, see docs/decisions/0002-own-informer.md. No handler here
makes kopf write to an object: no finalizers, no annotations.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import kopf

from rotunda_kube import key_of
from rotunda_kube.api import SILENCE_SECONDS, WATCH_SECONDS, load_configuration
from rotunda_kube.resource import MEDIA_CLUSTERS
from rotunda_operator.feed import Feed
from rotunda_operator.settings import OperatorSettings


def registry_of(
    settings: OperatorSettings,
    feed: Callable[[], Feed],
    start: Callable[[], Awaitable[None]],
    stop: Callable[[], Awaitable[None]],
) -> kopf.OperatorRegistry:
    """The handlers, bound to one engine."""
    registry = kopf.OperatorRegistry()

    @kopf.on.startup(registry=registry)
    async def startup(settings: kopf.OperatorSettings, **_: Any) -> None:
        configure(settings)
        await start()

    @kopf.on.cleanup(registry=registry)
    async def cleanup(**_: Any) -> None:
        await stop()

    @kopf.on.login(registry=registry)
    async def login(**_: Any) -> kopf.ConnectionInfo:
        return await _connection(settings)

    @kopf.on.event(MEDIA_CLUSTERS.group, MEDIA_CLUSTERS.version, MEDIA_CLUSTERS.plural, registry=registry)
    async def changed(event: kopf.RawEvent, **_: Any) -> None:
        manifest = dict(event["object"])
        if event["type"] == "DELETED":
            feed().on_cluster_gone(key_of(manifest))
        else:
            feed().on_cluster(manifest)

    return registry


def configure(settings: kopf.OperatorSettings) -> None:
    settings.posting.enabled = False  # decisions tell their own Events
    settings.scanning.disabled = True  # our definitions stand before we do
    settings.peering.standalone = True  # the lease says who acts
    settings.networking.request_timeout = 15
    settings.networking.connect_timeout = 5
    # A watch that falls silent is noticed as soon as by the informers.
    settings.watching.server_timeout = int(WATCH_SECONDS)
    settings.watching.inactivity_timeout = WATCH_SECONDS + SILENCE_SECONDS


async def _connection(settings: OperatorSettings) -> kopf.ConnectionInfo:
    """The credentials that the rest of the operator has, for kopf's own connections."""
    found = await load_configuration(settings.kubeconfig)
    scheme, _, token = ((await found.get_api_key_with_prefix("BearerToken")) or "").rpartition(" ")
    return kopf.ConnectionInfo(
        server=found.host,
        ca_path=found.ssl_ca_cert,
        insecure=not found.verify_ssl,
        certificate_path=found.cert_file,
        private_key_path=found.key_file,
        scheme=scheme.capitalize() or "Bearer",
        token=token or None,
        default_namespace=settings.namespace,
    )


async def cancel(task: "asyncio.Task[None] | None") -> None:
    """Cancels and waits; how it ended is looked at elsewhere."""
    if task is not None:
        task.cancel()
        await asyncio.wait([task])
