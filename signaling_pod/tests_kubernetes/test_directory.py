"""Where rooms are by the API server's word: the directory of a cluster against a real API server."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from rotunda_contract.errors import Internal, InvalidState, LimitExceeded, NotFound, Unavailable
from rotunda_contract.ids import RoomName
from rotunda_contract.resources import MADE_ON_JOIN, WANTED_AT
from rotunda_kube.api import connect
from rotunda_kube.resource import MEDIA_CLUSTERS, ROOMS, Resource
from rotunda_signaling.directory import Assignment, RoomSettings
from rotunda_signaling.directory.kubernetes import KubernetesDirectory
from rotunda_signaling.fanout.memory import MemoryFanout
from rotunda_signaling.media_node.fake import FakeMediaNode
from rotunda_signaling.service.rooms import Rooms
from tests_kubernetes.conftest import Hands

ROOM = RoomName("standup")
PATIENCE = 90.0
QUOTAS = Resource("", "v1", "resourcequotas", "ResourceQuota")
SUSPECT_SECONDS = 1.0


class Asked:
    """A `resolve` that runs, and the reasons it has told so far."""

    def __init__(self, directory: KubernetesDirectory, room: RoomName, wait: float) -> None:
        self.reasons: list[str] = []
        self._news = asyncio.Event()
        self.task = asyncio.create_task(directory.resolve(room, wait=wait, on_pending=self._hear))

    async def told(self, part: str) -> None:
        async with asyncio.timeout(PATIENCE):
            while not any(part in reason for reason in self.reasons):
                self._news.clear()
                await self._news.wait()

    async def answer(self) -> Assignment:
        async with asyncio.timeout(PATIENCE):
            return await self.task

    def _hear(self, reason: str) -> None:
        self.reasons.append(reason)
        self._news.set()


@pytest_asyncio.fixture
async def directory(hands: Hands) -> AsyncIterator[KubernetesDirectory]:
    api = await connect(hands.signaling, request_seconds=5)
    directory = KubernetesDirectory(api, hands.namespace, "default", suspect_seconds=SUSPECT_SECONDS)
    running = asyncio.create_task(directory.run())
    yield directory
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    await api.close()


def ask(directory: KubernetesDirectory, room: RoomName = ROOM, wait: float = PATIENCE) -> Asked:
    return Asked(directory, room, wait)


async def known(holds: Callable[[], bool]) -> None:
    """Waits until the directory has heard of it."""
    async with asyncio.timeout(PATIENCE):
        while not holds():  # noqa: ASYNC110 -- the API server is another process
            await asyncio.sleep(0.02)


def _forbids(directory: KubernetesDirectory) -> bool:
    cluster = directory._cache.cluster
    return cluster is not None and not cluster.spec.rooms.create_on_join


def _waits(directory: KubernetesDirectory) -> bool:
    room = directory._cache.rooms.get(ROOM)
    return room is not None and room.status.phase == "Pending"


async def settled(directory: KubernetesDirectory, hands: Hands, epoch: int = 1) -> Assignment:
    """The room on node `a`, and the directory knows it."""
    await hands.node("a")
    await hands.room(ROOM, displayName="Daily", maxParticipants=7)
    await hands.assign(ROOM, "a", epoch)
    return await ask(directory).answer()


async def test_an_assigned_room_is_where_its_node_serves(
    directory: KubernetesDirectory, hands: Hands
) -> None:
    found = await settled(directory, hands, epoch=3)
    assert (found.node, found.address, found.epoch, found.process_id) == ("a", "127.0.0.1:7", 3, "process-1")
    assert (found.settings.display_name, found.settings.max_participants) == ("Daily", 7)


async def test_a_join_makes_the_room_with_the_clusters_defaults(
    directory: KubernetesDirectory, hands: Hands
) -> None:
    await hands.node("a")
    asked = ask(directory)
    await asked.told("just been made")
    made = await hands.get_room(ROOM)
    assert made["metadata"]["labels"] == {MADE_ON_JOIN: "true"}
    assert (made["spec"]["maxParticipants"], made["spec"]["expectedParticipants"]) == (20, 4)

    await hands.assign(ROOM, "a")
    assert (await asked.answer()).epoch == 1
    assert (await directory.get(ROOM)).made_on_join


async def test_no_room_is_made_where_the_cluster_forbids_it(
    directory: KubernetesDirectory, hands: Hands
) -> None:
    await hands.forbid_rooms_on_join()
    await known(lambda: _forbids(directory))
    with pytest.raises(NotFound, match="joining makes none here"):
        await ask(directory).answer()


async def test_who_waits_is_told_why_and_at_last_to_come_again(
    directory: KubernetesDirectory, hands: Hands
) -> None:
    await hands.room(ROOM)
    await hands.unassign(ROOM, "Pending", "No media node fits: 2 are cordoned.")
    await known(lambda: _waits(directory))
    asked = ask(directory, wait=3.0)
    await asked.told("2 are cordoned")
    with pytest.raises(Unavailable, match=r"after 3 s: No media node fits") as caught:
        await asked.answer()
    assert caught.value.retry_after_ms


async def test_a_room_on_a_node_that_starts_is_waited_for(
    directory: KubernetesDirectory, hands: Hands
) -> None:
    await hands.node("a", phase="Pending")
    await hands.room(ROOM)
    await hands.assign(ROOM, "a")
    asked = ask(directory)
    await asked.told("waits for a media node")
    await hands.node_is("a", phase="Ready")
    assert (await asked.answer()).node == "a"


async def test_a_join_wakes_an_idle_room(directory: KubernetesDirectory, hands: Hands) -> None:
    """Also where the operator's clock is ahead of ours."""
    ahead = datetime.now(UTC) + timedelta(hours=1)
    await hands.node("a")
    await hands.room(ROOM)
    await hands.unassign(ROOM, "Idle", "Nobody was in it.", since=ahead.strftime("%Y-%m-%dT%H:%M:%SZ"))
    asked = ask(directory)
    await asked.told("waking up")
    room = await hands.get_room(ROOM)
    assert datetime.fromisoformat(room["metadata"]["annotations"][WANTED_AT]) > ahead - timedelta(seconds=1)

    await hands.assign(ROOM, "a", epoch=2)
    assert (await asked.answer()).epoch == 2


