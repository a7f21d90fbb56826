"""Names of objects that are created for a cluster. All begin with the cluster's name (at most 40
characters)."""

from rotunda_contract.resources import MediaCluster

MEDIA_NODE_COMPONENT = "media-node"
SIGNALING_COMPONENT = "signaling"
TURN_COMPONENT = "turn"


def signaling(cluster: MediaCluster) -> str:
    """The Deployment, Service, PodDisruptionBudget, ServiceAccount, Role and RoleBinding of signaling."""
    return f"{cluster.metadata.name}-signaling"


def turn(cluster: MediaCluster) -> str:
    """The Deployment, PodDisruptionBudget and Secret of the TURN servers."""
    return f"{cluster.metadata.name}-turn"


def signaling_certificate(cluster: MediaCluster) -> str:
    """The Secret with which signaling calls media nodes."""
    return f"{cluster.metadata.name}-signaling-tls"


def media_node_certificate(cluster: MediaCluster) -> str:
    """The Secret with which media nodes serve gRPC and report load."""
    return f"{cluster.metadata.name}-media-node-tls"


def media_node(cluster: MediaCluster, index: int) -> str:
    """A MediaNode that the operator creates for the cluster."""
    return f"{cluster.metadata.name}-media-{index}"
