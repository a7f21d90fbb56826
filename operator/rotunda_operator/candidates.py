"""Media nodes as placement sees them, kept until something about them changes: a thousand nodes are read for
every room that is placed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rotunda_kube import Key
from rotunda_operator.moment import Moment
from rotunda_operator.placement import Candidate

if TYPE_CHECKING:
    from rotunda_operator.world import World

_UNBOUNDED = 1_000_000


class CandidateCache:
    """`forget` whatever changed; time alone makes only a report stale."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._known: dict[Key, tuple[Candidate, float]] = {}

    def forget(self, node: Key) -> None:
        self._known.pop(node, None)

    def get(self, node: Key, now: Moment) -> Candidate:
        """Raises KeyError for a node that is not known."""
        known = self._known.get(node)
        if known is not None and now.mono < known[1]:
            return known[0]
        self._known[node] = made = self._make(node, now)
        return made[0]

    def _make(self, key: Key, now: Moment) -> tuple[Candidate, float]:
        world = self._world
        node = world.nodes[key]
        report = world.ledger.fresh(key, now.mono)
        reported = dict(report.room_participants) if report is not None else None
        consumers, people = world.reservations[key.namespace].on_node(key.name, reported, now.mono)
        cluster = world.clusters.get(Key(key.namespace, node.spec.cluster_ref))
        capacity = cluster.spec.media_nodes.capacity.participants if cluster is not None else _UNBOUNDED
        candidate = Candidate(
            name=key.name,
            cluster=node.spec.cluster_ref,
            ready=node.status.phase in ("Ready", "Draining"),
            cordoned=node.spec.cordoned or node.status.phase == "Draining",
            utilization=report.utilization if report is not None else None,
            reserved=consumers * world.ledger.consumer_cost,
            participants=(report.participants if report is not None else 0) + people,
            participant_capacity=capacity,
            region=node.status.region or "",
            labels=node.metadata.labels,
        )
        return candidate, world.ledger.fresh_until(key, now.mono)
