"""The operator's cache: what it knows of the cluster, in memory. Informers and the load receiver fill it, and
decisions read it.

The standby fills it too, so that it can decide at once when it takes over. Nothing here writes to the
cluster.
"""

from collections import defaultdict
from datetime import datetime

from rotunda_contract.resources import CapacitySpec, MediaCluster, MediaNode, Room
from rotunda_kube import Key, Manifest, Resource
from rotunda_operator.candidates import DEFAULT_CAPACITY, CandidateCache
from rotunda_operator.clock import Instant
from rotunda_operator.load import LoadReports, NodeReport
from rotunda_operator.load.cost import CostModel
from rotunda_operator.load.merge import Merger
from rotunda_operator.placement import Candidate, Reservations, consumers_of
from rotunda_operator.placement.reservation import HOLD_SECONDS
from rotunda_operator.pods import KubeNode, Pod
from rotunda_operator.specs.metadata import CLUSTER, MEDIA_NODE


class Cache:
    """Objects by key, and indexes over them. Where time matters, the caller passes `now`."""

    def __init__(self) -> None:
        self.rooms: dict[Key, Room] = {}
        self.nodes: dict[Key, MediaNode] = {}
        self.clusters: dict[Key, MediaCluster] = {}
        self.pods: dict[Key, Pod] = {}
        self.kube_nodes: dict[str, KubeNode] = {}
        self.owned: dict[Resource, dict[Key, Manifest]] = defaultdict(dict)
        """What was created for MediaClusters and MediaNodes, without pods and Secrets."""
        self.invalid: dict[Resource, dict[Key, tuple[Manifest, str]]] = defaultdict(dict)
        """Objects that do not match their definition, by kind, and what is wrong with each. Their last valid
        version is still in `rooms`, `nodes` or `clusters`."""
        self.idle_since: dict[Key, float] = {}
        """By MediaCluster: since when (monotonic) it has one media node more than it needs."""
        self.reports = LoadReports()
        self.costs = CostModel()
        self.reservations: dict[str, Reservations] = defaultdict(Reservations)
        """By namespace."""
        self._mergers: dict[Key, Merger] = {}
        self._rooms_on: dict[Key, set[Key]] = defaultdict(set)
        self._waiting: dict[Key, set[Key]] = defaultdict(set)
        self._nodes_of: dict[Key, set[Key]] = defaultdict(set)
        self._pods_of: dict[Key, set[Key]] = defaultdict(set)
        self._candidates = CandidateCache(
            self.nodes, self.clusters, self.reports, self.costs, self.reservations
        )

    def set_room(self, room: Room, now: Instant) -> Room | None:
        """Answers with the version before, if there was one."""
        key = key_of(room)
        before = self.rooms.get(key)
        self._unlink_room(before)
        self.rooms[key] = room
        assignment = room.status.assignment
        if assignment is not None:
            self._rooms_on[Key(key.namespace, assignment.media_node)].add(key)
        elif room.status.phase not in (None, "Idle"):
            self._waiting[cluster_of(room)].add(key)
        self._reserve_new_assignment(before, room, now)
        return before

    def drop_room(self, key: Key) -> Room | None:
        room = self.rooms.pop(key, None)
        self._unlink_room(room)
        self._release(key)
        return room

    def set_node(self, node: MediaNode) -> MediaNode | None:
        """Answers with the version before, if there was one."""
        key = key_of(node)
        before = self.nodes.get(key)
        self.nodes[key] = node
        if before is not None and before.status.pod_name != node.status.pod_name:
            self._forget_reports(key)  # they are of the pod before, and say nothing of this one
        self._nodes_of[cluster_of(node)].add(key)
        self._candidates.invalidate(key)
        return before

    def drop_node(self, key: Key) -> MediaNode | None:
        node = self.nodes.pop(key, None)
        if node is not None:
            self._nodes_of[cluster_of(node)].discard(key)
        self._forget_reports(key)
        return node

    def set_cluster(self, cluster: MediaCluster) -> None:
        key = key_of(cluster)
        self.clusters[key] = cluster
        for node in self._nodes_of[key]:
            self._candidates.invalidate(node)

    def drop_cluster(self, key: Key) -> None:
        self.clusters.pop(key, None)

    def set_pod(self, pod: Pod) -> None:
        self.pods[pod.key] = pod
        self._pods_of[Key(pod.key.namespace, pod.media_node)].add(pod.key)

    def drop_pod(self, key: Key) -> Pod | None:
        pod = self.pods.pop(key, None)
        if pod is not None:
            self._pods_of[Key(key.namespace, pod.media_node)].discard(key)
        return pod

    def merger(self, node: Key, process: str) -> Merger | None:
        """Where to put parts of reports of a process.

        `process` is the UID of its pod, empty where the report does not name it. None: it is not the
        process of the MediaNode now, but an earlier one or another pod.
        """
        merger = self._mergers.get(node)
        if process and process != self._process_of(node):
            return None
        if merger is None or (process and merger.process != process):
            merger = self._mergers[node] = Merger(process)
        return merger if process or not merger.process else None

    def record_report(self, node: Key, report: NodeReport, now: Instant, age: float = 0.0) -> None:
        """A media node reported its load, `age` seconds ago."""
        self.reports.record(node, report, now.monotonic, age)
        self.costs.record(node, report, self.capacity(cluster_of(self.nodes[node])))
        self._candidates.invalidate(node)

    def capacity(self, cluster: Key) -> CapacitySpec:
        """Of each media node of the cluster."""
        known = self.clusters.get(cluster)
        return known.spec.media_nodes.capacity if known is not None else DEFAULT_CAPACITY

    def room_load(self, cluster: Key, people: int) -> float:
        """The share of a typical media node that a room of so many people uses: 0 to 1, also for a room that
        is larger than a node."""
        known = self.clusters.get(cluster)
        workers = known.spec.media_nodes.template.workers if known is not None else 1
        shares = self.costs.typical.shares(consumers_of(people), people, self.capacity(cluster), workers)
        return min(shares.largest, 1.0)

    def reported_at(self, node: Key, now: Instant) -> datetime | None:
        """When the node made the last report that arrived."""
        last = self.reports.last(node)
        return now.after(last[1] - now.monotonic).wall.replace(microsecond=0) if last is not None else None

    def resolve_reporter(self, namespace: str, name: str) -> Key | None:
        """The MediaNode that a report is about. Without a namespace: the only MediaNode of that name."""
        if namespace:
            key = Key(namespace, name)
            return key if key in self.nodes else None
        found = [key for key in self.nodes if key.name == name]
        return found[0] if len(found) == 1 else None

    def candidates(self, cluster: Key, now: Instant) -> list[Candidate]:
        """The cluster's media nodes, as placement needs them."""
        return self._candidates.of_cluster(cluster, now)

    def candidate(self, node: Key, now: Instant) -> Candidate:
        """One of them. Raises KeyError."""
        return self._candidates.get(node, now)

    def nodes_of(self, cluster: Key) -> list[MediaNode]:
        """Sorted by name."""
        return [self.nodes[key] for key in sorted(self._nodes_of.get(cluster, ()))]

    def owned_by(self, resource: Resource, cluster: Key) -> list[Manifest]:
        """Objects with the label of the cluster that are not of one of its MediaNodes."""
        return [manifest for manifest in self.owned[resource].values() if owner_of(manifest) == cluster]

    def pods_of(self, node: Key) -> list[Pod]:
        """The oldest first."""
        pods = (self.pods[key] for key in self._pods_of.get(node, ()))
        return sorted(pods, key=lambda pod: (pod.created, pod.key.name))

    def rooms_on(self, node: Key) -> frozenset[Key]:
        """The Rooms assigned to it."""
        return frozenset(self._rooms_on.get(node, ()))

    def has_reservations(self, node: Key, now: Instant) -> bool:
        """Whether Rooms were placed on it lately whose people have not come yet."""
        return self.reservations[node.namespace].on_node(node.name, None, now.monotonic).people > 0

    def pod_of(self, node: MediaNode) -> Pod | None:
        """The pod that its status names."""
        pods = (self.pods[key] for key in self._pods_of.get(key_of(node), ()))
        return next((pod for pod in pods if pod.key.name == node.status.pod_name), None)

    def waiting(self, cluster: Key) -> list[Room]:
        """Rooms that no node could take so far, sorted by name."""
        return [self.rooms[key] for key in sorted(self._waiting.get(cluster, ()))]

    def has_waiting(self, cluster: Key) -> bool:
        return bool(self._waiting.get(cluster))

    def reserve(
        self, room: Room, node: str, now: Instant, seconds: float = HOLD_SECONDS, *, before: Room | None
    ) -> None:
        """Reserves capacity on the node for the people of the room.

        `before` is the room before it was placed there. If it was empty and had a node already, it has only
        moved: its people are not likely to come soon.
        """
        namespace, name = room.metadata.namespace, room.metadata.name
        reservations = self.reservations[namespace]
        moved = (
            before is not None and before.status.assignment is not None and before.status.participants == 0
        )
        likely = not moved or reservations.holds(name, now.monotonic)
        reservations.hold(name, node, room.spec.people, now.monotonic, seconds, likely=likely)
        self._candidates.invalidate(Key(namespace, node))

    def unreserve(self, room: Room) -> None:
        """Its placement could not be written."""
        self._release(key_of(room))

    def _process_of(self, node: Key) -> str | None:
        """The UID of its pod, as far as it is known."""
        status = self.nodes[node].status
        if status.process_id is not None or status.pod_name is None:
            return status.process_id
        pod = self.pods.get(Key(node.namespace, status.pod_name))
        return pod.uid if pod is not None and pod.owner_uid == self.nodes[node].metadata.uid else None

    def _forget_reports(self, node: Key) -> None:
        self._mergers.pop(node, None)
        self.reports.forget(node)
        self.costs.forget(node)
        self._candidates.invalidate(node)

    def _reserve_new_assignment(self, before: Room | None, room: Room, now: Instant) -> None:
        """Reserves for an assignment that is new to this process. After a restart these are the assignments
        of the last minutes."""
        assignment = room.status.assignment
        if assignment is None:
            self._release(key_of(room))
            return
        if before is not None and before.status.assignment == assignment:
            return
        if self.reservations[room.metadata.namespace].node_of(room.metadata.name) == assignment.media_node:
            return  # reserved when it was decided
        age = now.since(assignment.since) if assignment.since is not None else HOLD_SECONDS
        if age < HOLD_SECONDS:
            self.reserve(room, assignment.media_node, now, HOLD_SECONDS - age, before=before)

    def _release(self, key: Key) -> None:
        node = self.reservations[key.namespace].release(key.name)
        if node is not None:
            self._candidates.invalidate(Key(key.namespace, node))

    def _unlink_room(self, room: Room | None) -> None:
        if room is None:
            return
        key = key_of(room)
        if room.status.assignment is not None:
            self._rooms_on[Key(key.namespace, room.status.assignment.media_node)].discard(key)
        self._waiting[cluster_of(room)].discard(key)


def owner_of(manifest: Manifest) -> Key | None:
    """The MediaCluster for which an object was created; None where it was created for a MediaNode."""
    labels = manifest["metadata"]["labels"]
    return Key(manifest["metadata"]["namespace"], labels[CLUSTER]) if MEDIA_NODE not in labels else None


def key_of(resource: Room | MediaNode | MediaCluster) -> Key:
    return Key(resource.metadata.namespace, resource.metadata.name)


def cluster_of(resource: Room | MediaNode) -> Key:
    """The MediaCluster that its spec names."""
    return Key(resource.metadata.namespace, resource.spec.cluster_ref)
