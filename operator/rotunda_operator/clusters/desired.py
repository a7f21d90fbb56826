"""The desired objects of a MediaCluster, without its MediaNodes: a pure function."""

from collections.abc import Sequence

from rotunda_contract.resources import MediaCluster
from rotunda_kube.resource import Manifest
from rotunda_operator.clusters.secrets import ClusterSecrets
from rotunda_operator.specs import names
from rotunda_operator.specs.certificates import certificate_secret
from rotunda_operator.specs.coturn import turn_objects
from rotunda_operator.specs.installation import Installation
from rotunda_operator.specs.signaling import signaling_objects


def desired_objects(
    cluster: MediaCluster,
    installation: Installation,
    secrets: ClusterSecrets,
    *,
    peers: Sequence[str] = (),
    urls: Sequence[str] = (),
) -> list[Manifest]:
    """In the order in which they are created: what a pod mounts comes before the pod.

    `peers`: the addresses that TURN may relay to, which are those that the cluster's media nodes announce.
    `urls`: where clients reach TURN.
    """
    return [
        *_certificates(cluster, secrets),
        *turn_objects(cluster, installation, secrets.turn, peers=peers, urls=urls),
        *signaling_objects(cluster, installation),
    ]


def _certificates(cluster: MediaCluster, secrets: ClusterSecrets) -> list[Manifest]:
    issued = secrets.certificates
    if issued is None:
        return []
    parts = (
        (names.signaling_certificate(cluster), names.SIGNALING_COMPONENT, issued.signaling),
        (names.media_node_certificate(cluster), names.MEDIA_NODE_COMPONENT, issued.media_node),
    )
    return [
        certificate_secret(cluster, name, component, pair, issued.authority)
        for name, component, pair in parts
    ]
