"""What kopf is configured to do: log in with the operator's credentials, and pass on watch events of
MediaClusters.

Rooms and MediaNodes have informers of our own, see docs/decisions/0002-own-informer.md. No handler here makes
kopf write to an object: it adds no finalizers and no annotations.
"""

from collections.abc import Callable
from typing import Any

import kopf

from rotunda_kube import Manifest
from rotunda_kube.api import SILENCE_SECONDS, WATCH_SECONDS, load_configuration
from rotunda_kube.resource import MEDIA_CLUSTERS
from rotunda_operator.settings import OperatorSettings

OnEvent = Callable[[str, Manifest], None]
"""Called with the type of a watch event (empty for an object that kopf has listed), and the MediaCluster."""


def registry_of(
    settings: OperatorSettings, on_event: OnEvent, on_cleanup: Callable[[], None]
) -> kopf.OperatorRegistry:
    """The handlers. `on_event`, and `on_cleanup` when kopf ends, are called in kopf's thread."""
    registry = kopf.OperatorRegistry()

    @kopf.on.startup(registry=registry)
    async def startup(settings: kopf.OperatorSettings, **_: Any) -> None:
        configure(settings)

    @kopf.on.cleanup(registry=registry)
    async def cleanup(**_: Any) -> None:
        on_cleanup()

    @kopf.on.login(registry=registry)
    async def login(**_: Any) -> kopf.ConnectionInfo:
        return await _connection(settings)

    @kopf.on.event(MEDIA_CLUSTERS.group, MEDIA_CLUSTERS.version, MEDIA_CLUSTERS.plural, registry=registry)
    async def pass_on(event: kopf.RawEvent, **_: Any) -> None:
        on_event(event["type"] or "", dict(event["object"]))

    return registry


def configure(settings: kopf.OperatorSettings) -> None:
    settings.posting.enabled = False  # our own event recorder writes Events
    settings.scanning.disabled = True  # cluster_informer.py looks for the definition at each start
    settings.peering.standalone = True  # the lease decides who acts
    settings.networking.request_timeout = 15
    settings.networking.connect_timeout = 5
    # What fails for longer ends kopf, which is then reported and started again.
    settings.networking.error_backoffs = (1, 2)
    # A watch that falls silent is noticed as soon as by the informers.
    settings.watching.server_timeout = int(WATCH_SECONDS)
    settings.watching.inactivity_timeout = WATCH_SECONDS + SILENCE_SECONDS
    settings.process.ultimate_exiting_timeout = None  # it would kill a process that is not kopf's


async def _connection(settings: OperatorSettings) -> kopf.ConnectionInfo:
    """The credentials of the rest of the operator, for kopf's own connections."""
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
