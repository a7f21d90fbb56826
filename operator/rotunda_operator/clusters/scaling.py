"""One step of autoscaling: which MediaNodes to create, cordon, uncordon and delete. A pure function."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rotunda_contract.resources import MediaCluster, MediaNode
from rotunda_kube.resource import MEDIA_CLUSTERS, Manifest
from rotunda_operator.autoscaling import Demand, FleetNode, ScaleDecision, Scaling, decide
from rotunda_operator.clusters.cordon import (
    SCALE_DOWN,
    NodePatch,
    is_cordoned_for_scale_down,
    is_marked_for_update,
)
from rotunda_operator.specs.media_node import free_names, media_node


@dataclass(frozen=True, slots=True)
class FleetLoad:
    """What the objects themselves do not say; it comes from the cache. Loads are 0 to 1.

    `projected`: by MediaNode, utilization by its report and by reservations. `rooms`: by MediaNode, how many
    are assigned to it. `waiting`: for each Room that waits and that one more node could take, the load that
    it brings. `mean_room`: the mean load of the Rooms that have a node.
    """

    projected: Mapping[str, float] = field(default_factory=dict)
    rooms: Mapping[str, int] = field(default_factory=dict)
    waiting: Sequence[float] = ()
    mean_room: float = 0.0


@dataclass(frozen=True, slots=True)
class ScalingStep:
    """`idle_since` is an argument of the next step, which is due after `requeue_after` seconds."""

    create: tuple[Manifest, ...] = ()
    patches: tuple[NodePatch, ...] = ()
    delete: tuple[MediaNode, ...] = ()
    idle_since: float | None = None
    requeue_after: float | None = None


def scaling_step(
    cluster: MediaCluster,
    nodes: Sequence[MediaNode],
    load: FleetLoad,
    *,
    idle_since: float | None,
    now: float,
) -> ScalingStep:
    """`nodes`: all MediaNodes of the cluster, including those that a person created. `now`: monotonic,
    seconds.

    Nodes that a person has cordoned count towards `mediaNodes.max` and take no load. So do nodes that get a
    pod of another template, as long as they have rooms.
    """
    existing = [node for node in nodes if node.metadata.deletion_timestamp is None]
    out_of_use = [node for node in existing if _is_out_of_use(node, load)]
    fleet = [_fleet_node(cluster, node, load) for node in existing if node not in out_of_use]
    scaling = _scaling(cluster, out_of_use=len(out_of_use))
    demand = Demand(load.waiting, load.mean_room)
    decision = decide(scaling, fleet, demand, idle_since=idle_since, now=now)
    return _step(cluster, nodes, decision, scaling, now)


def _is_out_of_use(node: MediaNode, load: FleetLoad) -> bool:
    if is_marked_for_update(node) and load.rooms.get(node.metadata.name, 0) == 0:
        return False  # it is empty, so its next pod serves soon
    return node.spec.cordoned and not is_cordoned_for_scale_down(node)


def _step(
    cluster: MediaCluster, nodes: Sequence[MediaNode], decision: ScaleDecision, scaling: Scaling, now: float
) -> ScalingStep:
    by_name = {node.metadata.name: node for node in nodes}
    new_names = free_names(cluster, by_name.keys(), decision.add)
    since = decision.idle_since
    return ScalingStep(
        create=tuple(media_node(cluster, name) for name in new_names),
        patches=(
            *(NodePatch(by_name[name], _cordon(True), "Drains") for name in decision.drain),
            *(NodePatch(by_name[name], _cordon(False), "Takes back") for name in decision.undrain),
        ),
        delete=tuple(by_name[name] for name in decision.remove),
        idle_since=since,
        requeue_after=None if since is None else max(since + scaling.down_delay_seconds - now, 0.0),
    )


def _scaling(cluster: MediaCluster, *, out_of_use: int) -> Scaling:
    spec = cluster.spec.media_nodes
    maximum = max(spec.max - out_of_use, 0)
    return Scaling(
        minimum=min(spec.min, maximum),
        maximum=maximum,
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
        starting=is_marked_for_update(node) or node.status.phase not in ("Ready", "Draining"),
        draining=is_cordoned_for_scale_down(node),
        manual=not _is_made_by(cluster, node),
    )


def _is_made_by(cluster: MediaCluster, node: MediaNode) -> bool:
    owners = node.metadata.owner_references
    return any(
        o.controller and o.kind == MEDIA_CLUSTERS.kind and o.uid == cluster.metadata.uid for o in owners
    )


def _cordon(cordoned: bool) -> Manifest:
    mark = "true" if cordoned else None
    return {"spec": {"cordoned": cordoned}, "metadata": {"annotations": {SCALE_DOWN: mark}}}