async def test_a_room_that_can_never_be_placed_says_so_at_once(
    directory: KubernetesDirectory, hands: Hands
) -> None:
    await hands.room(ROOM)
    await hands.unassign(ROOM, "Failed", "It expects more people than any node may serve.")
    with pytest.raises(Unavailable, match="more people than any node"):
        await ask(directory).answer()


async def test_moves_and_deletions_are_told(directory: KubernetesDirectory, hands: Hands) -> None:
    told: asyncio.Queue[tuple[str, int]] = asyncio.Queue()
    directory.watch_moves(lambda room, epoch: told.put_nowait((room, epoch)))
    directory.watch_deletions(lambda room: told.put_nowait((room, 0)))
    await settled(directory, hands)
    async with asyncio.timeout(PATIENCE):
        await hands.assign(ROOM, "a", epoch=2)
        assert await told.get() == (ROOM, 2)
        await hands.unassign(ROOM, "Pending", "Its media node was lost.")
        assert await told.get() == (ROOM, 3)
        await hands.assign(ROOM, "a", epoch=3)
        await hands.delete_room(ROOM)
        assert await told.get() == (ROOM, 0)
    assert told.empty()


async def test_an_assignment_that_its_node_refused_waits_for_a_newer_one(
    directory: KubernetesDirectory, hands: Hands
) -> None:
    first = await settled(directory, hands)
    directory._suspect_seconds = PATIENCE
    directory.report_lost(first)
    asked = ask(directory)
    await asked.told("does not answer")
    await hands.assign(ROOM, "a", epoch=2)
    assert (await asked.answer()).epoch == 2


async def test_a_suspect_assignment_is_tried_again_where_no_newer_comes(
    directory: KubernetesDirectory, hands: Hands
) -> None:
    first = await settled(directory, hands)
    directory.report_lost(first)
    asked = ask(directory)
    assert await asked.answer() == first
    assert any("does not answer" in reason for reason in asked.reasons)


async def test_rooms_are_listed_made_and_deleted(directory: KubernetesDirectory, hands: Hands) -> None:
    await settled(directory, hands)
    small = RoomSettings(display_name="Two", max_participants=2)
    made = await directory.create(RoomName("alone"), small)
    assert not made.made_on_join
    assert "expectedParticipants" not in (await hands.get_room("alone"))["spec"]
    with pytest.raises(InvalidState, match="exists already"):
        await directory.create(RoomName("alone"), small)
    assert [room.name for room in await directory.list()] == ["alone", ROOM]

    await directory.delete(RoomName("alone"))
    assert [room.name for room in await directory.list()] == [ROOM]
    with pytest.raises(NotFound):
        await directory.delete(RoomName("alone"))
    assert directory.defaults().max_participants == 20


async def test_a_quota_and_a_missing_right_are_told_as_what_they_are(
    directory: KubernetesDirectory, hands: Hands
) -> None:
    counted = "count/rooms.rotunda.dev"
    await hands.apply(QUOTAS, "few", {"hard": {counted: "0"}})
    # What a controller manager would write, which none of runs here.
    status = {"status": {"hard": {counted: "0"}, "used": {counted: "0"}}}
    await hands.api.patch(QUOTAS, hands.namespace, "few", status, subresource="status")
    with pytest.raises(LimitExceeded, match="the quota of this Kubernetes namespace is used up"):
        await ask(directory).answer()
    await hands.api.delete(QUOTAS, hands.namespace, "few")
    roles = hands.plane.kubectl("-n", hands.namespace, "get", "rolebindings", "-o", "name").split()
    hands.plane.kubectl("-n", hands.namespace, "delete", *roles)
    with pytest.raises(Internal, match="signaling lacks a right"):
        await ask(directory, RoomName("new")).answer()


