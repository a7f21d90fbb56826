"""What the world knows of a cluster's fleet, as scaling and status want it."""

import random

from rotunda_contract.resources import Load, MediaCluster
from rotunda_kube import Key
from rotunda_operator.cache import World, key_of
from rotunda_operator.clock import Moment
from rotunda_operator.clusters.rollout import Rollout, rollout
from rotunda_operator.clusters.scaling import FleetLoad
from rotunda_operator.clusters.status import FleetView
from rotunda_operator.context import Standing
from rotunda_operator.nodes.load_status import load_of
from rotunda_operator.nodes.template import template_of
from rotunda_operator.placement import Candidate, Unplaceable, place
from rotunda_operator.rooms.decide import request_of
from rotunda_operator.rooms.waiting_rooms import sorts_of


def fleet_load(world: World, cluster: Key, now: Moment) -> FleetLoad:
    candidates = world.candidates(cluster, now)
    waiting: list[float] = []
    for rooms in sorts_of(world.waiting(cluster)).values():
        answer = place(request_of(rooms[0]), candidates, rng=random.Random(0))
        if isinstance(answer, Unplaceable) and answer.wants_capacity:
            waiting += [world.room_load(cluster, rooms[0].spec.people)] * len(rooms)
    rooms_on = {c.name: len(world.rooms_on(Key(cluster.namespace, c.name))) for c in candidates}
    people = [
        world.rooms[room].spec.people
        for candidate in candidates
        for room in world.rooms_on(Key(cluster.namespace, candidate.name))
    ]
    usual = sum(world.room_load(cluster, count) for count in people) / len(people) if people else 0.0
    return FleetLoad(
        projected={candidate.name: _demand(world, cluster, candidate) for candidate in candidates},
        rooms=rooms_on,
        waiting=waiting,
        usual_room=usual,
    )


def fleet_rollout(world: World, cluster: MediaCluster, template: str) -> Rollout:
    key = key_of(cluster)
    nodes = world.nodes_of(key)
    pods = [(node, world.pod_of(node)) for node in nodes]
    return rollout(
        cluster,
        nodes,
        {node.metadata.name: template_of(cluster, node, pod) for node, pod in pods if pod is not None},
        {node.metadata.name: len(world.rooms_on(key_of(node))) for node in nodes},
        template,
    )


def _demand(world: World, cluster: Key, candidate: Candidate) -> float:
    """What a silent node carries it still carries, as far as is known: silence takes no node away."""
    if candidate.utilization is not None:
        return candidate.demand
    load = _last_load(world, Key(cluster.namespace, candidate.name))
    return max(candidate.demand, load.utilization_percent / 100 if load is not None else 0.0)


def _last_load(world: World, node: Key) -> Load | None:
    """By its last report, however old; else as the operator before this one has written it."""
    status, last = world.nodes[node].status, world.ledger.last(node)
    if status.phase == "Lost":
        return None
    return load_of(last[0]) if last is not None else status.load


def fleet_view(world: World, cluster: Key, standing: Standing, renewal: Rollout) -> FleetView:
    nodes = world.nodes_of(cluster)
    keys = [Key(cluster.namespace, node.metadata.name) for node in nodes]
    loads = [_last_load(world, key) for key in keys]
    waiting = [room for room in world.waiting(cluster) if room.status.phase != "Failed"]
    return FleetView(
        nodes=nodes,
        rooms=sum(len(world.rooms_on(key)) for key in keys),
        participants=sum(load.participants for load in loads if load is not None),
        utilization=[
            load.utilization_percent / 100
            for node, load in zip(nodes, loads, strict=True)
            if load is not None and node.status.phase == "Ready"
        ],
        waiting=len(waiting),
        problems=standing.problems,
        troubles=standing.troubles,
        renewal=renewal,
    )
