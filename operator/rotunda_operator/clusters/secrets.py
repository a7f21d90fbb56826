"""Keys and certificates of a cluster: kept as they are in its Secrets, created where they are missing."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from rotunda_contract.identities import identity_of
from rotunda_contract.resources import MediaCluster
from rotunda_kube.resource import Manifest
from rotunda_operator.certificates import Pair, issue, must_renew, renew_at
from rotunda_operator.clusters.turn_keys import ROTATE, keep_or_rotate
from rotunda_operator.specs import names
from rotunda_operator.specs.certificates import read_pair
from rotunda_operator.specs.turn_secret import TurnKeys, read_turn_keys


@dataclass(frozen=True, slots=True)
class ClusterCertificates:
    """Both pairs are issued by `authority`."""

    authority: Pair
    signaling: Pair
    media_node: Pair

    @property
    def renew_at(self) -> datetime:
        """When the first of them is due for renewal."""
        return min(renew_at(self.signaling), renew_at(self.media_node))


@dataclass(frozen=True, slots=True)
class ClusterSecrets:
    """`certificates` None: the installation has no authority."""

    turn: TurnKeys
    certificates: ClusterCertificates | None = None


def keep_or_create(
    cluster: MediaCluster, actual: Mapping[str, Manifest], authority: Pair | None, now: datetime
) -> ClusterSecrets:
    """`actual`: the Secrets of the cluster that exist, by name.

    Pure, except that keys are drawn from the system's randomness.
    """
    turn = _turn_keys(cluster, actual.get(names.turn(cluster), {}), now)
    if authority is None:
        return ClusterSecrets(turn)

    def certificate(secret: str, component: str) -> Pair:
        identity = identity_of(component, cluster.metadata.name, cluster.metadata.namespace)
        kept = read_pair(actual.get(secret, {}))
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


def _turn_keys(cluster: MediaCluster, secret: Manifest, now: datetime) -> TurnKeys:
    kept = read_turn_keys(secret, now)
    if kept is not None and not cluster.spec.turn.enabled:
        return kept  # it may be the key of an external TURN server, which its owner alone can change
    requested = cluster.metadata.annotations.get(ROTATE, "")
    return keep_or_rotate(kept, now, lambda: secrets.token_urlsafe(32), requested=requested)
