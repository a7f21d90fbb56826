"""What the operator knows of its own installation, which what it makes is built from."""

from dataclasses import dataclass

from rotunda_contract.resources import MediaCluster
from rotunda_kube.resource import Manifest


@dataclass(frozen=True, slots=True)
class Installation:
    """`otlp_endpoint` is `http://host:port` or `https://host:port`, empty where no load is to be reported.

    `registry` is a registry and path before an image's name; both it and `tag` stand in where a
    MediaCluster says none. `tls` mounts the certificates of the operator's CA into the pods. `pull_secrets`
    name Secrets with the registry's credentials.
    """

    namespace: str
    registry: str
    tag: str
    otlp_endpoint: str = ""
    tls: bool = False
    pull_policy: str = "IfNotPresent"
    pull_secrets: tuple[str, ...] = ()

    def image(self, cluster: MediaCluster, name: str) -> str:
        """The image of a component: its registry and tag are the cluster's, else the operator's own."""
        images = cluster.spec.images
        registry = images.registry or self.registry
        return (
            f"{registry}/{name}:{images.tag or self.tag}" if registry else f"{name}:{images.tag or self.tag}"
        )

    def pulling(self) -> Manifest:
        """Of a pod's spec, what lets its kubelet pull."""
        return (
            {"imagePullSecrets": [{"name": name} for name in self.pull_secrets]} if self.pull_secrets else {}
        )
