"""What is drawn or issued once for a cluster and then kept: read from what stands, made where missing."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from rotunda_contract.identities import identity_of
from rotunda_contract.resources import MediaCluster
from rotunda_kube.resource import Manifest
from rotunda_operator.certificates import Pair, issue, must_renew, renew_at
from rotunda_operator.clusters.turn_keys import ROTATE, keep_or_change
from rotunda_operator.specs import names
from rotunda_operator.specs.certificates import read_pair
from rotunda_operator.specs.turn_secret import TurnKeys, read_turn_keys


@dataclass(frozen=True, slots=True)
class ClusterCertificates:
    """Of one authority, which issued both pairs."""

    authority: Pair
    signaling: Pair
    media_node: Pair

    @property
    def renew_at(self) -> datetime:
        """When the first of them is to be renewed."""
        return min(renew_at(self.signaling), renew_at(self.media_node))


@dataclass(frozen=True, slots=True)
class ClusterSecrets:
    """`certificates` None: the installation has no authority."""

    turn: TurnKeys
    certificates: ClusterCertificates | None = None


def keep_or_make(
    cluster: MediaCluster, standing: Mapping[str, Manifest], authority: Pair | None, now: datetime
) -> ClusterSecrets:
    """`standing`: the Secrets of the cluster's namespace by name.

    Not pure in one respect: what is made is drawn from the system's randomness.
    """
    turn = _turn_keys(cluster, standing.get(names.turn(cluster), {}), now)
    if authority is None:
        return ClusterSecrets(turn)

    def certificate(secret: str, component: str) -> Pair:
        identity = identity_of(component, cluster.metadata.name, cluster.metadata.namespace)
        kept = read_pair(standing.get(secret, {}))
        if kept is not None and not must_renew(kept, now, authority=authority, identity=identity):
            return kept
        return issue(authority, identity, now)

    return ClusterSecrets(
        turn,
        ClusterCertificates(
            authority,
            certificate(names.signaling_certificate(cluster), names.SIGNALING_COMPONENT),
            certificate(names.media_node_certificate(cluster), names.MEDIA_NODE_COMPONENT),
        ),
    )


def _turn_keys(cluster: MediaCluster, standing: Manifest, now: datetime) -> TurnKeys:
    kept = read_turn_keys(standing, now)
    if kept is not None and not cluster.spec.turn.enabled:
        return kept  # it may be the key of somebody's own TURN server, which only they can change
    asked = cluster.metadata.annotations.get(ROTATE, "")
    return keep_or_change(kept, now, lambda: secrets.token_urlsafe(32), asked=asked)
