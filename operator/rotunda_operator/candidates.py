"""Media nodes as placement sees them, kept until something about them changes: a thousand nodes are read for
every room that is placed."""

from __future__ import annotations

import math
from collections import defaultdict
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
        self._known: dict[Key, Candidate] = {}
        self._of_cluster: dict[Key, dict[Key, Candidate]] = defaultdict(dict)
        self._changed: set[Key] = set()
        self._stale_at = math.inf
        """When the first of the fresh reports in what is known turns stale."""

    def forget(self, node: Key) -> None:
        self._changed.add(node)

    def of(self, cluster: Key, now: Moment) -> list[Candidate]:
        """All of a cluster."""
        self._refresh(now)
        return list(self._of_cluster[cluster].values())

    def get(self, node: Key, now: Moment) -> Candidate:
        """Raises KeyError for a node that is not known."""
        self._refresh(now)
        return self._known[node]

    def _refresh(self, now: Moment) -> None:
        if now.mono >= self._stale_at:
            self._stale_at = math.inf
            self._changed.update(self._known)
        for key in self._changed:
            before = self._known.pop(key, None)
            if key in self._world.nodes:
                made = self._known[key] = self._make(key, now)
                if before is not None and before.cluster != made.cluster:
                    del self._of_cluster[Key(key.namespace, before.cluster)][key]
                self._of_cluster[Key(key.namespace, made.cluster)][key] = made
                self._stale_at = min(self._stale_at, self._world.ledger.fresh_until(key, now.mono))
            elif before is not None:
                del self._of_cluster[Key(key.namespace, before.cluster)][key]
        self._changed.clear()

    def _make(self, key: Key, now: Moment) -> Candidate:
        world = self._world
        node = world.nodes[key]
        report = world.ledger.fresh(key, now.mono)
        reported = dict(report.room_participants) if report is not None else None
        consumers, people = world.reservations[key.namespace].on_node(key.name, reported, now.mono)
        cluster = world.clusters.get(Key(key.namespace, node.spec.cluster_ref))
        capacity = cluster.spec.media_nodes.capacity.participants if cluster is not None else _UNBOUNDED
        return Candidate(
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
