"""The room directory of a cluster: Rooms and MediaNodes of the Kubernetes API.

    join of an unknown room ──made where the MediaCluster allows──▶ Pending ─┐
    join of an Idle room ──annotation `wanted-at`──▶ Pending ────────────────┤ the operator places it
    join of an assigned room ◀──────────────────────────────────────────────┘

Assignments come from a cache: while the API server is not reachable, calls go on, and people can join rooms
that have a node.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta

import structlog

from rotunda_contract.errors import (
    InvalidState,
    LimitExceeded,
    NotFound,
    Unavailable,
)
from rotunda_contract.ids import ProcessId, RoomName
from rotunda_contract.resources import MADE_ON_JOIN, WANTED_AT
from rotunda_contract.resources import Room as RoomResource
from rotunda_kube import AlreadyExists, KubeApi
from rotunda_kube import NotFound as NoSuchObject
from rotunda_kube.resource import ROOMS
from rotunda_signaling.directory import Assignment, OnPending, Room, RoomSettings
from rotunda_signaling.directory.cache import DirectoryCache
from rotunda_signaling.directory.manifests import (
    defaults_of,
    manifest_of,
    manifest_on_join,
    room_of,
    settings_of,
)
from rotunda_signaling.directory.refusals import RETRY_MS, errors_for_clients

SUSPECT_SECONDS = 2.0
"""How long an assignment is not used again after its node has refused it or has not answered.

