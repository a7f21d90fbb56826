"""Everything the operator knows, in memory: what decisions read and the informers and the receiver fill.

It is filled in the standby too, so that a takeover starts warm. Nothing here writes to the cluster.
"""

from collections import defaultdict
from datetime import datetime

from rotunda_contract.resources import CapacitySpec, MediaCluster, MediaNode, Room
from rotunda_kube import Key, Manifest, Resource
from rotunda_operator.candidates import CAPACITY, CandidateCache
from rotunda_operator.clock import Moment
from rotunda_operator.load import LoadLedger, NodeReport
from rotunda_operator.load.cost import CostBook
from rotunda_operator.load.merge import Merger
from rotunda_operator.placement import Candidate, Reservations, consumers_of
from rotunda_operator.placement.reservation import HOLD_SECONDS
from rotunda_operator.pods import KubeNode, Pod
from rotunda_operator.specs.metadata import CLUSTER, MEDIA_NODE


class World:
    """Objects by key, and what follows from them. `now` is given wherever time matters."""

    def __init__(self) -> None:
        self.rooms: dict[Key, Room] = {}
        self.nodes: dict[Key, MediaNode] = {}
        self.clusters: dict[Key, MediaCluster] = {}
        self.pods: dict[Key, Pod] = {}
        self.kube_nodes: dict[str, KubeNode] = {}
        self.owned: dict[Resource, dict[Key, Manifest]] = defaultdict(dict)
        """What was made for MediaClusters and MediaNodes, beside pods and Secrets."""
        self.invalid: dict[Resource, dict[Key, tuple[Manifest, str]]] = defaultdict(dict)
        """Objects that are not as their definition says, by kind, and what is wrong. What they were before
        that is still among the others."""
        self.idle_since: dict[Key, float] = {}
        """Since when (monotonic) a cluster could do with a media node less."""
        self.ledger = LoadLedger()
        self.costs = CostBook()
        self.reservations: dict[str, Reservations] = defaultdict(Reservations)
        self._mergers: dict[Key, Merger] = {}
        self._rooms_on: dict[Key, set[Key]] = defaultdict(set)
        self._waiting: dict[Key, set[Key]] = defaultdict(set)
        self._nodes_of: dict[Key, set[Key]] = defaultdict(set)
        self._pods_of: dict[Key, set[Key]] = defaultdict(set)
        self._candidates = CandidateCache(
            self.nodes, self.clusters, self.ledger, self.costs, self.reservations
        )

    def set_room(self, room: Room, now: Moment) -> Room | None:
        """Answers with what it was before."""
        key = key_of(room)
        before = self.rooms.get(key)
        self._unlink_room(before)
        self.rooms[key] = room
        assignment = room.status.assignment
        if assignment is not None:
            self._rooms_on[Key(key.namespace, assignment.media_node)].add(key)
        elif room.status.phase not in (None, "Idle"):
            self._waiting[cluster_of(room)].add(key)
        self._reserve(before, room, now)
        return before

    def drop_room(self, key: Key) -> Room | None:
        room = self.rooms.pop(key, None)
        self._unlink_room(room)
        self._release(key)
        return room

    def set_node(self, node: MediaNode) -> MediaNode | None:
        key = key_of(node)
        before = self.nodes.get(key)
        self.nodes[key] = node
        if before is not None and before.status.pod_name != node.status.pod_name:
            self._forget_reports(key)  # those of its last pod say nothing of this one
        self._nodes_of[cluster_of(node)].add(key)
        self._candidates.forget(key)
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
            self._candidates.forget(node)

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
        """For parts of reports of a process, by the UID of its pod; empty where it does not say.

        None: it is not the MediaNode's process, but one before it or a stranger.
        """
        merger = self._mergers.get(node)
        if process and process != self._process_of(node):
            return None
        if merger is None or (process and merger.process != process):
            merger = self._mergers[node] = Merger(process)
        return merger if process or not merger.process else None

    def report(self, node: Key, report: NodeReport, now: Moment, age: float = 0.0) -> None:
        """A media node told its load, `age` seconds ago."""
        self.ledger.record(node, report, now.mono, age)
        self.costs.record(node, report, self.capacity(cluster_of(self.nodes[node])))
        self._candidates.forget(node)

    def capacity(self, cluster: Key) -> CapacitySpec:
        """Of each of its media nodes."""
        known = self.clusters.get(cluster)
        return known.spec.media_nodes.capacity if known is not None else CAPACITY

    def room_load(self, cluster: Key, people: int) -> float:
        """What a room of so many people uses of a typical media node: 0 to 1, however large it is."""
        known = self.clusters.get(cluster)
        workers = known.spec.media_nodes.template.workers if known is not None else 1
        shares = self.costs.typical.shares(consumers_of(people), people, self.capacity(cluster), workers)
        return min(shares.most, 1.0)

    def reported_at(self, node: Key, now: Moment) -> datetime | None:
        """When it made the last report that came."""
        last = self.ledger.last(node)
        return now.after(last[1] - now.mono).wall.replace(microsecond=0) if last is not None else None

    def resolve_reporter(self, namespace: str, name: str) -> Key | None:
        """The MediaNode that a report is of; without a namespace, the only one of that name."""
        if namespace:
            key = Key(namespace, name)
            return key if key in self.nodes else None
        found = [key for key in self.nodes if key.name == name]
        return found[0] if len(found) == 1 else None

    def candidates(self, cluster: Key, now: Moment) -> list[Candidate]:
        """The cluster's media nodes as placement sees them."""
        return self._candidates.of(cluster, now)

    def candidate(self, node: Key, now: Moment) -> Candidate:
        """One of them. Raises KeyError."""
        return self._candidates.get(node, now)

    def nodes_of(self, cluster: Key) -> list[MediaNode]:
        """By name."""
        return [self.nodes[key] for key in sorted(self._nodes_of.get(cluster, ()))]

    def owned_by(self, resource: Resource, cluster: Key) -> list[Manifest]:
        """What has the cluster's label, and none of a MediaNode."""
        return [manifest for manifest in self.owned[resource].values() if owner_of(manifest) == cluster]

    def pods_of(self, node: Key) -> list[Pod]:
        """The oldest first."""
        pods = (self.pods[key] for key in self._pods_of.get(node, ()))
        return sorted(pods, key=lambda pod: (pod.created, pod.key.name))

    def rooms_on(self, node: Key) -> frozenset[Key]:
        """The Rooms assigned to it."""
        return frozenset(self._rooms_on.get(node, ()))

    def expects(self, node: Key, now: Moment) -> bool:
        """Whether people of rooms that were placed on it lately are still to come."""
        return self.reservations[node.namespace].on_node(node.name, None, now.mono).people > 0

    def pod_of(self, node: MediaNode) -> Pod | None:
        """The one that its status names."""
        pods = (self.pods[key] for key in self._pods_of.get(key_of(node), ()))
        return next((pod for pod in pods if pod.key.name == node.status.pod_name), None)

    def waiting(self, cluster: Key) -> list[Room]:
        """The Rooms that were found to have to wait for a node, by name."""
        return [self.rooms[key] for key in sorted(self._waiting.get(cluster, ()))]

    def waits(self, cluster: Key) -> bool:
        return bool(self._waiting.get(cluster))

    def reserve(
        self, room: Room, node: str, now: Moment, seconds: float = HOLD_SECONDS, *, before: Room | None
    ) -> None:
        """Its people are expected there from now on; not soon where a room that was empty has only moved."""
        namespace, name = room.metadata.namespace, room.metadata.name
        held = self.reservations[namespace]
        moved = (
            before is not None and before.status.assignment is not None and before.status.participants == 0
        )
        likely = not moved or held.holds(name, now.mono)
        held.hold(name, node, room.spec.people, now.mono, seconds, likely=likely)
        self._candidates.forget(Key(namespace, node))

    def unreserve(self, room: Room) -> None:
        """It was not placed after all."""
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
        self.ledger.forget(node)
        self.costs.forget(node)
        self._candidates.forget(node)

    def _reserve(self, before: Room | None, room: Room, now: Moment) -> None:
        """For an assignment that is new to us and fresh; a restart finds those of the last minutes."""
        assignment = room.status.assignment
        if assignment is None:
            self._release(key_of(room))
            return
        if before is not None and before.status.assignment == assignment:
            return
        if self.reservations[room.metadata.namespace].node_of(room.metadata.name) == assignment.media_node:
            return  # since it was decided
        age = now.since(assignment.since) if assignment.since is not None else HOLD_SECONDS
        if age < HOLD_SECONDS:
            self.reserve(room, assignment.media_node, now, HOLD_SECONDS - age, before=before)

    def _release(self, key: Key) -> None:
        node = self.reservations[key.namespace].release(key.name)
        if node is not None:
            self._candidates.forget(Key(key.namespace, node))

    def _unlink_room(self, room: Room | None) -> None:
        if room is None:
            return
        key = key_of(room)
        if room.status.assignment is not None:
            self._rooms_on[Key(key.namespace, room.status.assignment.media_node)].discard(key)
        self._waiting[cluster_of(room)].discard(key)


def owner_of(manifest: Manifest) -> Key | None:
    """The MediaCluster for which an object was made; None where it was made for a MediaNode."""
    labels = manifest["metadata"]["labels"]
    return Key(manifest["metadata"]["namespace"], labels[CLUSTER]) if MEDIA_NODE not in labels else None


def key_of(thing: Room | MediaNode | MediaCluster) -> Key:
    return Key(thing.metadata.namespace, thing.metadata.name)


def cluster_of(thing: Room | MediaNode) -> Key:
    """The MediaCluster that it names."""
    return Key(thing.metadata.namespace, thing.spec.cluster_ref)
