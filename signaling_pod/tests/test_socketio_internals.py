"""The undocumented parts of python-socketio and python-engineio that socketio_edge uses.

Both are pinned to a minor version. A pin that is raised fails here first, by the name of what has changed.
docs/decisions/0011-socketio-dispatch.md says why they are used.
"""

import inspect
from typing import Any

import engineio  # type: ignore[import-untyped]
import pytest
import socketio  # type: ignore[import-untyped]
from engineio.async_socket import AsyncSocket  # type: ignore[import-untyped]
from engineio.packet import MESSAGE, Packet  # type: ignore[import-untyped]
from engineio.payload import Payload  # type: ignore[import-untyped]

from rotunda_signaling.socketio_edge.unread import UnreadPackets


@pytest.fixture
def server() -> Any:
    return socketio.AsyncServer(async_mode="asgi")


def test_the_engine_has_replaceable_handlers_of_these_arguments(server: Any) -> None:
    engine = server.eio
    assert isinstance(engine, engineio.AsyncServer)
    arguments = {
        name: list(inspect.signature(engine.handlers[name]).parameters)
        for name in ("connect", "message", "disconnect")
    }
    assert arguments == {
        "connect": ["eio_sid", "environ"],
        "message": ["eio_sid", "data"],
        "disconnect": ["eio_sid", "reason"],
    }
    assert all(inspect.iscoroutinefunction(engine.handlers[name]) for name in arguments)

    async def replacement(engine_id: str, data: object) -> None: ...

    engine.on("message", replacement)
    assert engine.handlers["message"] is replacement


def test_the_engine_keeps_its_sockets_by_id_and_the_manager_knows_the_id_of_a_client(server: Any) -> None:
    assert server.eio.sockets == {}
    assert list(inspect.signature(server.manager.eio_sid_from_sid).parameters) == ["sid", "namespace"]


async def test_a_socket_of_the_engine_has_the_queue_that_the_server_creates(server: Any) -> None:
    server.eio.create_queue = UnreadPackets
    socket = AsyncSocket(server.eio, "engine-id")

    assert isinstance(socket.queue, UnreadPackets)
    assert (socket.sid, socket.closed, socket.upgraded) == ("engine-id", False, False)
    assert {"wait", "abort"} <= inspect.signature(socket.close).parameters.keys()


async def test_what_waits_in_the_queue_is_counted_by_the_text_of_its_packets(server: Any) -> None:
    server.eio.create_queue = UnreadPackets
    socket = AsyncSocket(server.eio, "engine-id")
    await socket.send(Packet(MESSAGE, data="x" * 1000))

    assert socket.queue.qsize() == 1
    assert socket.queue.bytes >= 1000
    assert socket.queue.get_nowait().data == "x" * 1000
    assert socket.queue.bytes == 0


def test_the_limit_of_packets_in_a_polling_body_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Payload, "max_decode_packets", 3)
    assert len(Payload(encoded_payload="\x1e".join(["2"] * 3)).packets) == 3
    with pytest.raises(ValueError, match="Too many packets"):
        Payload(encoded_payload="\x1e".join(["2"] * 4))
