"""Labels, annotations and owners of the objects that the operator creates."""

from rotunda_contract.resources import GROUP, MediaCluster, MediaNode, Metadata
from rotunda_kube.resource import MEDIA_CLUSTERS, MEDIA_NODES, Manifest, Resource

CLUSTER = f"{GROUP}/cluster"
"""Label of everything that is created for a MediaCluster: its name."""
MEDIA_NODE = f"{GROUP}/media-node"
"""Label of everything that is created for a MediaNode: its name."""
TEMPLATE = f"{GROUP}/template"
"""Label of an SFU pod: the hash of the template that it was created from."""
UPDATE = f"{GROUP}/update"
"""Annotation of a MediaNode that the operator has cordoned to replace its pod: the hash of the new
template."""
LEADER = f"{GROUP}/leader"
"""Label of the operator's pod that holds the Lease, with the value "true"; the Services select it."""
ANNOUNCED_ADDRESS = f"{GROUP}/announced-address"
"""Annotation of an SFU pod: the address of its Kubernetes node that clients get for media."""

COMPONENT = "app.kubernetes.io/component"
INSTANCE = "app.kubernetes.io/instance"
MANAGED_BY = "app.kubernetes.io/managed-by"
OPERATOR = "rotunda-operator"


def selector(cluster: str, component: str) -> dict[str, str]:
    """The labels by which a component of a cluster is selected; they never change."""
    return {
        "app.kubernetes.io/name": "rotunda",
        INSTANCE: cluster,
        COMPONENT: component,
    }


def labels(cluster: str, component: str, *, media_node: str = "") -> dict[str, str]:
    """All labels of an object that is created for a cluster."""
    found = {**selector(cluster, component), MANAGED_BY: OPERATOR, CLUSTER: cluster}
    return {**found, MEDIA_NODE: media_node} if media_node else found


def of_cluster(cluster: MediaCluster, name: str, component: str) -> Manifest:
    """The metadata of an object that is deleted with the cluster."""
    return {
        "name": name,
        "namespace": cluster.metadata.namespace,
        "labels": labels(cluster.metadata.name, component),
        "ownerReferences": [owner_reference(MEDIA_CLUSTERS, cluster.metadata)],
    }


def of_media_node(node: MediaNode, name: str, component: str) -> Manifest:
    """The metadata of an object that is deleted with the MediaNode."""
    return {
        "name": name,
        "namespace": node.metadata.namespace,
        "labels": labels(node.spec.cluster_ref, component, media_node=node.metadata.name),
        "ownerReferences": [owner_reference(MEDIA_NODES, node.metadata)],
    }


def owner_reference(resource: Resource, owner: Metadata) -> Manifest:
    """The controlling owner of an object.

    It does not block the owner's foreground deletion: that would need the permission to change the owner's
    finalizers, and no object here has to be deleted before its owner.
    """
    return {
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "name": owner.name,
        "uid": owner.uid,
        "controller": True,
        "blockOwnerDeletion": False,
    }