@pytest_asyncio.fixture
async def full(hands: Hands) -> AsyncIterator[KubernetesDirectory]:
    """May have three rooms, and has: two that may give way, and one that somebody asked for by name."""
    api = await connect(hands.signaling, request_seconds=5)
    directory = KubernetesDirectory(api, hands.namespace, "default", max_rooms=3)
    running = asyncio.create_task(directory.run())
    await hands.room("asked")
    for name, day in (("newer", 2), ("older", 1)):
        await hands.room(name)
        label = {"metadata": {"labels": {MADE_ON_JOIN: "true"}}}
        await hands.api.patch(ROOMS, hands.namespace, name, label)
        since = f"2026-01-0{day}T00:00:00Z"
        status = {"status": {"phase": "Assigned", "participants": 0, "emptySince": since}}
        await hands.api.patch(ROOMS, hands.namespace, name, status, subresource="status")
    rooms = directory._cache.rooms
    await known(
        lambda: len(rooms) == 3 and sum(room.status.empty_since is not None for room in rooms.values()) == 2
    )
    yield directory
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await api.close()


async def test_at_the_limit_the_room_that_is_empty_for_longest_gives_way(full: KubernetesDirectory) -> None:
    asked = ask(full, RoomName("new"))
    await asked.told("just been made")
    await known(lambda: set(full._cache.rooms) == {"newer", "asked", "new"})
    asked.task.cancel()
    await asyncio.gather(asked.task, return_exceptions=True)


async def test_a_room_that_there_is_already_makes_no_other_give_way(
    full: KubernetesDirectory, hands: Hands
) -> None:
    with pytest.raises(InvalidState, match="asked exists already"):
        await full.create(RoomName("asked"), RoomSettings())
    left = (await hands.api.list(ROOMS, hands.namespace)).items
    assert {room["metadata"]["name"] for room in left} == {"newer", "older", "asked"}


async def test_joins_at_the_same_moment_do_not_go_past_the_limit(
    full: KubernetesDirectory, hands: Hands
) -> None:
    """Two rooms give way, so that two of five can be made."""
    joins = [ask(full, RoomName(f"new-{number}")) for number in range(5)]
    waiting = {join.task for join in joins}
    async with asyncio.timeout(PATIENCE):
        while len(waiting) > 2:
            refused, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in refused:
                with pytest.raises(LimitExceeded, match="3 rooms already"):
                    task.result()
    made = [join for join in joins if join.task in waiting]
    for join in made:
        await join.told("just been made")
        join.task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert len((await hands.api.list(ROOMS, hands.namespace)).items) == 3


async def test_how_many_are_in_a_room_is_the_operators_word(
    directory: KubernetesDirectory, hands: Hands
) -> None:
    """Whichever pod their people are connected to."""
    await hands.room(ROOM)
    status = {"status": {"phase": "Active", "participants": 7}}
    await hands.api.patch(ROOMS, hands.namespace, ROOM, status, subresource="status")
    await known(lambda: directory._cache.synced and _participants(directory) == 7)
    rooms = Rooms(directory, FakeMediaNode(), MemoryFanout())
    assert [rooms.count_participants(room) for room in await directory.list()] == [7]


def _participants(directory: KubernetesDirectory) -> int:
    room = directory._cache.rooms.get(ROOM)
    return room.status.participants if room is not None else -1


async def test_another_clusters_room_is_not_served(directory: KubernetesDirectory, hands: Hands) -> None:
    await hands.apply(MEDIA_CLUSTERS, "other")
    await hands.room(ROOM, clusterRef="other")
    with pytest.raises(NotFound, match="belongs to MediaCluster other"):
        await ask(directory).answer()


async def test_the_api_servers_absence_stops_new_rooms_only(
    directory: KubernetesDirectory, hands: Hands
) -> None:
    first = await settled(directory, hands)
    gone: asyncio.Queue[RoomName] = asyncio.Queue()
    directory.watch_deletions(gone.put_nowait)
    await asyncio.to_thread(hands.plane.stop_apiserver)
    try:
        assert await ask(directory).answer() == first
        await directory.check_ready()
        with pytest.raises(Unavailable, match="API server does not answer") as caught:
            await ask(directory, RoomName("new")).answer()
        assert caught.value.retry_after_ms
    finally:
        await asyncio.to_thread(hands.plane.start_apiserver)

    await hands.delete_room(ROOM)
    async with asyncio.timeout(PATIENCE):
        assert await gone.get() == ROOM
    asked = ask(directory, RoomName("new"))
    await asked.told("just been made")
    await hands.assign("new", "a")
    assert (await asked.answer()).room == "new"
