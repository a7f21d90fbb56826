"""Protects the pod of a MediaNode from eviction while it has rooms and its drain deadline has not passed."""

from rotunda_contract.resources import MediaNode
from rotunda_kube.resource import Manifest
from rotunda_operator.specs.metadata import MEDIA_NODE, of_media_node
from rotunda_operator.specs.names import MEDIA_NODE_COMPONENT


def sfu_disruption_budget(node: MediaNode, *, closed: bool) -> Manifest:
    """`closed`: the pod may not be evicted now. Otherwise it may."""
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": of_media_node(node, node.metadata.name, MEDIA_NODE_COMPONENT),
        "spec": {
            # For pods without a Deployment a budget supports only minAvailable, and only as a number.
            "minAvailable": 1 if closed else 0,
            "selector": {"matchLabels": {MEDIA_NODE: node.metadata.name}},
            # A pod that is not ready serves no room, and must not block the drain of its Kubernetes node.
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
        },
    }
