"""Kinds of objects, and where the API server has them."""

from dataclasses import dataclass
from typing import Any, NamedTuple

Manifest = dict[str, Any]
"""An object as JSON."""


class Key(NamedTuple):
    """An object of one kind. `namespace` is empty for what has none."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind; `group` is empty for the core group."""

    group: str
    version: str
    plural: str
    kind: str

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str, name: str = "", subresource: str = "") -> str:
        """The URL's path. An empty `namespace` means all of them, or that the kind has none."""
        root = f"/apis/{self.api_version}" if self.group else f"/api/{self.version}"
        middle = f"/namespaces/{namespace}" if namespace else ""
        tail = "".join(f"/{part}" for part in (name, subresource) if part)
        return f"{root}{middle}/{self.plural}{tail}"


def key_of(manifest: Manifest) -> Key:
    """Raises KeyError for what is no object."""
    metadata = manifest["metadata"]
    return Key(metadata.get("namespace", ""), metadata["name"])


ROOMS = Resource("rotunda.dev", "v1alpha1", "rooms", "Room")
MEDIA_NODES = Resource("rotunda.dev", "v1alpha1", "medianodes", "MediaNode")
MEDIA_CLUSTERS = Resource("rotunda.dev", "v1alpha1", "mediaclusters", "MediaCluster")
PODS = Resource("", "v1", "pods", "Pod")
NODES = Resource("", "v1", "nodes", "Node")
SERVICES = Resource("", "v1", "services", "Service")
SECRETS = Resource("", "v1", "secrets", "Secret")
SERVICE_ACCOUNTS = Resource("", "v1", "serviceaccounts", "ServiceAccount")
DEPLOYMENTS = Resource("apps", "v1", "deployments", "Deployment")
DISRUPTION_BUDGETS = Resource("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget")
ROLES = Resource("rbac.authorization.k8s.io", "v1", "roles", "Role")
ROLE_BINDINGS = Resource("rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding")
LEASES = Resource("coordination.k8s.io", "v1", "leases", "Lease")
EVENTS = Resource("events.k8s.io", "v1", "events", "Event")
