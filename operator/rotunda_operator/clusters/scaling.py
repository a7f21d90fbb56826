"""One step of autoscaling: from the fleet as it stands to the MediaNodes to make, cordon and remove."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rotunda_contract.resources import MediaCluster, MediaNode
from rotunda_kube.resource import MEDIA_CLUSTERS, Manifest
from rotunda_operator.autoscaling import Demand, FleetNode, ScaleDecision, Scaling, decide
from rotunda_operator.clusters.cordon import SCALE_DOWN, Patch, is_marked, is_scaled_down
from rotunda_operator.specs.media_node import free_names, media_node


@dataclass(frozen=True, slots=True)
class FleetLoad:
    """What nobody but the operator's memory knows; loads are 0 to 1.

    `projected` by MediaNode: utilization by its fresh report and reservations; `rooms` by MediaNode: Rooms
    assigned to it. `waiting`: what each Room adds that has no node and that one more could take.
    """

    projected: Mapping[str, float] = field(default_factory=dict)
    rooms: Mapping[str, int] = field(default_factory=dict)
    waiting: Sequence[float] = ()
    usual_room: float = 0.0


@dataclass(frozen=True, slots=True)
class ScalingStep:
    """`idle_since` is for the next step, which is due in `again` seconds if nothing happens before."""

    create: tuple[Manifest, ...] = ()
    patch: tuple[Patch, ...] = ()
    delete: tuple[MediaNode, ...] = ()
    idle_since: float | None = None
    again: float | None = None


def scaling_step(
    cluster: MediaCluster,
    nodes: Sequence[MediaNode],
    load: FleetLoad,
    *,
    idle_since: float | None,
    now: float,
) -> ScalingStep:
    """`nodes`: all MediaNodes of the cluster, also those made by hand. `now`: seconds, monotonic.

    Those that a person has cordoned count towards the most that may stand, and carry nothing; so do those
    that are to get another pod, until their rooms have ended.
    """
    standing = [node for node in nodes if node.metadata.deletion_timestamp is None]
    resting = [node for node in standing if _rests(node, load)]
    fleet = [_fleet_node(cluster, node, load) for node in standing if node not in resting]
    scaling = _scaling(cluster, resting=len(resting))
    demand = Demand(load.waiting, load.usual_room)
    decision = decide(scaling, fleet, demand, idle_since=idle_since, now=now)
    return _step(cluster, nodes, decision, scaling, now)


def _rests(node: MediaNode, load: FleetLoad) -> bool:
    if is_marked(node) and load.rooms.get(node.metadata.name, 0) == 0:
        return False  # its next pod serves in a moment
    return node.spec.cordoned and not is_scaled_down(node)


def _step(
    cluster: MediaCluster, nodes: Sequence[MediaNode], decision: ScaleDecision, scaling: Scaling, now: float
) -> ScalingStep:
    by_name = {node.metadata.name: node for node in nodes}
    fresh = free_names(cluster, by_name.keys(), decision.add)
    since = decision.idle_since
    return ScalingStep(
        create=tuple(media_node(cluster, name) for name in fresh),
        patch=(
            *(Patch(by_name[name], _cordon(True), "Drains") for name in decision.drain),
            *(Patch(by_name[name], _cordon(False), "Takes back") for name in decision.undrain),
        ),
        delete=tuple(by_name[name] for name in decision.remove),
        idle_since=since,
        again=None if since is None else max(since + scaling.down_delay_seconds - now, 0.0),
    )


def _scaling(cluster: MediaCluster, *, resting: int) -> Scaling:
    spec = cluster.spec.media_nodes
    most = max(spec.max - resting, 0)
    return Scaling(
        minimum=min(spec.min, most),
        maximum=most,
        target=spec.scaling.target_utilization_percent / 100,
        spare_rooms=spec.scaling.spare_rooms,
        down_delay_seconds=spec.scaling.scale_down_delay_seconds,
    )


def _fleet_node(cluster: MediaCluster, node: MediaNode, load: FleetLoad) -> FleetNode:
    name = node.metadata.name
    return FleetNode(
        name=name,
        projected=load.projected.get(name, 0.0),
        rooms=load.rooms.get(name, 0),
        coming=is_marked(node) or node.status.phase not in ("Ready", "Draining"),
        draining=is_scaled_down(node),
        kept=not _is_made_by(cluster, node),
    )


def _is_made_by(cluster: MediaCluster, node: MediaNode) -> bool:
    owners = node.metadata.owner_references
    return any(
        o.controller and o.kind == MEDIA_CLUSTERS.kind and o.uid == cluster.metadata.uid for o in owners
    )


def _cordon(cordoned: bool) -> Manifest:
    mark = "true" if cordoned else None
    return {"spec": {"cordoned": cordoned}, "metadata": {"annotations": {SCALE_DOWN: mark}}}
