"""The pod of a MediaNode: one SFU process on its Kubernetes node's ports."""

from rotunda_contract.resources import MediaCluster, MediaNode, NetworkSpec, Ports
from rotunda_kube.resource import Manifest
from rotunda_operator.specs.installation import Installation
from rotunda_operator.specs.media_template import template_hash
from rotunda_operator.specs.metadata import ANNOUNCED_ADDRESS, TEMPLATE, of_media_node
from rotunda_operator.specs.names import MEDIA_NODE_COMPONENT, media_node_certificate
from rotunda_operator.specs.pods import (
    TLS_DIRECTORY,
    container_security,
    environment,
    field,
    grpc_probe,
    pod_security,
    scratch_volume,
    secret_volume,
)

SHUTDOWN_SECONDS = 15
"""What the process itself needs to stop, after its rooms are gone."""
CPU_MILLICORES = 250
"""Requested for each media worker where the template names no CPU; more is used where there is more."""
MEMORY = "256Mi"
"""Requested for the pod where the template names no memory."""
_ANNOUNCED = "/etc/rotunda/announced"


def next_pod_name(node: MediaNode) -> str:
    """The name of the node's next pod: its own name and a number that grows with every replacement.

    The same status gives the same name, so that making the pod twice is refused by the API server.
    """
    prefix = f"{node.metadata.name}-"
    last = (node.status.pod_name or "").removeprefix(prefix)
    return f"{prefix}{int(last) + 1 if last.isdecimal() else 1}"


def sfu_pod(
    cluster: MediaCluster, node: MediaNode, ports: Ports, installation: Installation, *, name: str
) -> Manifest:
    """`ports` is the node's block of the cluster's range (`nodes.ports`)."""
    metadata = of_media_node(node, name, MEDIA_NODE_COMPONENT)
    metadata["labels"][TEMPLATE] = template_hash(cluster, installation)
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": _spec(cluster, node, ports, installation),
    }


def needs_announced_address(cluster: MediaCluster) -> bool:
    """Whether the pod waits for the annotation ANNOUNCED_ADDRESS.

    Nothing in a pod tells the external address of its Kubernetes node, and which node that is turns out
    only when the pod has been scheduled: so the operator writes it into the annotation then.
    """
    return cluster.spec.media_nodes.network.announce == "NodeExternalIP"


def _spec(cluster: MediaCluster, node: MediaNode, ports: Ports, installation: Installation) -> Manifest:
    media_nodes = cluster.spec.media_nodes
    template = media_nodes.template
    host_network = media_nodes.network.mode == "HostNetwork"
    return {
        "hostNetwork": host_network,
        # On the host's network a pod otherwise has the host's resolver, which knows no Service.
        "dnsPolicy": "ClusterFirstWithHostNet" if host_network else "ClusterFirst",
        # A process that is started again has its pod's UID and none of its rooms: callers could not tell.
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": media_nodes.drain_deadline_seconds + SHUTDOWN_SECONDS,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        **installation.pulling(),
        "securityContext": pod_security(),
        "nodeSelector": dict(template.node_selector),
        "tolerations": [dict(toleration) for toleration in template.tolerations],
        "affinity": dict(template.affinity),
        "containers": [_container(cluster, node, ports, installation)],
        "volumes": _volumes(cluster, installation),
    }


def _container(cluster: MediaCluster, node: MediaNode, ports: Ports, installation: Installation) -> Manifest:
    mounts: list[Manifest] = [{"name": "tmp", "mountPath": "/tmp"}]
    if installation.tls:
        mounts.append({"name": "tls", "mountPath": TLS_DIRECTORY, "readOnly": True})
    if needs_announced_address(cluster):
        mounts.append({"name": "announced", "mountPath": _ANNOUNCED, "readOnly": True})
    return {
        "name": "sfu",
        "image": installation.image(cluster, "sfu"),
        "imagePullPolicy": installation.pull_policy,
        "args": ["sfu"],
        "env": environment(sfu_environment(cluster, node, ports, installation)),
        "ports": _container_ports(ports),
        "resources": _resources(cluster),
        "securityContext": container_security(),
        # The operator tells in the MediaNode's status why it ended.
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "startupProbe": grpc_probe(ports.health, every=1, failures=120),
        "readinessProbe": grpc_probe(ports.health, every=2, failures=3),
        # Patient: what it ends is everybody's call, and a node that is merely busy recovers.
        "livenessProbe": grpc_probe(ports.health, every=10, failures=6),
        "volumeMounts": mounts,
    }


