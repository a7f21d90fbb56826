"""The addresses of a media node."""

from rotunda_contract.resources import NetworkSpec, Ports
from rotunda_operator.pods import KubeNode, Pod


def grpc_address(pod: Pod, ports: Ports | None) -> str | None:
    """Where signaling calls it. In both network modes the ports of the pod are ports of its Kubernetes
    node."""
    if ports is None or not pod.host_ip:
        return None
    return f"{_bracketed(pod.host_ip)}:{ports.grpc}"


def media_addresses(
    network: NetworkSpec, node: KubeNode | None, pod: Pod, ports: Ports | None
) -> tuple[str, ...]:
    """`address:port` of each media worker; empty while the announced address is not known."""
    address = announced_address(network, node, pod)
    if ports is None or not address:
        return ()
    return tuple(f"{_bracketed(address)}:{ports.media + index}" for index in range(ports.media_count))


def announced_address(network: NetworkSpec, node: KubeNode | None, pod: Pod) -> str:
    """The address that clients get for media; empty while it is not known."""
    if network.announce == "NodeExternalIP":
        return node.external_ip if node is not None else ""
    if network.announce == "NodeInternalIP":
        return (node.internal_ip if node is not None else "") or pod.host_ip
    return network.announce


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address
