"""Pipelined requests take effect in order; one socket can take only so much."""

import asyncio
from typing import Any

import pytest

from rotunda_signaling import limits
from rotunda_signaling.limits import Rate, TokenBucket
from rotunda_signaling.service.client import Event
from rotunda_signaling.service.connection import Connection
from rotunda_signaling.socketio_edge.socket import Socket
from rotunda_signaling.testing import Guest, Stage


async def pipeline(guest: Guest, requests: list[tuple[str, Any]]) -> list[Any]:
    """Sends all without waiting; answers in the order in which the answers came."""
    answers: list[Any] = []
    done = asyncio.Event()

    def take(index: int) -> Any:
        def callback(answer: Any) -> None:
            answers.append((index, answer))
            if len(answers) == len(requests):
                done.set()

        return callback

    for index, (name, payload) in enumerate(requests):
        await guest.sio.emit(name, payload, callback=take(index))
    async with asyncio.timeout(60):
        await done.wait()
    return answers


@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_pipelined_requests_take_effect_in_order(stage: Stage, transport: str) -> None:
    ada = await stage.guest(transports=[transport])
    bob = await stage.joined("Bob")
    chats = [("chat", {"text": str(number)}) for number in range(100)]
    answers = await pipeline(
        ada, [("join", {"room": "standup", "displayName": "Ada"}), *chats, ("leave", {})]
    )
    assert [index for index, _ in answers] == list(range(102))
    assert not [answer for _, answer in answers if "error" in answer]
    await bob.expect("chat", 100)
    await bob.expect("participantLeft")
    assert [chat["text"] for chat in bob.named("chat")] == [str(number) for number in range(100)]
    assert [name for name, _ in bob.events] == ["participantJoined", *["chat"] * 100, "participantLeft"]


async def test_a_slow_request_holds_back_those_behind_it(stage: Stage) -> None:
    ada = await stage.joined()
    gate = stage.node.gates["create_web_rtc_transport"] = asyncio.Event()
    running = asyncio.create_task(
        pipeline(ada, [("createWebRtcTransport", {"direction": "send"}), ("chat", {"text": "later"})])
    )
    bob = await stage.joined("Bob")
    assert bob.named("chat") == []
    gate.set()
    assert [index for index, _ in await running] == [0, 1]
    await bob.expect("chat")


async def test_each_of_many_pipelined_requests_is_answered(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those over the limit with a code that says so, and none is lost."""
    # However slow the machine is, nothing is refilled meanwhile.
    rate = Rate(burst=200, per_second=0.001)
    monkeypatch.setitem(Socket.__init__.__kwdefaults__, "request_rate", rate)
    ada = await stage.joined()
    count = rate.burst * 2
    answers = await pipeline(ada, [("requestKeyFrame", {"consumerId": "none"})] * count)
    codes = [answer["error"]["code"] for _, answer in answers]
    assert len(codes) == count
    assert set(codes) == {"not_found", "rate_limited"}
    assert codes.count("not_found") >= rate.burst - 1
    limited = next(answer for _, answer in answers if answer["error"]["code"] == "rate_limited")
    assert limited["error"]["retryAfterMs"] >= 1


def test_a_bucket_lets_a_burst_through_and_then_its_rate() -> None:
    bucket = TokenBucket(Rate(burst=3, per_second=2.0), now=10.0)
    assert [bucket.take(10.0) for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]
    assert bucket.take(10.4) == pytest.approx(0.1)
    assert bucket.take(10.5) == 0.0
    assert [bucket.take(100.0) for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]


class Wire:
    """An Outlet that keeps what is put."""

    def __init__(self) -> None:
        self.packets: list[str] = []

    def put(self, packet: str) -> None:
        self.packets.append(packet)

    def close(self) -> None:
        self.packets.append("closed")


def waiting_socket(wire: Wire, stage: Stage) -> Socket:
    """Without a turn of the event loop, its requests only wait."""
    socket = Socket("s", wire, lambda name, code, seconds: None, request_rate=Rate(1_000_000, 1.0))
    socket.connection = Connection(socket, stage.signaling.rooms, stage.signaling.authenticator)
    return socket


async def test_waiting_requests_are_bounded_in_number(stage: Stage) -> None:
    socket = waiting_socket(wire := Wire(), stage)
    for number in range(limits.MAX_WAITING_REQUESTS + 1):
        socket.take(f'2{number}["leave"]')
    (refusal,) = wire.packets
    assert refusal.startswith('32000[{"error":{"code":"limit_exceeded","message":"2000 requests are waiting')
    await socket.close()


async def test_waiting_requests_are_bounded_in_bytes(stage: Stage) -> None:
    socket = waiting_socket(wire := Wire(), stage)
    text = "x" * 60_000
    for number in range(limits.MAX_WAITING_BYTES // len(text) + 1):
        socket.take(f'2{number}["chat",{{"text":"{text}"}}]')
    (refusal,) = wire.packets
    assert refusal.startswith('369[{"error":{"code":"limit_exceeded","message":"4194304 bytes are waiting')
    await socket.close()


def test_an_event_is_spelled_once_for_everybody() -> None:
    from rotunda_contract.signaling.events import ActiveSpeakerEvent

    event = Event("activeSpeaker", ActiveSpeakerEvent())
    assert event.text == '["activeSpeaker",{"participantId":null}]'
    assert event.text is event.text


async def test_a_client_that_reads_nothing_is_disconnected(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rotunda_signaling.socketio_edge.server.MAX_WAITING_MESSAGES", 20)
    ada, bob = await stage.joined("Ada"), await stage.joined("Bob")
    for number in range(100):
        stage.signaling.rooms.views[0].deliver(_chat_from(ada, number))
    await bob.expect("disconnect")
    await ada.settle()


def _chat_from(guest: Guest, number: int) -> Any:
    from rotunda_contract.ids import ParticipantId
    from rotunda_contract.signaling.events import ChatEvent
    from rotunda_signaling.service.room_state import Delivery

    body = ChatEvent(
        id=str(number), sender=guest.id, display_name="Ada", text="hi", sent_at="2026-11-21T08:00:00.000Z"
    )
    return Delivery(Event("chat", body), ParticipantId(guest.id))