def _resources(cluster: MediaCluster) -> Manifest:
    """What the template asks for; and where it says nothing of CPU or memory a request all the same: pods of
    media nodes are else put on Kubernetes nodes that have nothing left for them, and a quota refuses them."""
    template = cluster.spec.media_nodes.template
    asked: Manifest = dict(template.resources)
    said = {**(asked.get("limits") or {}), **(asked.get("requests") or {})}
    default = {"cpu": f"{CPU_MILLICORES * template.workers}m", "memory": MEMORY}
    missing = {name: quantity for name, quantity in default.items() if name not in said}
    return {**asked, "requests": {**missing, **(asked.get("requests") or {})}}


def sfu_environment(
    cluster: MediaCluster, node: MediaNode, ports: Ports, installation: Installation
) -> dict[str, str | Manifest]:
    """What `rotunda_sfu.settings` reads, by variable."""
    capacity = cluster.spec.media_nodes.capacity
    found: dict[str, str | Manifest] = {
        "ROTUNDA_SFU_NODE_NAME": node.metadata.name,
        "ROTUNDA_SFU_NAMESPACE": field("metadata.namespace"),
        "ROTUNDA_SFU_PROCESS_ID": field("metadata.uid"),
        "ROTUNDA_SFU_WORKERS": str(ports.media_count),
        "ROTUNDA_SFU_MEDIA_PORT": str(ports.media),
        # gRPC takes this for every address, of IPv4 too where there is no IPv6.
        "ROTUNDA_SFU_GRPC_ADDRESS": f"[::]:{ports.grpc}",
        "ROTUNDA_SFU_HEALTH_ADDRESS": f"[::]:{ports.health}",
        "ROTUNDA_SFU_CAPACITY_EGRESS_MBPS": str(capacity.egress_mbps),
        "ROTUNDA_SFU_CAPACITY_PARTICIPANTS": str(capacity.participants),
        **_addresses(cluster.spec.media_nodes.network),
    }
    if installation.otlp_endpoint:
        found["ROTUNDA_SFU_OTLP_ENDPOINT"] = installation.otlp_endpoint
    if installation.tls:
        found["ROTUNDA_SFU_TLS_DIRECTORY"] = TLS_DIRECTORY
    return found


def _addresses(network: NetworkSpec) -> dict[str, str | Manifest]:
    """Where media arrives and what clients are told of it.

    On the host's network the pod's addresses are the node's, of both families. A pod's own address is
    mapped from one of the node's.
    """
    own_network = network.mode == "HostPort"
    listen = field("status.podIP" if own_network else "status.podIPs")
    found: dict[str, str | Manifest] = {"ROTUNDA_SFU_LISTEN_ADDRESSES": listen}
    match network.announce:
        case "NodeExternalIP":
            found["ROTUNDA_SFU_ANNOUNCED_ADDRESS_FILE"] = f"{_ANNOUNCED}/address"
        case "NodeInternalIP":
            if own_network:
                found["ROTUNDA_SFU_ANNOUNCED_ADDRESS"] = field("status.hostIP")
        case address:
            found["ROTUNDA_SFU_ANNOUNCED_ADDRESS"] = address
    return found


def _container_ports(ports: Ports) -> list[Manifest]:
    """All of them as ports of the host, so that the scheduler keeps pods with the same ones apart.

    A worker takes media over TCP on the number of its UDP port.
    """
    media = [
        _port(f"media-{protocol.lower()}-{index}", ports.media + index, protocol)
        for index in range(ports.media_count)
        for protocol in ("UDP", "TCP")
    ]
    return [*media, _port("grpc", ports.grpc, "TCP"), _port("health", ports.health, "TCP")]


def _port(name: str, number: int, protocol: str) -> Manifest:
    return {"name": name, "containerPort": number, "hostPort": number, "protocol": protocol}


def _volumes(cluster: MediaCluster, installation: Installation) -> list[Manifest]:
    volumes = [scratch_volume("tmp")]
    if installation.tls:
        volumes.append(secret_volume("tls", media_node_certificate(cluster)))
    if needs_announced_address(cluster):
        source = field(f"metadata.annotations['{ANNOUNCED_ADDRESS}']")
        item = {"path": "address", **source}
        volumes.append({"name": "announced", "downwardAPI": {"items": [item]}})
    return volumes
