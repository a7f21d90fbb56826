"""Of Pods and Kubernetes nodes, what decisions need: read once from the object, then plain data."""

from dataclasses import dataclass

from rotunda_kube import Key, Manifest, key_of
from rotunda_operator.specs.metadata import ANNOUNCED_ADDRESS, MEDIA_NODE, TEMPLATE

REGION_LABEL = "topology.kubernetes.io/region"
ZONE_LABEL = "topology.kubernetes.io/zone"


@dataclass(frozen=True, slots=True)
class Pod:
    """One SFU pod. `waiting` says why its container does not run, where the kubelet tells."""

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
    """Of its container, once that has ended."""
    last_words: str = ""
    """The last line that its container logged, where it failed."""
    announced: str = ""
    """The address that it was told to tell clients, where it has to be told."""
    template: str = ""
    """The hash of the template that it was made from; empty for what an older operator made."""

    @property
    def gone(self) -> bool:
        """It will never serve again."""
        return self.phase in ("Failed", "Succeeded")


@dataclass(frozen=True, slots=True)
class KubeNode:
    """One Kubernetes node. `reachable` is False once the cluster gave up on it."""

    name: str
    internal_ip: str
    external_ip: str
    region: str
    zone: str
    unschedulable: bool
    reachable: bool
    more_addresses: tuple[tuple[str, str], ...] = ()
    """Of another family, as where both are at home: each beside the one of its kind above."""

    def all_of(self, address: str) -> set[str]:
        """The address and those of its kind; empty where it is none of this node."""
        beside = {more for first, more in self.more_addresses if first == address}
        return {address, *beside} if address in (self.internal_ip, self.external_ip) and address else set()


def read_pod(manifest: Manifest) -> Pod:
    metadata, status = manifest["metadata"], manifest.get("status", {})
    owners = metadata.get("ownerReferences", [])
    ended = _ended(status)
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
        exit_status=ended.get("exitCode"),
        last_words=_last_words(ended),
        announced=metadata.get("annotations", {}).get(ANNOUNCED_ADDRESS, ""),
        template=metadata.get("labels", {}).get(TEMPLATE, ""),
    )


def read_kube_node(manifest: Manifest) -> KubeNode:
    labels = manifest["metadata"].get("labels", {})
    told = [(a["type"], a["address"]) for a in manifest.get("status", {}).get("addresses", [])]
    addresses = dict(reversed(told))
    more = [(addresses[kind], address) for kind, address in told if kind in ("InternalIP", "ExternalIP")]
    return KubeNode(
        name=manifest["metadata"]["name"],
        internal_ip=addresses.get("InternalIP", ""),
        external_ip=addresses.get("ExternalIP", ""),
        region=labels.get(REGION_LABEL, ""),
        zone=labels.get(ZONE_LABEL, ""),
        unschedulable=bool(manifest.get("spec", {}).get("unschedulable")),
        # The node controller says Unknown when the kubelet has been silent for long.
        reachable=_condition(manifest, "Ready") != "Unknown",
        more_addresses=tuple(pair for pair in more if pair[0] != pair[1]),
    )


def trouble_of(manifest: Manifest) -> str:
    """Why a pod whose containers are started again is not ready; empty where it is, goes or does not say."""
    if _condition(manifest, "Ready") == "True" or "deletionTimestamp" in manifest["metadata"]:
        return ""
    containers = manifest.get("status", {}).get("containerStatuses", [])
    states = (container.get(which, {}) for container in containers for which in ("state", "lastState"))
    words = (_last_words(state["terminated"]) for state in states if "terminated" in state)
    return next(filter(None, words), "") or _waiting(manifest).rstrip(".")


def _last_words(ended: Manifest) -> str:
    """The last line of what a container that ended has logged."""
    return str(ended.get("message", "")).strip().rpartition("\n")[2].rstrip(".")


def _condition(manifest: Manifest, type: str) -> str:
    conditions = manifest.get("status", {}).get("conditions", [])
    return next((str(c["status"]) for c in conditions if c["type"] == type), "")


def _ended(status: Manifest) -> Manifest:
    """How its container ended; empty while it runs."""
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
