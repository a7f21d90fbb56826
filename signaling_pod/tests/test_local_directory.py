"""The room directory of a single machine, in virtual time."""

import asyncio
from collections.abc import Callable
from typing import cast

import pytest

from rotunda_contract.errors import InvalidState, LimitExceeded, NotFound
from rotunda_contract.ids import ProcessId, RoomName
from rotunda_signaling.directory import RoomSettings
from rotunda_signaling.directory.local import LocalDirectory, LocalNode

A, B = RoomName("a"), RoomName("b")


class Timer:
    def __init__(self, at: float, action: Callable[[], None]) -> None:
        self.at = at
        self.action: Callable[[], None] | None = action

    def cancel(self) -> None:
        self.action = None


class VirtualTime:
    """Timers that fire when the test moves the time."""

    def __init__(self) -> None:
        self.now = 0.0
        self._timers: list[Timer] = []

    def schedule(self, delay: float, action: Callable[[], None]) -> asyncio.TimerHandle:
        self._timers.append(Timer(self.now + delay, action))
        return cast(asyncio.TimerHandle, self._timers[-1])

    def advance(self, seconds: float) -> None:
        self.now += seconds
        for timer in [timer for timer in self._timers if timer.at <= self.now]:
            self._timers.remove(timer)
            if timer.action is not None:
                timer.action()


@pytest.fixture
def time() -> VirtualTime:
    return VirtualTime()


@pytest.fixture
def directory(time: VirtualTime) -> LocalDirectory:
    return LocalDirectory(
        LocalNode("local", "address", ProcessId("process")),
        defaults=RoomSettings(empty_ttl=60.0),
        max_rooms=2,
        schedule=time.schedule,
    )


async def names(directory: LocalDirectory) -> list[str]:
    return [room.name for room in await directory.list()]


async def test_a_join_makes_the_room_and_names_its_node(directory: LocalDirectory) -> None:
    assigned = await directory.resolve(A, wait=0)
    assert (assigned.node, assigned.address, assigned.process_id) == ("local", "address", "process")
    assert assigned.settings.display_name == "a"
    assert await directory.resolve(A, wait=0) == assigned
    assert (await directory.get(A)).made_on_join


async def test_an_empty_room_made_on_join_is_forgotten(directory: LocalDirectory, time: VirtualTime) -> None:
    gone: list[str] = []
    directory.watch_deletions(gone.append)
    first = await directory.resolve(A, wait=0)
    directory.report_occupied(A)
    time.advance(1000)
    assert await names(directory) == ["a"]
    directory.report_empty(A)
    time.advance(59)
    directory.report_occupied(A)
    directory.report_empty(A)
    time.advance(59)
    assert gone == []
    time.advance(1)
    assert gone == ["a"]
    assert await names(directory) == []
    assert (await directory.resolve(A, wait=0)).epoch > first.epoch


async def test_a_join_into_an_occupied_room_starts_no_expiry(
    directory: LocalDirectory, time: VirtualTime
) -> None:
    await directory.resolve(A, wait=0)
    directory.report_occupied(A)
    await directory.resolve(A, wait=0)
    time.advance(1000)
    assert await names(directory) == ["a"]


async def test_a_room_that_somebody_wanted_stays_and_gives_its_node_back(
    directory: LocalDirectory, time: VirtualTime
) -> None:
    gone: list[str] = []
    directory.watch_deletions(gone.append)
    await directory.create(A, RoomSettings(empty_ttl=5.0))
    time.advance(1000)
    first = await directory.resolve(A, wait=0)
    time.advance(5)
    assert gone == ["a"]
    assert await names(directory) == ["a"]
    assert (await directory.resolve(A, wait=0)).epoch > first.epoch


async def test_a_lost_room_gets_a_newer_epoch_once(directory: LocalDirectory) -> None:
    first = await directory.resolve(A, wait=0)
    directory.report_lost(first)
    second = await directory.resolve(A, wait=0)
    assert second.epoch > first.epoch
    directory.report_lost(first)
    assert await directory.resolve(A, wait=0) == second


async def test_deleting(directory: LocalDirectory) -> None:
    gone: list[str] = []
    directory.watch_deletions(gone.append)
    await directory.create(B, RoomSettings())
    with pytest.raises(InvalidState):
        await directory.create(B, RoomSettings())
    await directory.delete(B)
    assert gone == ["b"]
    with pytest.raises(NotFound):
        await directory.delete(B)
    with pytest.raises(NotFound):
        await directory.get(B)


async def test_at_the_limit_the_room_that_is_empty_for_longest_gives_way(
    directory: LocalDirectory, time: VirtualTime
) -> None:
    gone: list[str] = []
    directory.watch_deletions(gone.append)
    await directory.resolve(A, wait=0)
    await directory.resolve(B, wait=0)
    directory.report_occupied(A)
    directory.report_occupied(B)
    with pytest.raises(LimitExceeded):
        await directory.resolve(RoomName("c"), wait=0)
    directory.report_empty(B)
    time.advance(1)
    directory.report_empty(A)
    await directory.resolve(RoomName("c"), wait=0)
    assert (gone, await names(directory)) == (["b"], ["a", "c"])
    await directory.create(RoomName("d"), RoomSettings())
    assert await names(directory) == ["c", "d"]
    directory.report_occupied(RoomName("c"))
    with pytest.raises(LimitExceeded):  # what the API made stays
        await directory.create(RoomName("e"), RoomSettings())


async def test_there_is_a_limit(directory: LocalDirectory) -> None:
    await directory.create(A, RoomSettings())
    await directory.create(B, RoomSettings())
    with pytest.raises(LimitExceeded):
        await directory.resolve(RoomName("c"), wait=0)
