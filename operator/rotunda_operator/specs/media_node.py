"""A MediaNode that the operator creates for a cluster."""

from collections.abc import Collection

from rotunda_contract.resources import MediaCluster
from rotunda_kube.resource import MEDIA_NODES, Manifest
from rotunda_operator.specs import names
from rotunda_operator.specs.metadata import of_cluster


def free_names(cluster: MediaCluster, taken: Collection[str], count: int) -> list[str]:
    """The lowest free names. The same fleet gives the same names: after a lost answer none is created
    twice."""
    candidates = (names.media_node(cluster, index) for index in range(len(taken) + count))
    return [name for name in candidates if name not in taken][:count]


def media_node(cluster: MediaCluster, name: str) -> Manifest:
    """It takes rooms as soon as its pod serves."""
    return {
        "apiVersion": MEDIA_NODES.api_version,
        "kind": MEDIA_NODES.kind,
        "metadata": of_cluster(cluster, name, names.MEDIA_NODE_COMPONENT),
        "spec": {"clusterRef": cluster.metadata.name, "cordoned": False},
    }
