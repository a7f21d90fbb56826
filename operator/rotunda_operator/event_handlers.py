"""Handlers of watch events and load reports: each updates the cache and enqueues what has to be reconciled.

An object that changed is enqueued itself. In addition:
  - a MediaNode that changed: its Rooms where they may be affected, the Rooms that wait, its cluster;
  - a Pod or a Kubernetes node: the MediaNodes concerned;
  - an object that the operator created: the MediaCluster or MediaNode that it was created for;
  - a report: the Rooms whose people changed, and the Rooms that wait, as the node may have space now.
"""

from collections.abc import Callable
from functools import partial
from typing import Protocol, TypeVar

import structlog
from pydantic import BaseModel, ValidationError

from rotunda_contract.resources import MediaCluster, MediaNode, Room
from rotunda_kube import Informer, Key, KubeApi, Manifest, Resource, key_of
from rotunda_kube.resource import (
    DEPLOYMENTS,
    DISRUPTION_BUDGETS,
    MEDIA_CLUSTERS,
    MEDIA_NODES,
    NODES,
    PODS,
    ROLE_BINDINGS,
    ROLES,
    ROOMS,
    SERVICE_ACCOUNTS,
    SERVICES,
)
from rotunda_operator.cache import Cache, cluster_of, owner_of
from rotunda_operator.clock import Clock
from rotunda_operator.conditions import find_condition
from rotunda_operator.context import Item, Kind
from rotunda_operator.load import NodeReport
from rotunda_operator.load.otlp import Part
from rotunda_operator.pods import read_kube_node, read_pod
from rotunda_operator.specs.invalid import describe
from rotunda_operator.specs.metadata import CLUSTER, MEDIA_NODE

OWNED = (SERVICE_ACCOUNTS, ROLES, ROLE_BINDINGS, SERVICES, DEPLOYMENTS, DISRUPTION_BUDGETS)
"""Kinds that are created for clusters and media nodes and watched by their label. Secrets are not watched:
the operator reads single ones by name, so that it needs no right to read all of them."""
CLUSTER_DELAY = 0.5
"""Many nodes and rooms of a cluster often change at once: the cluster is reconciled once for all of them."""
WAITING_ROOMS_DELAY = 0.5
UTILIZATION_CHANGE = 0.05
"""Difference to the report before from which on the cluster is reconciled for a report."""

Model = TypeVar("Model", bound=BaseModel)


class Enqueue(Protocol):
    """Adds an item to the work queue, to be reconciled after at most so many seconds."""

    def __call__(self, item: Item, seconds: float, /, *, low_priority: bool = False) -> None: ...


_log = structlog.get_logger(__name__)


