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
"""How long the process needs to stop after its last room has ended."""
CPU_MILLICORES = 250
"""CPU request for each media worker, where the template has none. A pod may use more than its request."""
MEMORY = "256Mi"
"""Memory request of the pod, where the template has none."""
_ANNOUNCED = "/etc/rotunda/announced"


def next_pod_name(node: MediaNode) -> str:
    """The name of the node's next pod: the node's name and a number that grows with every replacement.

    The same status gives the same name: if the operator creates a pod twice, the API server refuses the
    second.
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

    A pod has no way to find the external address of its Kubernetes node, and which node that is becomes
    known only when the pod is scheduled. Then the operator writes the address into the annotation.
    """
    return cluster.spec.media_nodes.network.announce == "NodeExternalIP"


def _spec(cluster: MediaCluster, node: MediaNode, ports: Ports, installation: Installation) -> Manifest:
    media_nodes = cluster.spec.media_nodes
    template = media_nodes.template
    host_network = media_nodes.network.mode == "HostNetwork"
    return {
        "hostNetwork": host_network,
        # With the default policy a pod on the host network uses the host's resolver, which knows no Services.
        "dnsPolicy": "ClusterFirstWithHostNet" if host_network else "ClusterFirst",
        # A restarted process would have the UID of its pod but none of its rooms, and callers would not
        # notice.
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": media_nodes.drain_deadline_seconds + SHUTDOWN_SECONDS,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        **installation.image_pull_spec(),
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
        # The operator copies the last line of the log into the MediaNode's status.
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "startupProbe": grpc_probe(ports.health, every=1, failures=120),
        "readinessProbe": grpc_probe(ports.health, every=2, failures=3),
        # Patient: a failure ends all calls of the pod, and a node that is only busy recovers.
        "livenessProbe": grpc_probe(ports.health, every=10, failures=6),
        "volumeMounts": mounts,
    }


def _resources(cluster: MediaCluster) -> Manifest:
    """The resources of the template, with default requests where it has none for CPU or memory.

    Without requests the scheduler would put media nodes on Kubernetes nodes that are full, and a
    ResourceQuota would refuse their pods.
    """
    template = cluster.spec.media_nodes.template
    given: Manifest = dict(template.resources)
    named = {**(given.get("limits") or {}), **(given.get("requests") or {})}
    default = {"cpu": f"{CPU_MILLICORES * template.workers}m", "memory": MEMORY}
    missing = {name: quantity for name, quantity in default.items() if name not in named}
    return {**given, "requests": {**missing, **(given.get("requests") or {})}}


def sfu_environment(
    cluster: MediaCluster, node: MediaNode, ports: Ports, installation: Installation
) -> dict[str, str | Manifest]:
    """The environment variables that `rotunda_sfu.settings` reads."""
    capacity = cluster.spec.media_nodes.capacity
    found: dict[str, str | Manifest] = {
        "ROTUNDA_SFU_NODE_NAME": node.metadata.name,
        "ROTUNDA_SFU_NAMESPACE": field("metadata.namespace"),
        "ROTUNDA_SFU_PROCESS_ID": field("metadata.uid"),
        "ROTUNDA_SFU_WORKERS": str(ports.media_count),
        "ROTUNDA_SFU_MEDIA_PORT": str(ports.media),
        # gRPC listens on all IPv4 and IPv6 addresses then, also on a machine without IPv6.
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
    """Where the pod listens for media, and which address it announces to clients.

    On the host network the pod's addresses are those of the Kubernetes node, IPv4 and IPv6. In the mode
    HostPort ports of the Kubernetes node are mapped to the one address of the pod.
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
    """All of them as ports of the host, so that the scheduler keeps pods with the same ports apart.

    A media worker listens on the same number over UDP and TCP.
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
