"""Whether the pod of a MediaNode is as its cluster asks for now."""

from rotunda_contract.resources import MediaCluster, MediaNode
from rotunda_operator.nodes.ports import still_fits
from rotunda_operator.pods import Pod


def template_of(cluster: MediaCluster, node: MediaNode, pod: Pod) -> str:
    """The hash of the template that the pod is of; empty where its ports are not of the range of now."""
    spec, ports = cluster.spec.media_nodes, node.status.ports
    fits = ports is None or still_fits(spec.network, spec.template.workers, ports)
    return pod.template if fits else ""