class EventHandlers:
    """Keeps the cache up to date."""

    def __init__(self, cache: Cache, clock: Clock, enqueue: Enqueue) -> None:
        self._cache = cache
        self._clock = clock
        self._enqueue = enqueue

    def informers(self, api: KubeApi, namespace: str) -> dict[Resource, Informer]:
        """One for each kind that is watched, except MediaClusters: kopf watches them."""
        kinds: list[tuple[Resource, str, str, Callable[[Manifest], None], Callable[[Key], None]]] = [
            (ROOMS, namespace, "", self.on_room, self.on_room_deleted),
            (MEDIA_NODES, namespace, "", self.on_node, self.on_node_deleted),
            (PODS, namespace, MEDIA_NODE, self.on_pod, self.on_pod_deleted),
            (NODES, "", "", self.on_kube_node, self.on_kube_node_deleted),
        ]
        for owned in OWNED:
            change, deleted = partial(self.on_owned, owned), partial(self.on_owned_deleted, owned)
            kinds.append((owned, namespace, CLUSTER, change, deleted))
        return {
            resource: Informer(api, resource, where, labels=labels, on_change=change, on_delete=delete)
            for resource, where, labels, change, delete in kinds
        }

    def on_room(self, manifest: Manifest) -> None:
        key = key_of(manifest)
        room = self._read(ROOMS, Room, manifest)
        if room is None:
            self._enqueue(Item(Kind.ROOM, key), 0.0)  # its status will say that it is invalid
            return
        before = self._cache.set_room(room, self._clock())
        self._enqueue(Item(Kind.ROOM, key), 0.0)
        if before is None or _demand(before) != _demand(room):
            self._enqueue_for_room(before)
            self._enqueue_for_room(room)

    def on_room_deleted(self, key: Key) -> None:
        self._cache.invalid[ROOMS].pop(key, None)
        self._enqueue_for_room(self._cache.drop_room(key))
        self._enqueue(Item(Kind.ROOM, key), 0.0)

    def on_node(self, manifest: Manifest) -> None:
        key = key_of(manifest)
        node = self._read(MEDIA_NODES, MediaNode, manifest)
        if node is None:
            self._enqueue(Item(Kind.NODE, key), 0.0)  # its status will say that it is invalid
            return
        before = self._cache.set_node(node)
        self._enqueue(Item(Kind.NODE, key), 0.0)
        if before is not None and _reason(before) != _reason(node):
            # The cluster's status says why pods of its media nodes cannot be created.
            self._enqueue(Item(Kind.CLUSTER, cluster_of(node)), CLUSTER_DELAY)
        if before is not None and before.status.phase == node.status.phase and before.spec == node.spec:
            return
        self._enqueue_for_node(key, node)

    def on_node_deleted(self, key: Key) -> None:
        self._cache.invalid[MEDIA_NODES].pop(key, None)
        node = self._cache.drop_node(key)
        self._enqueue(Item(Kind.NODE, key), 0.0)
        if node is not None:
            self._enqueue_for_node(key, node)

    def on_pod(self, manifest: Manifest) -> None:
        pod = read_pod(manifest)
        is_new = pod.key not in self._cache.pods
        self._cache.set_pod(pod)
        key = Key(pod.key.namespace, pod.media_node)
        self._enqueue(Item(Kind.NODE, key), 0.0)
        node = self._cache.nodes.get(key)
        if is_new and node is not None:
            # The pod may be of the new template, for which the rolling update of the cluster waits.
            self._enqueue(Item(Kind.CLUSTER, cluster_of(node)), CLUSTER_DELAY)

    def on_pod_deleted(self, key: Key) -> None:
        pod = self._cache.drop_pod(key)
        if pod is not None:
            self._enqueue(Item(Kind.NODE, Key(key.namespace, pod.media_node)), 0.0)

    def on_kube_node(self, manifest: Manifest) -> None:
        node = read_kube_node(manifest)
        if self._cache.kube_nodes.get(node.name) == node:
            return  # only the heartbeat of its kubelet
        self._cache.kube_nodes[node.name] = node
        self._enqueue_pods_on(node.name)

    def on_kube_node_deleted(self, key: Key) -> None:
        self._cache.kube_nodes.pop(key.name, None)
        self._enqueue_pods_on(key.name)

    def on_owned(self, resource: Resource, manifest: Manifest) -> None:
        self._cache.owned[resource][key_of(manifest)] = manifest
        self._enqueue_owner(manifest)

    def on_owned_deleted(self, resource: Resource, key: Key) -> None:
        manifest = self._cache.owned[resource].pop(key, None)
        if manifest is not None:
            self._enqueue_owner(manifest)

    def on_cluster(self, manifest: Manifest, *, enqueue: bool = True) -> None:
        """Without `enqueue` the cluster itself is not enqueued; Rooms and MediaNodes that name it are, where
        its spec has changed."""
        key = key_of(manifest)
        cluster = self._read(MEDIA_CLUSTERS, MediaCluster, manifest)
        if cluster is None:
            if enqueue:
                self._enqueue(Item(Kind.CLUSTER, key), 0.0)  # its status will say that it is invalid
            return
        before = self._cache.clusters.get(key)
        self._cache.set_cluster(cluster)
        if enqueue and (before is None or _version(before) != _version(cluster)):
            self._enqueue(Item(Kind.CLUSTER, key), 0.0)
        if before is None or before.spec != cluster.spec:
            self._enqueue_for_cluster(key)

    def on_cluster_deleted(self, key: Key) -> None:
        self._cache.invalid[MEDIA_CLUSTERS].pop(key, None)
        self._cache.drop_cluster(key)
        self._enqueue_for_cluster(key)

    def on_part(self, part: Part, arrived: float) -> str | None:
        """Takes a part of a media node's report. `arrived` is in seconds since 1970.

        The answer says why it is refused; None: it is not.
        """
        key = self._cache.resolve_reporter(part.namespace, part.name)
        if key is None:
            return "there is no such MediaNode"
        merger = self._cache.merger(key, part.process)
        if merger is None:
            return "another pod than that of the MediaNode reports for it"
        merged = merger.add(part, arrived)
        if merged is not None:
            self.on_report(key, merged.report, merged.age)
        return None

    def on_report(self, key: Key, report: NodeReport, age: float = 0.0) -> None:
        """Takes a whole report of a MediaNode, `age` seconds old."""
        now = self._clock()
        last = self._cache.reports.last(key)
        was_silent = self._cache.reports.fresh(key, now.monotonic) is None
        self._cache.record_report(key, report, now, age)
        self._enqueue(Item(Kind.NODE, key), 0.0)
        rooms = self._cache.rooms_on(key)
        changed = (
            rooms if was_silent else rooms & _changed_rooms(key, last[0] if last else None, report, rooms)
        )
        for room in changed:
            # After a start each node reports for the first time: that enqueues every Room that there is.
            self._enqueue(Item(Kind.ROOM, room), 0.0, low_priority=was_silent)
        cluster = cluster_of(self._cache.nodes[key])
        if last is None or abs(last[0].utilization - report.utilization) >= UTILIZATION_CHANGE:
            self._enqueue(Item(Kind.CLUSTER, cluster), CLUSTER_DELAY)
        if self._cache.has_waiting(cluster):
            self._enqueue(Item(Kind.WAITING_ROOMS, cluster), WAITING_ROOMS_DELAY)

    def _read(self, resource: Resource, model: type[Model], manifest: Manifest) -> Model | None:
        """None where the object does not match its definition; the cache then keeps what is wrong."""
        key = key_of(manifest)
        try:
            read = model.model_validate(manifest)
        except ValidationError as error:
            self._cache.invalid[resource][key] = manifest, describe(error)
            _log.error("an object does not match its definition", key=str(key), error=str(error))
            return None
        self._cache.invalid[resource].pop(key, None)
        return read

    def _enqueue_for_room(self, room: Room | None) -> None:
        """Its cluster, and its node if that waits for the last of its rooms to end."""
        if room is None:
            return
        cluster = cluster_of(room)
        self._enqueue(Item(Kind.CLUSTER, cluster), CLUSTER_DELAY)
        assignment = room.status.assignment
        if assignment is None:
            return
        key = Key(cluster.namespace, assignment.media_node)
        node = self._cache.nodes.get(key)
        if node is not None and node.status.phase in ("Draining", "Lost"):
            self._enqueue(Item(Kind.NODE, key), 0.0)

    def _enqueue_for_node(self, key: Key, node: MediaNode) -> None:
        """Its Rooms, its cluster, and the Rooms that wait for a node."""
        for room in self._cache.rooms_on(key):
            self._enqueue(Item(Kind.ROOM, room), 0.0)
        cluster = cluster_of(node)
        self._enqueue(Item(Kind.CLUSTER, cluster), CLUSTER_DELAY)
        self._enqueue(Item(Kind.WAITING_ROOMS, cluster), WAITING_ROOMS_DELAY)

    def _enqueue_owner(self, manifest: Manifest) -> None:
        cluster = owner_of(manifest)
        if cluster is not None:
            self._enqueue(Item(Kind.CLUSTER, cluster), CLUSTER_DELAY)
        else:
            node = manifest["metadata"]["labels"][MEDIA_NODE]
            self._enqueue(Item(Kind.NODE, Key(manifest["metadata"]["namespace"], node)), 0.0)

    def _enqueue_pods_on(self, name: str) -> None:
        """The MediaNodes with a pod on this Kubernetes node."""
        for pod in list(self._cache.pods.values()):
            if pod.node_name == name:
                self._enqueue(Item(Kind.NODE, Key(pod.key.namespace, pod.media_node)), 0.0)

    def _enqueue_for_cluster(self, key: Key) -> None:
        """Every Room and MediaNode that names it."""
        for room_key, room in self._cache.rooms.items():
            if cluster_of(room) == key:
                self._enqueue(Item(Kind.ROOM, room_key), 0.0)
        for node_key, node in self._cache.nodes.items():
            if cluster_of(node) == key:
                self._enqueue(Item(Kind.NODE, node_key), 0.0)


def _changed_rooms(
    key: Key, before: NodeReport | None, report: NodeReport, rooms: frozenset[Key]
) -> frozenset[Key]:
    """The rooms of which a report says something else than the report before."""
    known = before.room_participants if before is not None else {}
    changed = {Key(key.namespace, name) for name, _ in known.items() ^ report.room_participants.items()}
    if report.names_all_rooms and before is not None and not before.names_all_rooms:
        changed |= {room for room in rooms if room.name not in report.room_participants}
    return frozenset(changed)


def _demand(room: Room) -> tuple[object, bool]:
    """What the fleet is scaled by: an Idle Room needs nothing, one that waits for a node does."""
    return room.status.assignment, room.status.phase == "Pending"


def _version(cluster: MediaCluster) -> tuple[str, int]:
    """Of its spec. The generation of a cluster that was deleted and created again starts at 1."""
    return cluster.metadata.uid, cluster.metadata.generation


def _reason(node: MediaNode) -> str:
    ready = find_condition(node.status.conditions, "Ready")
    return ready.reason if ready is not None else ""
