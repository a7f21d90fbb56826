"""Objects that tests build on: a cluster, a media node, an installation, a context of reconcilers."""

import random
from typing import Any, cast

from rotunda_contract.resources import MediaCluster, MediaNode, Ports
from rotunda_kube import KubeApi
from rotunda_operator.cache import Cache
from rotunda_operator.clock import system_clock
from rotunda_operator.context import Context
from rotunda_operator.event_recorder import EventRecorder
from rotunda_operator.specs.installation import Installation

INSTALLATION = Installation(
    namespace="rotunda-system",
    registry="registry.example.org/rotunda",
    tag="1.2.3",
    otlp_endpoint="https://rotunda-operator-otlp.rotunda-system.svc:4317",
    tls=True,
)
PLAIN = Installation(namespace="rotunda-system", registry="", tag="dev")
PORTS = Ports(media=40000, media_count=2, grpc=40002, health=40003)


def cluster(name: str = "default", **spec: Any) -> MediaCluster:
    """A MediaCluster with a spec as in a manifest."""
    metadata = {"name": name, "namespace": "calls", "uid": f"uid-of-{name}", "generation": 3}
    return MediaCluster.model_validate({"metadata": metadata, "spec": spec})


def media_node(name: str = "default-media-0", **fields: Any) -> MediaNode:
    """A MediaNode of the cluster `default`; `fields` are of the manifest."""
    metadata = {"name": name, "namespace": "calls", "uid": f"uid-of-{name}", **fields.pop("metadata", {})}
    return MediaNode.model_validate({"metadata": metadata, "spec": {"clusterRef": "default"}, **fields})


def context(api: object, cache: Cache | None = None) -> Context:
    """What reconcilers share, with an API client that the test plays."""
    client = cast(KubeApi, api)
    return Context(
        api=client,
        cache=cache or Cache(),
        installation=INSTALLATION,
        recorder=EventRecorder(client, "test"),
        clock=system_clock,
        rng=random.Random(1),
    )
