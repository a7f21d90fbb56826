"""Pipelined requests take effect in order; one socket can take only so much."""

import asyncio
import socket
from typing import Any

import pytest

from rotunda_signaling import limits
from rotunda_signaling.limits import Rate
from rotunda_signaling.service.client import Event
from rotunda_signaling.service.connection import Connection
from rotunda_signaling.socketio_edge.socket import Socket
from rotunda_signaling.socketio_edge.unread import Frames, UnreadPackets
from rotunda_signaling.testing import WAIT, Guest, MakeStage, Stage


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


class Wire:
    """A PacketSender that keeps what is put."""

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
    assert event.text == '2["activeSpeaker",{"participantId":null}]'
    assert event.text is event.text


async def test_a_client_that_reads_nothing_is_disconnected(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rotunda_signaling.socketio_edge.server.MAX_UNREAD_MESSAGES", 20)
    ada, bob = await stage.joined("Ada"), await stage.joined("Bob")
    for number in range(100):
        stage.signaling.rooms.views[0].deliver(_chat_from(ada, number))
    await bob.expect("disconnect")
    await ada.settle()


async def test_what_a_client_does_not_read_is_bounded_in_bytes(make_stage: MakeStage) -> None:
    """Of some socket buffers and 4 MiB besides, of 32 MB that are said."""
    stage = await make_stage()
    ada = await stage.joined("Ada")
    deaf = await _deaf(stage.url)
    view = stage.signaling.rooms.views[0]
    await ada.expect("participantJoined")
    for number in range(8_000):
        view.deliver(_chat_from(ada, number, "x" * 4_000))
        if number % 50 == 0:
            await asyncio.sleep(0)
        if stage.signaling.connections.open == 1:
            break
    async with asyncio.timeout(WAIT):
        while stage.signaling.connections.open != 1:  # noqa: ASYNC110 -- no event tells of it
            await asyncio.sleep(0.01)
    assert b"rotunda_signaling_sockets_dropped 1.0" in stage.signaling.metrics.render()
    deaf.close()
    await ada.settle()


def test_the_queue_knows_its_bytes() -> None:
    queue = UnreadPackets()
    frames = Frames()
    text = "x" * 1_000
    shared = frames.of(text)
    for _ in range(3):
        assert frames.of(text) is shared
        queue.put_nowait(shared)
    assert 3_000 <= queue.bytes <= 3_300
    queue.put_nowait(None)
    for _ in range(4):
        queue.get_nowait()
    assert queue.bytes == 0
    assert frames.of("y") is not shared


async def _deaf(url: str) -> socket.socket:
    """Joins and reads no more."""
    loop = asyncio.get_running_loop()
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.setblocking(False)
    await loop.sock_connect(sock, ("127.0.0.1", int(url.rpartition(":")[2])))
    upgrade = (
        "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n"
        "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    await loop.sock_sendall(sock, upgrade.encode())
    await loop.sock_recv(sock, 1024)
    for text in ("40", '420["join",{"room":"standup","displayName":"Bob"}]'):
        await loop.sock_sendall(sock, bytes((0x81, 0x80 | len(text), 0, 0, 0, 0)) + text.encode())
    return sock


def _chat_from(guest: Guest, number: int, text: str = "hi") -> Any:
    from rotunda_contract.ids import ParticipantId
    from rotunda_contract.signaling.events import ChatEvent
    from rotunda_signaling.service.room_state import Delivery

    body = ChatEvent(
        id=str(number), sender=guest.id, display_name="Ada", text=text, sent_at="2026-11-21T08:00:00.000Z"
    )
    return Delivery(Event("chat", body), ParticipantId(guest.id))
