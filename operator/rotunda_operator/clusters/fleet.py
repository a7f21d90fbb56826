"""What the world knows of a cluster's fleet, as scaling and status want it."""

import random
from collections.abc import Sequence

from rotunda_contract.resources import MediaCluster
from rotunda_kube import Key
from rotunda_operator.clusters.rollout import Rollout, rollout
from rotunda_operator.clusters.scaling import FleetLoad
from rotunda_operator.clusters.status import FleetView
from rotunda_operator.moment import Moment
from rotunda_operator.nodes.template import template_of
from rotunda_operator.placement import Unplaceable, place
from rotunda_operator.rooms.decide import request_of
from rotunda_operator.rooms.waiting import sorts_of
from rotunda_operator.world import World, key_of


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
        projected={candidate.name: candidate.demand for candidate in candidates},
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


def fleet_view(
    world: World, cluster: Key, now: Moment, problems: Sequence[str], renewal: Rollout
) -> FleetView:
    nodes = world.nodes_of(cluster)
    keys = [Key(cluster.namespace, node.metadata.name) for node in nodes]
    reports = [world.ledger.fresh(key, now.mono) for key in keys]
    known = [report for report in reports if report is not None]
    waiting = [room for room in world.waiting(cluster) if room.status.phase != "Failed"]
    return FleetView(
        nodes=nodes,
        rooms=sum(len(world.rooms_on(key)) for key in keys),
        participants=sum(report.participants for report in known),
        utilization=[
            report.utilization
            for node, report in zip(nodes, reports, strict=True)
            if report is not None and node.status.phase == "Ready"
        ],
        waiting=len(waiting),
        problems=problems,
        renewal=renewal,
    )