A newer assignment is used at once. This time is for a node that comes back: before it is over, the circuit
breaker of the node would still be open. A client that gets such an assignment in vain is asked to try again,
which clients do by themselves.
"""
DELETION_SECONDS = 5.0
_SERVING = ("Ready", "Draining")
_MADE = "The room has just been made."
_WAKING = "The room is waking up."
_WAITING = "The room waits for a media node."
_SUSPECT = "The room's media node does not answer; another one is looked for."

_log = structlog.get_logger(__name__)


class KubernetesDirectory:
    """Implements RoomDirectory. `run` must run beside it. Needs the rights of signaling's Role."""

    def __init__(
        self,
        api: KubeApi,
        namespace: str,
        cluster: str,
        *,
        max_rooms: int = 10_000,
        suspect_seconds: float = SUSPECT_SECONDS,
    ) -> None:
        self._api = api
        self._namespace = namespace
        self._cluster = cluster
        self._max_rooms = max_rooms
        self._suspect_seconds = suspect_seconds
        self._cache = DirectoryCache(api, namespace, cluster)
        self._suspects: dict[RoomName, tuple[int, ProcessId, float]] = {}
        self._giving_way = asyncio.Lock()
        self._being_made: set[RoomName] = set()
        self._cache.watch_deletions(self._forget_suspect)

    async def run(self) -> None:
        """Fills the cache until cancelled."""
        await self._cache.run()

    async def check_ready(self) -> None:
        """Raises Unavailable until all objects have been listed once. Later the API server may be
        unreachable."""
        if not self._cache.synced:
            raise Unavailable("the Kubernetes API server has not listed its rooms yet")

    async def resolve(self, room: RoomName, *, wait: float, on_pending: OnPending) -> Assignment:
        reason = "the Kubernetes API server does not answer"
        try:
            async with asyncio.timeout(wait):
                await self._cache.wait_until_synced()
                with self._cache.watching(room) as changed:
                    while True:
                        changed.clear()
                        found = await self._find_or_request(room)
                        if isinstance(found, Assignment):
                            return found
                        if found != reason:
                            reason = found
                            on_pending(reason)
                        with suppress(TimeoutError):
                            async with asyncio.timeout(self._suspect_for(room)):
                                await changed.wait()
        except TimeoutError:
            raise Unavailable(
                f"the room has no media node after {wait:.0f} s: {reason}", retry_after_ms=RETRY_MS
            ) from None

    def is_placed(self, room: RoomName) -> bool:
        known = self._cache.rooms.get(room)
        ours = known is not None and known.spec.cluster_ref == self._cluster
        return known is not None and ours and self._assignment(room, known) is not None

    def defaults(self) -> RoomSettings:
        cluster = self._cache.cluster
        return defaults_of(cluster) if cluster is not None else RoomSettings()

    async def create(self, room: RoomName, settings: RoomSettings) -> Room:
        manifest = manifest_of(room, self._namespace, self._cluster, self._cache.cluster, settings)
        async with self._one_more(room):
            with errors_for_clients("making the room"):
                try:
                    made = await self._api.create(ROOMS, manifest)
                except AlreadyExists:
                    raise InvalidState(f"room {room} exists already") from None
            self._cache.update(made)
        return room_of(RoomResource.model_validate(made))

    async def get(self, room: RoomName) -> Room:
        await self.check_ready()
        return room_of(self._known(room))

    async def list(self) -> list[Room]:
        await self.check_ready()
        ours = (room for room in self._cache.rooms.values() if room.spec.cluster_ref == self._cluster)
        return sorted(map(room_of, ours), key=lambda room: room.name)

    async def delete(self, room: RoomName) -> None:
        await self.check_ready()
        known = self._known(room)
        with errors_for_clients("deleting the room"):
            try:
                await self._api.delete(ROOMS, self._namespace, room, uid=known.metadata.uid)
            except NoSuchObject:
                raise NotFound(f"there is no room {room}") from None
        with suppress(TimeoutError):  # so that a list after this does not show it
            await self._wait_for_deletion(known)

    def watch_deletions(self, on_deleted: Callable[[RoomName], None]) -> None:
        self._cache.watch_deletions(on_deleted)

    def watch_moves(self, on_moved: Callable[[RoomName, int], None]) -> None:
        self._cache.watch_moves(on_moved)

    def report_occupied(self, room: RoomName) -> None:
        """The operator knows it from the media node's reports."""

    def report_empty(self, room: RoomName) -> None:
        """The operator knows it from the media node's reports."""

    def report_lost(self, assignment: Assignment) -> None:
        """It is not used again for SUSPECT_SECONDS, unless a newer one comes: the node may come back."""
        until = asyncio.get_running_loop().time() + self._suspect_seconds
        self._suspects[assignment.room] = (assignment.epoch, assignment.process_id, until)

    async def _find_or_request(self, name: RoomName) -> Assignment | str:
        """The room's assignment, or why there is none yet. Creates the room or asks for it, so that it gets
        one."""
        room = self._cache.rooms.get(name)
        if room is None:
            await self._create_on_join(name)
            return _MADE
        room = self._known(name)
        if room.metadata.deletion_timestamp is not None:
            return "The room is being deleted."
        if room.status.phase == "Idle" and room.status.assignment is None:
            await self._annotate_wanted(room)
            return _WAKING
        if room.status.phase == "Failed":
            raise Unavailable(_reason(room), retry_after_ms=RETRY_MS)
        return self._assignment(name, room) or self._reason(name, room)

    def _known(self, name: RoomName) -> RoomResource:
        room = self._cache.rooms.get(name)
        if room is None:
            raise NotFound(f"there is no room {name}")
        if room.spec.cluster_ref != self._cluster:
            raise NotFound(f"room {name} belongs to MediaCluster {room.spec.cluster_ref}, not to this one")
        return room

    def _assignment(self, name: RoomName, room: RoomResource) -> Assignment | None:
        placed = room.status.assignment
        node = self._cache.nodes.get(placed.media_node) if placed is not None else None
        if placed is None or node is None or node.status.phase not in _SERVING:
            return None
        address, process_id = node.status.grpc_address, node.status.process_id
        if not address or not process_id:
            return None
        assignment = Assignment(
            room=name,
            node=placed.media_node,
            address=address,
            epoch=placed.epoch,
            process_id=ProcessId(process_id),
            settings=settings_of(room),
            uid=room.metadata.uid,
        )
        return None if self._is_suspect(assignment) else assignment

    def _is_suspect(self, assignment: Assignment) -> bool:
        suspect = self._suspects.get(assignment.room)
        if suspect is None:
            return False
        same = suspect[:2] == (assignment.epoch, assignment.process_id)
        if same and self._suspect_for(assignment.room):
            return True
        del self._suspects[assignment.room]
        return False

    def _forget_suspect(self, room: RoomName) -> None:
        self._suspects.pop(room, None)

    def _suspect_for(self, room: RoomName) -> float | None:
        """Seconds until a suspect assignment is used again; None where there is none."""
        suspect = self._suspects.get(room)
        left = suspect[2] - asyncio.get_running_loop().time() if suspect is not None else 0.0
        return left if left > 0 else None

    def _reason(self, name: RoomName, room: RoomResource) -> str:
        if room.status.assignment is not None and self._suspect_for(name):
            return _SUSPECT
        return _reason(room)

    async def _create_on_join(self, name: RoomName) -> None:
        """For somebody who joins a room that does not exist."""
        cluster = self._cache.cluster
        if cluster is None:
            raise Unavailable(
                f"there is no MediaCluster {self._cluster} that could serve rooms", retry_after_ms=RETRY_MS
            )
        if not cluster.spec.rooms.create_on_join:
            raise NotFound(f"there is no room {name}, and joining makes none here: ask for it to be made")
        async with self._one_more(name):
            with errors_for_clients("making the room"), suppress(AlreadyExists):
                self._cache.update(await self._api.create(ROOMS, manifest_on_join(name, cluster)))

    async def _annotate_wanted(self, room: RoomResource) -> None:
        """Annotates an Idle room, so that the operator places it. Does nothing where it is annotated
        already."""
        idle = next((c for c in room.status.conditions if c.type == "Placed"), None)
        since = idle.last_transition_time if idle is not None else datetime.fromtimestamp(0, UTC)
        wanted = room.metadata.annotations.get(WANTED_AT)
        if wanted is not None and _is_after(wanted, since):
            return
        # The operator compares it with `since`: it must be later, even if the operator's clock is ahead of
        # ours.
        time = max(datetime.now(UTC), since + timedelta(seconds=1))
        patch = {"metadata": {"annotations": {WANTED_AT: time.isoformat().replace("+00:00", "Z")}}}
        with errors_for_clients("waking the room"), suppress(NoSuchObject):
            name = room.metadata.name
            self._cache.update(await self._api.patch(ROOMS, self._namespace, name, patch))

    @asynccontextmanager
    async def _one_more(self, name: RoomName) -> AsyncIterator[None]:
        """A context in which the room is created. At the limit another room is deleted first: of those that a
        join has created, the one that is empty for longest.

        Rooms that are being created count, and rooms are deleted one after the other: otherwise many joins at
        once would all choose the same room. Nothing is deleted for a room that exists already.
        """
        async with self._giving_way:
            while not self._is_counted(name) and self._is_full():
                await self._have_one_give_way()
            self._being_made.add(name)
        try:
            yield
        finally:
            self._being_made.discard(name)

    def _is_counted(self, name: RoomName) -> bool:
        return name in self._cache.rooms or name in self._being_made

    def _is_full(self) -> bool:
        rooms = self._cache.rooms
        new = sum(name not in rooms for name in self._being_made)
        if len(rooms) + new < self._max_rooms:
            return False
        ending = sum(room.metadata.deletion_timestamp is not None for room in rooms.values())
        return len(rooms) + new - ending >= self._max_rooms

    async def _have_one_give_way(self) -> None:
        empty = [room for room in self._cache.rooms.values() if self._may_give_way(room)]
        oldest = min(
            empty, key=lambda room: room.status.empty_since or datetime.max.replace(tzinfo=UTC), default=None
        )
        if oldest is None:
            raise LimitExceeded(f"there are {self._max_rooms} rooms already: delete some first")
        name = oldest.metadata.name
        with errors_for_clients("making room for another room"), suppress(NoSuchObject):
            await self._api.delete(ROOMS, self._namespace, name, uid=oldest.metadata.uid)
        _log.info("an empty room gave way to another", room=name, rooms=len(self._cache.rooms))
        try:
            await self._wait_for_deletion(oldest)
        except TimeoutError:
            raise Unavailable(
                "the Kubernetes API server does not say that a deleted room is gone", retry_after_ms=RETRY_MS
            ) from None

    async def _wait_for_deletion(self, room: RoomResource) -> None:
        """Waits until the watch has brought it. Raises TimeoutError."""
        name = RoomName(room.metadata.name)
        with self._cache.watching(name) as changed:
            async with asyncio.timeout(DELETION_SECONDS):
                while self._stays(name, room.metadata.uid):
                    changed.clear()
                    await changed.wait()

    def _stays(self, name: RoomName, uid: str) -> bool:
        known = self._cache.rooms.get(name)
        if known is None or known.metadata.uid != uid:
            return False
        return known.metadata.deletion_timestamp is None

    def _may_give_way(self, room: RoomResource) -> bool:
        """Whether a join has created it, and the operator knows that nobody is in it."""
        ours = room.spec.cluster_ref == self._cluster and room.metadata.labels.get(MADE_ON_JOIN) == "true"
        empty = room.status.participants == 0 and room.status.empty_since is not None
        return ours and empty and room.metadata.deletion_timestamp is None


def _reason(room: RoomResource) -> str:
    """Why it has no node, by its conditions."""
    by_type = {condition.type: condition for condition in room.status.conditions}
    for kind in ("Placed", "Ready"):
        condition = by_type.get(kind)
        if condition is not None and condition.status == "False":
            return condition.message
    return _WAITING


def _is_after(text: str, time: datetime) -> bool:
    try:
        return datetime.fromisoformat(text) > time
    except (ValueError, TypeError):  # written by somebody else, or without a time zone
        return False
