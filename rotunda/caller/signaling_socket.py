"""Socket.IO 5 over Engine.IO 4 on one WebSocket: as much of both as the contract with clients needs.

Each frame is a text: a digit of Engine.IO, for messages a digit of Socket.IO, then JSON. It is written out
here because a crowd of callers shall cost little beside the server that it is a load for.
"""

import asyncio
import itertools
import json
import ssl
from collections.abc import Callable
from typing import Any

import aiohttp

from rotunda.caller.errors import Refused, SignalingUnreachable

JsonObject = dict[str, Any]
OnEvent = Callable[[str, JsonObject], None]
"""Given an event's name and payload."""

MAX_FRAME_BYTES = 1 << 24
"""What one frame of a server may have: the answer to `join` tells of everybody in the room."""
_PING, _PONG = "2", "3"
_CONNECT, _EVENT, _ACK, _REFUSED = "40", "42", "43", "44"


class SignalingSocket:
    """Made by `connect`. Answers and events come until it is closed by either side, and then `on_lost`."""

    def __init__(
        self, session: aiohttp.ClientSession, on_event: OnEvent, on_lost: Callable[[], None]
    ) -> None:
        self._session = session
        self._on_event = on_event
        self._on_lost = on_lost
        self._numbers = itertools.count()
        self._waiting: dict[int, asyncio.Future[JsonObject]] = {}
        self._socket: aiohttp.ClientWebSocketResponse
        self._reading: asyncio.Task[None] | None = None

    @classmethod
    async def connect(
        cls,
        url: str,
        on_event: OnEvent,
        on_lost: Callable[[], None],
        *,
        token: str,
        context: ssl.SSLContext | None,
        seconds: float,
    ) -> "SignalingSocket":
        """`context` checks the certificate of an https URL. Raises Refused or SignalingUnreachable."""
        tls = context if context is not None else True
        self = cls(aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls)), on_event, on_lost)
        try:
            async with asyncio.timeout(seconds):
                await self._open(url, token)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            await self.close()
            reason = str(error) or "timeout"
            raise SignalingUnreachable(f"no Socket.IO connection to {url}: {reason}") from error
        except BaseException:
            await self.close()
            raise
        self._reading = asyncio.create_task(self._read())
        return self

    async def request(self, name: str, payload: JsonObject, seconds: float) -> JsonObject:
        """The answer. Raises Refused where it is an error, or SignalingUnreachable."""
        number = next(self._numbers)
        answer: asyncio.Future[JsonObject] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            async with asyncio.timeout(seconds):
                await self._send(f"{_EVENT}{number}{json.dumps([name, payload])}")
                found = await answer
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise SignalingUnreachable(f"{name} was not answered: {error or 'timeout'}") from error
        finally:
            self._waiting.pop(number, None)
        if "error" in found:
            raise Refused(name, str(found["error"]["code"]), str(found["error"]["message"]))
        return found

    async def close(self) -> None:
        if self._reading is not None:
            await self._socket.close()
            await self._reading
        await self._session.close()

    async def _open(self, url: str, token: str) -> None:
        address = f"{url.rstrip('/')}/socket.io/?EIO=4&transport=websocket"
        self._socket = await self._session.ws_connect(address, max_msg_size=MAX_FRAME_BYTES)
        await self._socket.receive_str()  # Engine.IO's opening packet
        await self._socket.send_str(_CONNECT + (json.dumps({"token": token}) if token else ""))
        answer = await self._socket.receive_str()
        while answer == _PING:
            await self._socket.send_str(_PONG)
            answer = await self._socket.receive_str()
        if answer.startswith(_REFUSED):
            told = json.loads(answer.removeprefix(_REFUSED))
            data = told.get("data")
            code = str(data["code"]) if isinstance(data, dict) and "code" in data else "refused"
            raise Refused("connect", code, str(told.get("message", "")))
        if not answer.startswith(_CONNECT):
            raise OSError(f"the answer is no Socket.IO: {answer[:40]!r}")

    async def _send(self, text: str) -> None:
        if self._socket.closed:
            raise OSError("the connection was closed")
        await self._socket.send_str(text)

    async def _read(self) -> None:
        try:
            async for message in self._socket:
                if message.type is aiohttp.WSMsgType.TEXT:
                    await self._take(message.data)
        except (OSError, ValueError, LookupError, TypeError):
            await self._socket.close()  # lost meanwhile, or what came is no Socket.IO
        finally:
            self._on_lost()
            for waiting in self._waiting.values():
                if not waiting.done():
                    waiting.set_exception(OSError("the connection was lost"))

    async def _take(self, text: str) -> None:
        if text == _PING:
            await self._socket.send_str(_PONG)
        elif text.startswith(_ACK):
            number, bracket, rest = text.removeprefix(_ACK).partition("[")
            waiting = self._waiting.get(int(number))
            if waiting is not None and not waiting.done():
                waiting.set_result(json.loads(bracket + rest)[0])
        elif text.startswith(_EVENT):
            name, payload = json.loads(text.removeprefix(_EVENT))
            self._on_event(name, payload)
