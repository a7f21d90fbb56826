"""Which template the pod of a MediaNode is of."""

from rotunda_contract.resources import MediaCluster, MediaNode
from rotunda_operator.nodes.ports import still_fits
from rotunda_operator.pods import Pod


def template_of(cluster: MediaCluster, node: MediaNode, pod: Pod) -> str:
    """The hash of its template; empty where its ports are outside the range that the cluster has now."""
    spec, ports = cluster.spec.media_nodes, node.status.ports
    fits = ports is None or still_fits(spec.network, spec.template.workers, ports)
    return pod.template if fits else ""
