"""Properties of the operator's own installation, from which objects are built."""

from dataclasses import dataclass

from rotunda_contract.resources import MediaCluster
from rotunda_kube.resource import Manifest


@dataclass(frozen=True, slots=True)
class Installation:
    """`otlp_endpoint`: `http://host:port` or `https://host:port`; empty: media nodes report no load.

    `registry`: registry and path before an image's name. It and `tag` are used where a MediaCluster sets
    none. `tls`: mount the certificates of the operator's authority into the pods. `pull_secrets`: names of
    Secrets with the registry's credentials.
    """

    namespace: str
    registry: str
    tag: str
    otlp_endpoint: str = ""
    tls: bool = False
    pull_policy: str = "IfNotPresent"
    pull_secrets: tuple[str, ...] = ()

    def image(self, cluster: MediaCluster, name: str) -> str:
        """The image of a component, with the registry and tag of the cluster, or else of the operator."""
        images = cluster.spec.images
        registry = images.registry or self.registry
        return (
            f"{registry}/{name}:{images.tag or self.tag}" if registry else f"{name}:{images.tag or self.tag}"
        )

    def image_pull_spec(self) -> Manifest:
        """The part of a pod's spec that names the credentials for pulling images."""
        return (
            {"imagePullSecrets": [{"name": name} for name in self.pull_secrets]} if self.pull_secrets else {}
        )
