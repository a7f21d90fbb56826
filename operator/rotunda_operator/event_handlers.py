"""From what the API server and the media nodes tell to the world in memory, and to what must be looked at.

Every object that changes is looked at itself; beyond that:
  - a MediaNode that changed: its Rooms where they may be affected, the Rooms that wait, its cluster;
  - a Pod or a Kubernetes node: the MediaNodes concerned; what was made for one or a cluster: that one;
  - a report: the Rooms whose people changed, and the Rooms that wait when the node was silent before.
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
from rotunda_operator.cache import World, cluster_of, owner_of
from rotunda_operator.clock import Moment
from rotunda_operator.conditions import find
from rotunda_operator.context import Item, Kind
from rotunda_operator.load import NodeReport
from rotunda_operator.load.otlp import Part
from rotunda_operator.pods import read_kube_node, read_pod
from rotunda_operator.specs.invalid import told
from rotunda_operator.specs.metadata import CLUSTER, MEDIA_NODE

OWNED = (SERVICE_ACCOUNTS, ROLES, ROLE_BINDINGS, SERVICES, DEPLOYMENTS, DISRUPTION_BUDGETS)
"""What is made for clusters and media nodes and followed by its label. Secrets are read by name alone, so
that no others have to be readable."""
CLUSTER_PAUSE = 0.5
"""Changes of a cluster's nodes and rooms come in crowds; it is looked at once for each."""
WAITING_PAUSE = 0.5
NEWS = 0.05
"""Utilization by which two reports of a node differ when its cluster is looked at at once."""

Model = TypeVar("Model", bound=BaseModel)


class Look(Protocol):
    """The work queue's: an item, in how many seconds at the latest, and whether others may go before it."""

    def __call__(self, item: Item, seconds: float, /, *, late: bool = False) -> None: ...


_log = structlog.get_logger(__name__)


