"""uvicorn's WebSocket protocol with bounds: who does not read is cut, and what is no handshake answered."""

import asyncio
from asyncio.transports import BaseTransport
from http import HTTPStatus
from typing import Any, cast

import structlog
from uvicorn._types import ASGIReceiveEvent
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import CloseCode, Frame
from websockets.http11 import Request

from rotunda_base.logs import RateLimitedLog
from rotunda_signaling.http.connections import Place
from rotunda_signaling.http.refusals import refusal
from rotunda_signaling.http.unread import Unread

MAX_FRAGMENTS = 1024
"""Frames of one message: an empty one costs the sender next to nothing."""
ABORT = "rotunda.abort"
"""Among a WebSocket's extensions: a function that ends it without waiting for the peer."""

_strangers = RateLimitedLog(structlog.get_logger(__name__))


class BoundedWebSocket(WebSocketsSansIOProtocol):
    """One WebSocket, which keeps the place of the connection that it was."""

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(transport)
        before: Any = cast(asyncio.Transport, transport).get_protocol()
        self._place: Place = before.place
        self._unread = Unread(self.transport, self.loop)

    def connection_lost(self, exc: Exception | None) -> None:
        self._place.give_back()
        self._unread.end()
        super().connection_lost(exc)

    def check_handshake(self) -> None:
        """Answers a head that the library does not take: it takes fewer and shorter lines than we do."""
        if self.handshake_initiated:
            return
        _strangers.info("a WebSocket handshake was refused", peer=self.client)
        message = "this is no WebSocket handshake, or a line of it is longer than 8 KiB"
        self.transport.write(refusal(HTTPStatus.BAD_REQUEST, "bad_request", message))
        self.transport.close()

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if not self.close_sent:
            extensions = cast(dict[str, Any], self.scope["extensions"])
            extensions[ABORT] = self.transport.abort

    def handle_cont(self, event: Frame) -> None:
        if len(self.frames) >= MAX_FRAGMENTS:
            self._fail(CloseCode.MESSAGE_TOO_BIG, "too many fragments")
        else:
            super().handle_cont(event)

    def send_receive_event_to_app(self) -> None:
        if self.curr_msg_data_type == "text":
            try:
                b"".join(self.frames).decode()
            except UnicodeDecodeError:
                self.frames = []
                self._fail(CloseCode.INVALID_DATA, "text that is not UTF-8")
                return
        super().send_receive_event_to_app()

    def pause_writing(self) -> None:
        """Pongs are written whether the peer reads or not: who makes us write may wait until it has read."""
        super().pause_writing()
        self._unread.wait()
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._unread.end()
        if self.transport.is_closing():
            self._unread.wait()
        elif not self.read_paused:
            self.transport.resume_reading()

    async def receive(self) -> ASGIReceiveEvent:
        message = await super().receive()
        if not self.writable.is_set():
            self.transport.pause_reading()
        return message

    def shutdown(self) -> None:
        super().shutdown()
        self._unread.wait()

    async def run_asgi(self) -> None:
        await super().run_asgi()
        self._unread.wait()

    def _fail(self, code: CloseCode, reason: str) -> None:
        if self.close_sent:
            return
        _strangers.info("a WebSocket was closed", reason=reason, peer=self.client)
        self.conn.fail(code, reason)
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.transport.close()
        self._unread.wait()
