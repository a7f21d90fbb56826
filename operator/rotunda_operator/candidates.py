"""Media nodes as placement needs them, cached until something about them changes.

All nodes of a cluster are compared for every room that is placed: a thousand of them cannot be built anew
each time.
"""

import math
from collections import defaultdict
from collections.abc import Mapping

from rotunda_contract.resources import CapacitySpec, MediaCluster, MediaNode
from rotunda_kube import Key
from rotunda_operator.clock import Instant
from rotunda_operator.load import LoadReports
from rotunda_operator.load.cost import CostModel, used_shares
from rotunda_operator.placement import Candidate, Reservations, Shares

DEFAULT_CAPACITY = CapacitySpec()
"""Of a node whose cluster is not known. No room is placed on such a node."""


class CandidateCache:
    """The caller invalidates a node whose data changed. By time alone only a report becomes stale.

    The mappings are read at each refresh, not copied. `reservations` is by namespace.
    """

    def __init__(
        self,
        nodes: Mapping[Key, MediaNode],
        clusters: Mapping[Key, MediaCluster],
        reports: LoadReports,
        costs: CostModel,
        reservations: defaultdict[str, Reservations],
    ) -> None:
        self._nodes = nodes
        self._clusters = clusters
        self._reports = reports
        self._costs = costs
        self._reservations = reservations
        self._known: dict[Key, Candidate] = {}
        self._of_cluster: dict[Key, dict[Key, Candidate]] = defaultdict(dict)
        self._changed: set[Key] = set()
        self._stale_at = math.inf
        """When the first of the cached reports becomes stale."""

    def invalidate(self, node: Key) -> None:
        self._changed.add(node)

    def of_cluster(self, cluster: Key, now: Instant) -> list[Candidate]:
        """All nodes of a cluster."""
        self._refresh(now)
        return list(self._of_cluster[cluster].values())

    def get(self, node: Key, now: Instant) -> Candidate:
        """Raises KeyError for a node that is not known."""
        self._refresh(now)
        return self._known[node]

    def _refresh(self, now: Instant) -> None:
        if now.monotonic >= self._stale_at:
            self._stale_at = math.inf
            self._changed.update(self._known)
        for key in self._changed:
            before = self._known.pop(key, None)
            if key in self._nodes:
                after = self._known[key] = self._build(key, now)
                if before is not None and before.cluster != after.cluster:
                    del self._of_cluster[Key(key.namespace, before.cluster)][key]
                self._of_cluster[Key(key.namespace, after.cluster)][key] = after
                self._stale_at = min(self._stale_at, self._reports.fresh_until(key, now.monotonic))
            elif before is not None:
                del self._of_cluster[Key(key.namespace, before.cluster)][key]
        self._changed.clear()

    def _build(self, key: Key, now: Instant) -> Candidate:
        node = self._nodes[key]
        report = self._reports.fresh(key, now.monotonic)
        reported = dict(report.room_participants) if report is not None else None
        expected = self._reservations[key.namespace].on_node(key.name, reported, now.monotonic)
        cluster = self._clusters.get(Key(key.namespace, node.spec.cluster_ref))
        capacity = cluster.spec.media_nodes.capacity if cluster is not None else DEFAULT_CAPACITY
        workers = report.workers if report is not None else 1
        cost = self._costs.of(key)
        return Candidate(
            name=key.name,
            cluster=node.spec.cluster_ref,
            ready=node.status.phase in ("Ready", "Draining"),
            cordoned=node.spec.cordoned or node.status.phase == "Draining",
            utilization=report.utilization if report is not None else None,
            used=used_shares(report, capacity) if report is not None else Shares(),
            reserved=cost.shares(expected.consumers, expected.people, capacity, workers),
            likely=cost.shares(expected.likely_consumers, expected.likely_people, capacity, workers),
            per_consumer=cost.shares(1, 0, capacity, workers),
            participants=(report.participants if report is not None else 0) + expected.people,
            participant_capacity=capacity.participants,
            region=node.status.region or "",
            labels=node.metadata.labels,
        )