class Feed:
    """Fills the world, and asks for looks at whatever that concerns."""

    def __init__(self, world: World, now: Callable[[], Moment], look: Look) -> None:
        self._world = world
        self._now = now
        self._look = look

    def informers(self, api: KubeApi, namespace: str) -> dict[Resource, Informer]:
        """One for each kind that is followed, but MediaClusters: those come by kopf."""
        kinds: list[tuple[Resource, str, str, Callable[[Manifest], None], Callable[[Key], None]]] = [
            (ROOMS, namespace, "", self.on_room, self.on_room_gone),
            (MEDIA_NODES, namespace, "", self.on_node, self.on_node_gone),
            (PODS, namespace, MEDIA_NODE, self.on_pod, self.on_pod_gone),
            (NODES, "", "", self.on_kube_node, self.on_kube_node_gone),
        ]
        for owned in OWNED:
            change, gone = partial(self.on_owned, owned), partial(self.on_owned_gone, owned)
            kinds.append((owned, namespace, CLUSTER, change, gone))
        return {
            resource: Informer(api, resource, where, labels=labels, on_change=change, on_delete=delete)
            for resource, where, labels, change, delete in kinds
        }

    def on_room(self, manifest: Manifest) -> None:
        key = key_of(manifest)
        room = self._read(ROOMS, Room, manifest)
        if room is None:
            self._look(Item(Kind.ROOM, key), 0.0)  # which tells it in the status
            return
        before = self._world.set_room(room, self._now())
        self._look(Item(Kind.ROOM, key), 0.0)
        if before is None or _demand(before) != _demand(room):
            self._rooms_changed(before)
            self._rooms_changed(room)

    def on_room_gone(self, key: Key) -> None:
        self._world.invalid[ROOMS].pop(key, None)
        self._rooms_changed(self._world.drop_room(key))
        self._look(Item(Kind.ROOM, key), 0.0)

    def on_node(self, manifest: Manifest) -> None:
        key = key_of(manifest)
        node = self._read(MEDIA_NODES, MediaNode, manifest)
        if node is None:
            self._look(Item(Kind.NODE, key), 0.0)  # which tells it in the status
            return
        before = self._world.set_node(node)
        self._look(Item(Kind.NODE, key), 0.0)
        if before is not None and _reason(before) != _reason(node):
            self._look(
                Item(Kind.CLUSTER, cluster_of(node)), CLUSTER_PAUSE
            )  # it may tell why it cannot be made
        if before is not None and before.status.phase == node.status.phase and before.spec == node.spec:
            return
        self._node_changed(key, node)

    def on_node_gone(self, key: Key) -> None:
        self._world.invalid[MEDIA_NODES].pop(key, None)
        node = self._world.drop_node(key)
        self._look(Item(Kind.NODE, key), 0.0)
        if node is not None:
            self._node_changed(key, node)

    def on_pod(self, manifest: Manifest) -> None:
        pod = read_pod(manifest)
        is_new = pod.key not in self._world.pods
        self._world.set_pod(pod)
        key = Key(pod.key.namespace, pod.media_node)
        self._look(Item(Kind.NODE, key), 0.0)
        node = self._world.nodes.get(key)
        if is_new and node is not None:
            self._look(Item(Kind.CLUSTER, cluster_of(node)), CLUSTER_PAUSE)  # it may be of the new template

    def on_pod_gone(self, key: Key) -> None:
        pod = self._world.drop_pod(key)
        if pod is not None:
            self._look(Item(Kind.NODE, Key(key.namespace, pod.media_node)), 0.0)

    def on_kube_node(self, manifest: Manifest) -> None:
        node = read_kube_node(manifest)
        if self._world.kube_nodes.get(node.name) == node:
            return  # its kubelet's heartbeat
        self._world.kube_nodes[node.name] = node
        self._look_at_pods_on(node.name)

    def on_kube_node_gone(self, key: Key) -> None:
        self._world.kube_nodes.pop(key.name, None)
        self._look_at_pods_on(key.name)

    def on_owned(self, resource: Resource, manifest: Manifest) -> None:
        self._world.owned[resource][key_of(manifest)] = manifest
        self._look_at_owner(manifest)

    def on_owned_gone(self, resource: Resource, key: Key) -> None:
        manifest = self._world.owned[resource].pop(key, None)
        if manifest is not None:
            self._look_at_owner(manifest)

    def on_cluster(self, manifest: Manifest, *, look: bool = True) -> None:
        """Without `look` only those that name it are looked at, where its spec has changed."""
        key = key_of(manifest)
        cluster = self._read(MEDIA_CLUSTERS, MediaCluster, manifest)
        if cluster is None:
            if look:
                self._look(Item(Kind.CLUSTER, key), 0.0)  # which tells it in the status
            return
        before = self._world.clusters.get(key)
        self._world.set_cluster(cluster)
        if look and (before is None or _version(before) != _version(cluster)):
            self._look(Item(Kind.CLUSTER, key), 0.0)
        if before is None or before.spec != cluster.spec:
            self._look_at_cluster(key)

    def on_cluster_gone(self, key: Key) -> None:
        self._world.invalid[MEDIA_CLUSTERS].pop(key, None)
        self._world.drop_cluster(key)
        self._look_at_cluster(key)

    def on_part(self, part: Part, arrived: float) -> str | None:
        """A part of a media node's report, and when it arrived; the answer says why it is refused."""
        key = self._world.resolve_reporter(part.namespace, part.name)
        if key is None:
            return "there is no such MediaNode"
        merger = self._world.merger(key, part.process)
        if merger is None:
            return "another pod than that of the MediaNode reports for it"
        merged = merger.take(part, arrived)
        if merged is not None:
            self.on_report(key, merged.report, merged.age)
        return None

    def on_report(self, key: Key, report: NodeReport, age: float = 0.0) -> None:
        """What a MediaNode has reported, as it stands, `age` seconds old."""
        now = self._now()
        last = self._world.ledger.last(key)
        silent = self._world.ledger.fresh(key, now.mono) is None
        self._world.report(key, report, now, age)
        self._look(Item(Kind.NODE, key), 0.0)
        rooms = self._world.rooms_on(key)
        # After a start all nodes are heard for the first time: that is every Room there is.
        for room in rooms if silent else rooms & _told_anew(key, last[0] if last else None, report, rooms):
            self._look(Item(Kind.ROOM, room), 0.0, late=silent)
        cluster = cluster_of(self._world.nodes[key])
        if last is None or abs(last[0].utilization - report.utilization) >= NEWS:
            self._look(Item(Kind.CLUSTER, cluster), CLUSTER_PAUSE)
        if self._world.waits(cluster):
            self._look(Item(Kind.WAITING, cluster), WAITING_PAUSE)

    def _read(self, resource: Resource, model: type[Model], manifest: Manifest) -> Model | None:
        """None where it is not as its definition says, which is remembered."""
        key = key_of(manifest)
        try:
            read = model.model_validate(manifest)
        except ValidationError as error:
            self._world.invalid[resource][key] = manifest, told(error)
            _log.error("an object is not as its definition says", key=str(key), error=str(error))
            return None
        self._world.invalid[resource].pop(key, None)
        return read

    def _rooms_changed(self, room: Room | None) -> None:
        if room is None:
            return
        cluster = cluster_of(room)
        self._look(Item(Kind.CLUSTER, cluster), CLUSTER_PAUSE)
        assignment = room.status.assignment
        if assignment is None:
            return
        key = Key(cluster.namespace, assignment.media_node)
        node = self._world.nodes.get(key)
        if node is not None and node.status.phase in ("Draining", "Lost"):
            self._look(Item(Kind.NODE, key), 0.0)  # it may wait for the last of its rooms

    def _node_changed(self, key: Key, node: MediaNode) -> None:
        for room in self._world.rooms_on(key):
            self._look(Item(Kind.ROOM, room), 0.0)
        cluster = cluster_of(node)
        self._look(Item(Kind.CLUSTER, cluster), CLUSTER_PAUSE)
        self._look(Item(Kind.WAITING, cluster), WAITING_PAUSE)

    def _look_at_owner(self, manifest: Manifest) -> None:
        cluster = owner_of(manifest)
        if cluster is not None:
            self._look(Item(Kind.CLUSTER, cluster), CLUSTER_PAUSE)
        else:
            node = manifest["metadata"]["labels"][MEDIA_NODE]
            self._look(Item(Kind.NODE, Key(manifest["metadata"]["namespace"], node)), 0.0)

    def _look_at_pods_on(self, name: str) -> None:
        for pod in list(self._world.pods.values()):
            if pod.node_name == name:
                self._look(Item(Kind.NODE, Key(pod.key.namespace, pod.media_node)), 0.0)

    def _look_at_cluster(self, key: Key) -> None:
        """Everything that names it."""
        for room_key, room in self._world.rooms.items():
            if cluster_of(room) == key:
                self._look(Item(Kind.ROOM, room_key), 0.0)
        for node_key, node in self._world.nodes.items():
            if cluster_of(node) == key:
                self._look(Item(Kind.NODE, node_key), 0.0)


def _told_anew(
    key: Key, before: NodeReport | None, report: NodeReport, rooms: frozenset[Key]
) -> frozenset[Key]:
    """The rooms of which a report says something else than the one before."""
    known = before.room_participants if before is not None else {}
    changed = {Key(key.namespace, name) for name, _ in known.items() ^ report.room_participants.items()}
    if report.names_all_rooms and before is not None and not before.names_all_rooms:
        changed |= {room for room in rooms if room.name not in report.room_participants}
    return frozenset(changed)


def _demand(room: Room) -> tuple[object, bool]:
    """What the fleet is scaled by: an Idle Room asks for nothing, one that waits for a node does."""
    return room.status.assignment, room.status.phase == "Pending"


def _version(cluster: MediaCluster) -> tuple[str, int]:
    """Of its spec; one that was made anew begins at 1 again."""
    return cluster.metadata.uid, cluster.metadata.generation


def _reason(node: MediaNode) -> str:
    ready = find(node.status.conditions, "Ready")
    return ready.reason if ready is not None else ""
