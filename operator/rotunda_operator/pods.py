"""Pods and Kubernetes nodes, reduced to the plain data that decisions need."""

from dataclasses import dataclass

from rotunda_kube import Key, Manifest, key_of
from rotunda_operator.specs.metadata import ANNOUNCED_ADDRESS, MEDIA_NODE, TEMPLATE

REGION_LABEL = "topology.kubernetes.io/region"
ZONE_LABEL = "topology.kubernetes.io/zone"


@dataclass(frozen=True, slots=True)
class Pod:
    """One SFU pod. `waiting`: why its container does not run, where the kubelet says so."""

    key: Key
    uid: str
    media_node: str
    owner_uid: str
    created: str
    phase: str
    ready: bool
    terminating: bool
    node_name: str
    host_ip: str
    waiting: str = ""
    exit_status: int | None = None
    """Of its container, once that has terminated."""
    termination_message: str = ""
    """The last line that its container logged, where it failed."""
    announced: str = ""
    """The value of its annotation ANNOUNCED_ADDRESS; empty where it has none."""
    template: str = ""
    """The hash of the template that it was created from; empty where an older operator created it."""

    @property
    def finished(self) -> bool:
        """It will never serve again."""
        return self.phase in ("Failed", "Succeeded")


@dataclass(frozen=True, slots=True)
class KubeNode:
    """One Kubernetes node. `reachable` is False once its kubelet has been silent for too long."""

    name: str
    internal_ip: str
    external_ip: str
    region: str
    zone: str
    unschedulable: bool
    reachable: bool
    more_addresses: tuple[tuple[str, str], ...] = ()
    """On a node with IPv4 and IPv6: pairs of `internal_ip` or `external_ip` and a further address of that
    type."""

    def all_of(self, address: str) -> set[str]:
        """The address and its further addresses of the same type; empty where it is not of this node."""
        further = {more for first, more in self.more_addresses if first == address}
        return {address, *further} if address in (self.internal_ip, self.external_ip) and address else set()


def read_pod(manifest: Manifest) -> Pod:
    metadata, status = manifest["metadata"], manifest.get("status", {})
    owners = metadata.get("ownerReferences", [])
    terminated = _terminated(status)
    return Pod(
        key=key_of(manifest),
        uid=metadata["uid"],
        media_node=metadata.get("labels", {}).get(MEDIA_NODE, ""),
        owner_uid=next((owner["uid"] for owner in owners if owner.get("controller")), ""),
        created=metadata.get("creationTimestamp", ""),
        phase=status.get("phase", "Pending"),
        ready=_condition(manifest, "Ready") == "True",
        terminating="deletionTimestamp" in metadata,
        node_name=manifest["spec"].get("nodeName", ""),
        host_ip=status.get("hostIP", ""),
        waiting=_waiting(manifest),
        exit_status=terminated.get("exitCode"),
        termination_message=_last_line(terminated),
        announced=metadata.get("annotations", {}).get(ANNOUNCED_ADDRESS, ""),
        template=metadata.get("labels", {}).get(TEMPLATE, ""),
    )


def read_kube_node(manifest: Manifest) -> KubeNode:
    labels = manifest["metadata"].get("labels", {})
    listed = [(a["type"], a["address"]) for a in manifest.get("status", {}).get("addresses", [])]
    addresses = dict(reversed(listed))
    more = [(addresses[kind], address) for kind, address in listed if kind in ("InternalIP", "ExternalIP")]
    return KubeNode(
        name=manifest["metadata"]["name"],
        internal_ip=addresses.get("InternalIP", ""),
        external_ip=addresses.get("ExternalIP", ""),
        region=labels.get(REGION_LABEL, ""),
        zone=labels.get(ZONE_LABEL, ""),
        unschedulable=bool(manifest.get("spec", {}).get("unschedulable")),
        # The node controller sets Unknown when the kubelet has been silent for long.
        reachable=_condition(manifest, "Ready") != "Unknown",
        more_addresses=tuple(pair for pair in more if pair[0] != pair[1]),
    )


def not_ready_reason(manifest: Manifest) -> str:
    """Why a pod of a Deployment is not ready, in its own words.

    Empty where it is ready, is being deleted, or gives no reason.
    """
    if _condition(manifest, "Ready") == "True" or "deletionTimestamp" in manifest["metadata"]:
        return ""
    containers = manifest.get("status", {}).get("containerStatuses", [])
    states = (container.get(which, {}) for container in containers for which in ("state", "lastState"))
    lines = (_last_line(state["terminated"]) for state in states if "terminated" in state)
    return next(filter(None, lines), "") or _waiting(manifest).rstrip(".")


def _last_line(terminated: Manifest) -> str:
    """The last line that a terminated container has logged."""
    return str(terminated.get("message", "")).strip().rpartition("\n")[2].rstrip(".")


def _condition(manifest: Manifest, type: str) -> str:
    conditions = manifest.get("status", {}).get("conditions", [])
    return next((str(c["status"]) for c in conditions if c["type"] == type), "")


def _terminated(status: Manifest) -> Manifest:
    """How its container terminated; empty while it runs."""
    states = (container.get("state", {}) for container in status.get("containerStatuses", []))
    found: Manifest = next((state["terminated"] for state in states if "terminated" in state), {})
    return found


def _waiting(manifest: Manifest) -> str:
    status = manifest.get("status", {})
    for container in status.get("containerStatuses", []):
        waiting = container.get("state", {}).get("waiting")
        if waiting:
            return ": ".join(part for part in (waiting.get("reason"), waiting.get("message")) if part)
    for condition in status.get("conditions", []):
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return str(condition.get("message", "it is not scheduled"))
    return ""
