"""The cache of Rooms, MediaNodes and the MediaCluster of one namespace. Informers fill it.

Answers come from memory, so the cache can be read while the API server is not reachable.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import structlog
from pydantic import ValidationError

from rotunda_contract.ids import RoomName
from rotunda_contract.resources import MediaCluster, MediaNode, Room
from rotunda_kube import Informer, Key, KubeApi, Manifest, key_of
from rotunda_kube.resource import MEDIA_CLUSTERS, MEDIA_NODES, ROOMS

_Kind = TypeVar("_Kind", Room, MediaNode, MediaCluster)

_log = structlog.get_logger(__name__)


class DirectoryCache:
    """`run` keeps it up to date. Objects that cannot be read are left out and logged."""

    def __init__(self, api: KubeApi, namespace: str, cluster: str) -> None:
        self.rooms: dict[RoomName, Room] = {}
        self.nodes: dict[str, MediaNode] = {}
        self.cluster: MediaCluster | None = None
        self._cluster_name = cluster
        self._on_deleted: list[Callable[[RoomName], None]] = []
        self._on_moved: list[Callable[[RoomName, int], None]] = []
        self._watched: dict[RoomName, set[asyncio.Event]] = defaultdict(set)
        self._rooms = Informer(
            api, ROOMS, namespace, on_change=self._room_changed, on_delete=self._room_deleted
        )
        self._informers = (
            self._rooms,
            Informer(api, MEDIA_NODES, namespace, on_change=self._node_changed, on_delete=self._node_deleted),
            Informer(
                api,
                MEDIA_CLUSTERS,
                namespace,
                on_change=self._cluster_changed,
                on_delete=self._cluster_deleted,
            ),
        )

    @property
    def synced(self) -> bool:
        """Whether all objects have been listed once."""
        return all(informer.synced.is_set() for informer in self._informers)

    async def run(self) -> None:
        """Lists and watches until cancelled, also while the API server is not reachable."""
        async with asyncio.TaskGroup() as group:
            for informer in self._informers:
                group.create_task(informer.run(), name=f"informer {informer.resource.plural}")

    async def wait_until_synced(self) -> None:
        """Returns once all objects have been listed."""
        for informer in self._informers:
            await informer.synced.wait()

    def update(self, manifest: Manifest) -> None:
        """Puts a Room from the answer to a write into the cache, before the watch brings it."""
        self._rooms.apply(manifest)

    def watch_deletions(self, on_deleted: Callable[[RoomName], None]) -> None:
        self._on_deleted.append(on_deleted)

    def watch_moves(self, on_moved: Callable[[RoomName, int], None]) -> None:
        """`on_moved` is called with a room and its lowest epoch that is not over."""
        self._on_moved.append(on_moved)

    @contextmanager
    def watching(self, room: RoomName) -> Iterator[asyncio.Event]:
        """An event that is set whenever something has changed that the room's assignment depends on. The
        waiter clears it."""
        changed = asyncio.Event()
        self._watched[room].add(changed)
        try:
            yield changed
        finally:
            self._watched[room].discard(changed)
            if not self._watched[room]:
                del self._watched[room]

    def _room_changed(self, manifest: Manifest) -> None:
        room = _parsed(Room, manifest)
        if room is None:
            return
        name = RoomName(room.metadata.name)
        before = self.rooms.get(name)
        self.rooms[name] = room
        if before is not None and before.metadata.uid != room.metadata.uid:
            self._notify_deleted(name)
        elif before is not None and (least := _least_epoch(room, before)) > _least_epoch(before, before):
            for on_moved in self._on_moved:
                on_moved(name, least)
        self._notify(name)

    def _room_deleted(self, key: Key) -> None:
        name = RoomName(key.name)
        self.rooms.pop(name, None)
        self._notify_deleted(name)
        self._notify(name)

    def _notify_deleted(self, name: RoomName) -> None:
        for on_deleted in self._on_deleted:
            on_deleted(name)

    def _node_changed(self, manifest: Manifest) -> None:
        node = _parsed(MediaNode, manifest)
        if node is None:
            return
        before = self.nodes.get(node.metadata.name)
        self.nodes[node.metadata.name] = node
        if before is None or _reach(before) != _reach(node):  # its load changes all the time
            self._notify_all()

    def _node_deleted(self, key: Key) -> None:
        self.nodes.pop(key.name, None)

    def _cluster_changed(self, manifest: Manifest) -> None:
        if key_of(manifest).name == self._cluster_name:
            self.cluster = _parsed(MediaCluster, manifest) or self.cluster
            self._notify_all()

    def _cluster_deleted(self, key: Key) -> None:
        if key.name == self._cluster_name:
            self.cluster = None

    def _notify(self, room: RoomName) -> None:
        for changed in self._watched.get(room, ()):
            changed.set()

    def _notify_all(self) -> None:
        for room in self._watched:
            self._notify(room)


def _least_epoch(room: Room, before: Room) -> int:
    """All epochs below it are over. For a room without a node: the one that its next assignment will have."""
    assignment, earlier = room.status.assignment, before.status.assignment
    if assignment is not None:
        return assignment.epoch
    return max(room.status.last_epoch, earlier.epoch if earlier is not None else 0) + 1


def _reach(node: MediaNode) -> tuple[object, ...]:
    status = node.status
    return status.phase, status.grpc_address, status.process_id


def _parsed(kind: type[_Kind], manifest: Manifest) -> _Kind | None:
    try:
        return kind.model_validate(manifest)
    except ValidationError as error:
        _log.error(
            "an object cannot be read", kind=kind.__name__, key=str(key_of(manifest)), error=str(error)
        )
        return None
