"""A watcher sees a snapshot, then every event after it, once and in order."""

import asyncio

import pytest

from rotunda_contract.errors import Unavailable
from rotunda_contract.ids import WatcherId
from rotunda_contract.pb.events_pb2 import RoomEvent, RoomSnapshot
from rotunda_sfu.event_log import EventLog, Watch

W1, W2 = WatcherId("w1"), WatcherId("w2")


async def numbers(watch: Watch) -> list[int]:
    return [(await anext(watch)).number for _ in range(watch.waiting)]


async def test_the_snapshot_has_the_number_of_the_last_event_that_it_contains() -> None:
    log = EventLog(backlog=10)
    log.append(RoomEvent())
    log.append(RoomEvent())
    watch = log.watch(W1, RoomSnapshot())
    log.append(RoomEvent())
    assert await numbers(watch) == [2, 3]


async def test_every_watcher_gets_every_event() -> None:
    log = EventLog(backlog=10)
    first = log.watch(W1, RoomSnapshot())
    log.append(RoomEvent())
    second = log.watch(W2, RoomSnapshot())
    log.append(RoomEvent())
    assert await numbers(first) == [0, 1, 2]
    assert await numbers(second) == [1, 2]


async def test_a_watcher_waits_for_what_comes() -> None:
    log = EventLog(backlog=10)
    watch = log.watch(W1, RoomSnapshot())
    await anext(watch)
    waiting = asyncio.create_task(anext(watch))
    await asyncio.sleep(0)
    log.append(RoomEvent())
    assert (await waiting).number == 1


async def test_a_watcher_too_slow_is_cut_and_others_are_not() -> None:
    log = EventLog(backlog=2)
    slow = log.watch(W1, RoomSnapshot())
    quick = log.watch(W2, RoomSnapshot())
    for _ in range(3):
        assert quick.waiting
        await anext(quick)
        log.append(RoomEvent())
    with pytest.raises(Unavailable, match="snapshot"):
        await anext(slow)
    assert await numbers(quick) == [3]


async def test_a_newer_stream_of_the_same_watcher_ends_the_older() -> None:
    log = EventLog(backlog=10)
    old = log.watch(W1, RoomSnapshot())
    new = log.watch(W1, RoomSnapshot())
    with pytest.raises(Unavailable):
        await anext(old)
    assert not log.drop(old)
    assert log.is_watched_by(W1)
    assert log.drop(new)
    assert not log.is_watched_by(W1)


async def test_closing_hands_out_what_waits_and_ends() -> None:
    log = EventLog(backlog=10)
    watch = log.watch(W1, RoomSnapshot())
    log.append(RoomEvent())
    log.close()
    assert [event.number async for event in watch] == [0, 1]
