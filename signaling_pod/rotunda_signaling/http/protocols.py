"""uvicorn's protocols with bounds on what comes before and around a body, and on answers that nobody reads.

uvicorn bounds neither a request's head, in bytes or in time, nor how long a peer may leave an answer unread.
"""

import asyncio
from http import HTTPStatus
from typing import Any

import httptools
import structlog
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from rotunda_base.logs import RateLimitedLog
from rotunda_contract.signaling.answers import ErrorCode
from rotunda_signaling.http.connections import Place
from rotunda_signaling.http.refusals import refusal
from rotunda_signaling.http.unread import Unread
from rotunda_signaling.http.websocket import BoundedWebSocket

MAX_HEAD_BYTES = 64 * 1024
"""Request line and headers together; trailers and a body's chunk sizes have as much."""
MAX_HEADERS = 256
HEAD_SECONDS = 10.0
"""From the connection, or a request's first byte, to the end of its head."""
MAX_PIPELINED = 8
"""Requests that wait for the answer to an earlier one on the same connection."""
LINGER_SECONDS = 2.0
LINGER_BYTES = 4 * 1024 * 1024
"""The rest is thrown away, for so long and up to so much: the peer would lose our answer (RFC 9112 9.6)."""
_STEP = 8 * 1024
"""Bytes that are parsed before the limits are checked."""
_FRAMING_FACTOR = 8
"""A chunk of one byte takes six."""

_strangers = RateLimitedLog(structlog.get_logger(__name__))


class BoundedHttp(HttpToolsProtocol):
    """One connection. Once a bound is met it is answered, if it can be, and ends."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        *,
        place: Place,
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.url, self.headers = b"", []
        self.place = place
        self._in_head = self._turned = True
        """`_turned`: a head or a body ended within the last piece."""
        self._overfull = False
        """A head had too many headers: whatever comes behind it is not asked of the application."""
        self._bytes = 0
        """Of the head, or of the body as it came; without the pieces in which they begin behind another."""
        self._body_bytes = 0
        self._head_timer: asyncio.TimerHandle | None = None
        self._ignored: int | None = None
        """Bytes thrown away since the connection was refused."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._unread = Unread(transport, self.loop)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self.place.give_back()
        self._unread.end()
        self._head_is_there()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._ignored is not None:
            self._ignored += len(data)
            if self._ignored > LINGER_BYTES:
                self.transport.abort()
            return
        self._unset_keepalive_if_required()
        for start in range(0, len(data), _STEP):
            if not self._feed(data[start : start + _STEP]):
                return
        if self._in_head and self._bytes:
            self._await_head()

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._in_head:
            return  # a trailer is no header (RFC 9110 section 6.5.1)
        if len(self.headers) < MAX_HEADERS:
            super().on_header(name, value)
        else:
            self._overfull = True

    def on_headers_complete(self) -> None:
        if self._overfull:
            return
        self._in_head, self._turned = False, True
        self._bytes = self._body_bytes = 0
        self._head_is_there()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        if not self._in_head:
            super().on_body(body)

    def on_message_complete(self) -> None:
        if not self._in_head:  # else it is being refused
            self._in_head = self._turned = True
            self._bytes = 0
            super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._wait_for_the_end()

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self._wait_for_the_end()

    def shutdown(self) -> None:
        super().shutdown()
        self._wait_for_the_end()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unread.wait()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._unread.end()
        self._wait_for_the_end()

    def _wait_for_the_end(self) -> None:
        if self.transport.is_closing():
            self._unread.wait()

    def _feed(self, piece: bytes) -> bool:
        """False when nothing more is to be parsed."""
        self._turned = False
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade:
            if self._is_within_bounds():
                self._upgrade()
            return False
        except httptools.HttpParserError:
            self._refuse(HTTPStatus.BAD_REQUEST, "bad_request", "this is no HTTP request")
            return False
        self._bytes += len(piece) if not self._turned else 0
        return self._is_within_bounds()

    def _is_within_bounds(self) -> bool:
        if len(self.pipeline) > MAX_PIPELINED:
            self._refuse(HTTPStatus.TOO_MANY_REQUESTS, "limit_exceeded", "wait for some answers first")
        elif self._overfull:
            self._refuse_head(f"a request may have {MAX_HEADERS} headers")
        elif self._in_head and self._bytes > MAX_HEAD_BYTES:
            # What came is a method, a space, and the target that has not ended.
            if len(self.url) > MAX_HEAD_BYTES - 64:
                message = f"the request's target may take {MAX_HEAD_BYTES} bytes with all headers"
                self._refuse(HTTPStatus.REQUEST_URI_TOO_LONG, "too_large", message)
            else:
                self._refuse_head(f"a request's head may take {MAX_HEAD_BYTES} bytes")
        elif not self._in_head and self._bytes > MAX_HEAD_BYTES + _FRAMING_FACTOR * self._body_bytes:
            self._refuse_head(f"what frames a body may take {MAX_HEAD_BYTES} bytes")
        else:
            return True
        return False

    def _upgrade(self) -> None:
        if not self._should_upgrade():
            return  # it is answered as if it had not asked for it (RFC 9110 7.8)
        if self.cycle is not None and not self.cycle.response_complete:
            # Otherwise the application would not learn that the connection of this answer has ended.
            self._refuse(HTTPStatus.BAD_REQUEST, "bad_request", "wait for the answer before a WebSocket")
            return
        self._unread.end()
        self.handle_websocket_upgrade()
        protocol = self.transport.get_protocol()
        assert isinstance(protocol, BoundedWebSocket)
        protocol.check_handshake()

    def _await_head(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_SECONDS, self._on_slow_head)

    def _head_is_there(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _on_slow_head(self) -> None:
        self._head_timer = None
        if self._bytes:
            message = f"the request's head did not arrive within {HEAD_SECONDS:g} s"
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, "bad_request", message)
        else:
            self.transport.close()

    def _refuse_head(self, message: str) -> None:
        self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "too_large", message)

    def _refuse(self, status: HTTPStatus, code: ErrorCode, message: str) -> None:
        """Answers, where no other answer is under way, and ends the connection, for the application too."""
        _strangers.info("a connection was refused", status=status.value, reason=message, peer=self.client)
        self._head_is_there()
        self._ignored = 0
        if self.cycle is not None and not self.cycle.response_complete:
            if self.pipeline or self.cycle.response_started:
                self.transport.abort()
                return
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.transport.write(refusal(status, code, message))
        self.loop.call_later(LINGER_SECONDS, self._close_for_good)

    def _close_for_good(self) -> None:
        self.transport.abort()
