"""The fleet of a cluster: from the cache to what autoscaling, rollout and status need."""

import random

from rotunda_contract.resources import Load, MediaCluster
from rotunda_kube import Key
from rotunda_operator.cache import Cache, key_of
from rotunda_operator.clock import Instant
from rotunda_operator.clusters.objects_status import ObjectsStatus
from rotunda_operator.clusters.rollout import Rollout, rollout_step
from rotunda_operator.clusters.scaling import FleetLoad
from rotunda_operator.clusters.status import FleetView
from rotunda_operator.nodes.load_status import load_of
from rotunda_operator.nodes.template import template_of
from rotunda_operator.placement import Candidate, Unplaceable, place
from rotunda_operator.rooms.decide import request_of
from rotunda_operator.rooms.waiting_rooms import group_by_request


def fleet_load(cache: Cache, cluster: Key, now: Instant) -> FleetLoad:
    candidates = cache.candidates(cluster, now)
    waiting: list[float] = []
    for rooms in group_by_request(cache.waiting(cluster)).values():
        answer = place(request_of(rooms[0]), candidates, rng=random.Random(0))
        if isinstance(answer, Unplaceable) and answer.wants_capacity:
            waiting += [cache.room_load(cluster, rooms[0].spec.people)] * len(rooms)
    rooms_on = {c.name: len(cache.rooms_on(Key(cluster.namespace, c.name))) for c in candidates}
    people = [
        cache.rooms[room].spec.people
        for candidate in candidates
        for room in cache.rooms_on(Key(cluster.namespace, candidate.name))
    ]
    mean = sum(cache.room_load(cluster, count) for count in people) / len(people) if people else 0.0
    return FleetLoad(
        projected={candidate.name: _demand(cache, cluster, candidate) for candidate in candidates},
        rooms=rooms_on,
        waiting=waiting,
        mean_room=mean,
    )


def fleet_rollout(cache: Cache, cluster: MediaCluster, template: str) -> Rollout:
    key = key_of(cluster)
    nodes = cache.nodes_of(key)
    pods = [(node, cache.pod_of(node)) for node in nodes]
    return rollout_step(
        cluster,
        nodes,
        {node.metadata.name: template_of(cluster, node, pod) for node, pod in pods if pod is not None},
        {node.metadata.name: len(cache.rooms_on(key_of(node))) for node in nodes},
        template,
    )


def _demand(cache: Cache, cluster: Key, candidate: Candidate) -> float:
    """The load of a node for autoscaling.

    A node that does not report counts with its last known load: silence is no reason to remove it.
    """
    if candidate.utilization is not None:
        return candidate.demand
    load = _last_load(cache, Key(cluster.namespace, candidate.name))
    return max(candidate.demand, load.utilization_percent / 100 if load is not None else 0.0)


def _last_load(cache: Cache, node: Key) -> Load | None:
    """By its last report, even if that is old; if this process has none, by the load in its status."""
    status, last = cache.nodes[node].status, cache.reports.last(node)
    if status.phase == "Lost":
        return None
    return load_of(last[0]) if last is not None else status.load


def fleet_view(cache: Cache, cluster: Key, objects: ObjectsStatus, rollout: Rollout) -> FleetView:
    nodes = cache.nodes_of(cluster)
    keys = [Key(cluster.namespace, node.metadata.name) for node in nodes]
    loads = [_last_load(cache, key) for key in keys]
    waiting = [room for room in cache.waiting(cluster) if room.status.phase != "Failed"]
    return FleetView(
        nodes=nodes,
        rooms=sum(len(cache.rooms_on(key)) for key in keys),
        participants=sum(load.participants for load in loads if load is not None),
        utilization=[
            load.utilization_percent / 100
            for node, load in zip(nodes, loads, strict=True)
            if load is not None and node.status.phase == "Ready"
        ],
        waiting=len(waiting),
        problems=objects.problems,
        not_ready=objects.not_ready,
        rollout=rollout,
    )
