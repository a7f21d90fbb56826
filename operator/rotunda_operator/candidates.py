"""Media nodes as placement sees them, kept until something about them changes: a thousand nodes are read for
every room that is placed."""

import math
from collections import defaultdict
from collections.abc import Mapping

from rotunda_contract.resources import CapacitySpec, MediaCluster, MediaNode
from rotunda_kube import Key
from rotunda_operator.clock import Moment
from rotunda_operator.load import LoadLedger
from rotunda_operator.load.cost import CostBook, used_shares
from rotunda_operator.placement import Candidate, Reservations, Shares

CAPACITY = CapacitySpec()
"""Of a node whose cluster is not known; none of these is placed on."""


class CandidateCache:
    """`forget` whatever changed; time alone makes only a report stale.

    What it is given it reads as it stands. `reservations` are by namespace, and made for one that has none.
    """

    def __init__(
        self,
        nodes: Mapping[Key, MediaNode],
        clusters: Mapping[Key, MediaCluster],
        ledger: LoadLedger,
        costs: CostBook,
        reservations: defaultdict[str, Reservations],
    ) -> None:
        self._nodes = nodes
        self._clusters = clusters
        self._ledger = ledger
        self._costs = costs
        self._reservations = reservations
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
            if key in self._nodes:
                made = self._known[key] = self._make(key, now)
                if before is not None and before.cluster != made.cluster:
                    del self._of_cluster[Key(key.namespace, before.cluster)][key]
                self._of_cluster[Key(key.namespace, made.cluster)][key] = made
                self._stale_at = min(self._stale_at, self._ledger.fresh_until(key, now.mono))
            elif before is not None:
                del self._of_cluster[Key(key.namespace, before.cluster)][key]
        self._changed.clear()

    def _make(self, key: Key, now: Moment) -> Candidate:
        node = self._nodes[key]
        report = self._ledger.fresh(key, now.mono)
        reported = dict(report.room_participants) if report is not None else None
        expected = self._reservations[key.namespace].on_node(key.name, reported, now.mono)
        cluster = self._clusters.get(Key(key.namespace, node.spec.cluster_ref))
        capacity = cluster.spec.media_nodes.capacity if cluster is not None else CAPACITY
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
            a_consumer=cost.shares(1, 0, capacity, workers),
            participants=(report.participants if report is not None else 0) + expected.people,
            participant_capacity=capacity.participants,
            region=node.status.region or "",
            labels=node.metadata.labels,
        )
