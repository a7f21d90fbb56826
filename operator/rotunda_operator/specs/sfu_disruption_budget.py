"""Keeps a MediaNode's pod from eviction while rooms are on it and its drain deadline has not passed."""

from rotunda_contract.resources import MediaNode
from rotunda_kube.resource import Manifest
from rotunda_operator.specs.metadata import MEDIA_NODE, of_media_node
from rotunda_operator.specs.names import MEDIA_NODE_COMPONENT


def sfu_disruption_budget(node: MediaNode, *, closed: bool) -> Manifest:
    """`closed`: no eviction now. Open, it lets the one pod go."""
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": of_media_node(node, node.metadata.name, MEDIA_NODE_COMPONENT),
        "spec": {
            # A number, and of what must stay: all that a budget can say of pods without a Deployment.
            "minAvailable": 1 if closed else 0,
            "selector": {"matchLabels": {MEDIA_NODE: node.metadata.name}},
            # A pod that does not serve protects nobody, and would hold up the drain for ever.
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
        },
    }
