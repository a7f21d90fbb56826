"""People with real sockets in front of the directory of a cluster; the media node is a fake one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest_asyncio

from rotunda_kube.api import connect
from rotunda_signaling.directory.kubernetes import KubernetesDirectory
from rotunda_signaling.settings import SignalingSettings
from rotunda_signaling.testing import Guest, Stage
from tests_kubernetes.conftest import Hands

JOIN = {"room": "standup", "displayName": "Ada"}


@pytest_asyncio.fixture
async def stage(hands: Hands) -> AsyncIterator[Stage]:
    api = await connect(hands.signaling, request_seconds=5)
    directory = KubernetesDirectory(api, hands.namespace, "default")
    running = asyncio.create_task(directory.run())
    stage = await Stage(SignalingSettings(), directory).start()
    yield stage
    await stage.stop()
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    await api.close()


async def waiting(guest: Guest) -> "asyncio.Task[Any]":
    """A join whose room has no node, once the guest was told so."""
    joining = asyncio.create_task(guest.ask("join", JOIN))
    await guest.until(lambda: bool(guest.named("roomPending")))
    assert not joining.done()
    return joining


async def test_joiners_are_told_why_they_wait_and_then_get_in(stage: Stage, hands: Hands) -> None:
    await hands.node("a")
    await hands.room("standup")
    await hands.unassign("standup", "Pending", "There are no media nodes yet.")
    ada, bob = await stage.guest(), await stage.guest()
    joins = [await waiting(ada), await waiting(bob)]
    why = {"reason": "There are no media nodes yet."}
    for guest in (ada, bob):
        await guest.until(lambda guest=guest: why in guest.named("roomPending"))

    await hands.assign("standup", "a")
    for answer in await asyncio.gather(*joins):
        assert answer["room"]["name"] == "standup"
    assert [name for name, _ in stage.node.calls].count("open_room") == 1


async def test_leave_ends_the_wait_and_the_socket_may_join_again(stage: Stage, hands: Hands) -> None:
    await hands.node("a")
    ada = await stage.guest()
    joining = await waiting(ada)
    assert await ada.ask("leave", {}) == {}
    assert (await joining)["error"]["code"] == "invalid_state"

    await hands.assign("standup", "a")
    await ada.join("standup")
    assert await ada.ask("leave", {}) == {}


async def test_a_socket_that_closes_waits_no_longer(stage: Stage, hands: Hands) -> None:
    await hands.node("a")
    ada = await stage.guest()
    joining = await waiting(ada)
    await ada.sio.disconnect()
    joining.cancel()
    while b"rotunda_signaling_sockets 0.0" not in stage.signaling.metrics.render():  # noqa: ASYNC110
        await asyncio.sleep(0.05)

    await hands.assign("standup", "a")
    bob = await stage.joined("Bob")
    assert bob.joined["participants"] == []


async def test_people_of_a_deleted_room_are_told_and_the_node_closes_it(stage: Stage, hands: Hands) -> None:
    await hands.node("a")
    await hands.room("standup")
    await hands.assign("standup", "a")
    ada = await stage.joined()
    await hands.delete_room("standup")
    assert await ada.expect("roomClosed") == {"reason": "deleted", "rejoin": False}
    await stage.node.called("close_room")


async def test_people_of_a_lost_node_join_again_at_the_new_place(stage: Stage, hands: Hands) -> None:
    await hands.node("a")
    await hands.room("standup")
    await hands.assign("standup", "a")
    ada = await stage.joined()
    await hands.node("b")
    await hands.assign("standup", "b", epoch=2)
    assert await ada.expect("roomClosed") == {"reason": "node_lost", "rejoin": True}
    await ada.join(seat=ada.joined["seat"])
    assert stage.node.room("standup").epoch == 2


async def test_a_call_goes_on_without_the_api_server(stage: Stage, hands: Hands) -> None:
    await hands.node("a")
    await hands.room("standup")
    await hands.assign("standup", "a")
    ada = await stage.joined()
    await asyncio.to_thread(hands.plane.stop_apiserver)
    try:
        bob = await stage.joined("Bob")
        await ada.expect("participantJoined")
        assert "error" not in await bob.ask("chat", {"text": "hello"})
        await ada.expect("chat")
        cleo = await stage.guest()
        refused = (await cleo.ask("join", {"room": "new", "displayName": "Cleo"}))["error"]
        assert refused["code"] == "unavailable"
        assert refused["retryAfterMs"] > 0
        assert (await cleo.ask("join", {"room": "standup", "displayName": "Cleo"}))["participants"]
    finally:
        await asyncio.to_thread(hands.plane.start_apiserver)
