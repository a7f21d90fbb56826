"""For tests: a signaling process with a fake media node, real sockets and real clients.

Needs httpx and python-socketio's asyncio client.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import socketio  # type: ignore[import-untyped]

from rotunda_contract.ids import ProcessId
from rotunda_signaling.app import Signaling
from rotunda_signaling.auth.grants import GRANTS
from rotunda_signaling.auth.tokens import JoinClaims
from rotunda_signaling.backing import Backing, for_one_process
from rotunda_signaling.directory import RoomDirectory
from rotunda_signaling.directory.local import LocalDirectory, LocalNode
from rotunda_signaling.http.server import HttpServer, listen
from rotunda_signaling.media_node.fake import FakeMediaNode
from rotunda_signaling.service.client import Event
from rotunda_signaling.service.connection import Connection
from rotunda_signaling.settings import SignalingSettings

WAIT = 60.0
"""Seconds after which a test gives up on what it waits for."""


class Guest:
    """A client that remembers its events and waits for those it expects."""

    def __init__(self, url: str) -> None:
        self.sio = socketio.AsyncClient(reconnection=False)
        self.events: list[tuple[str, Any]] = []
        self.joined: dict[str, Any] = {}
        self._url = url
        self._news = asyncio.Event()
        self.sio.on("*", self._on_event)
        self.sio.on("disconnect", self._on_disconnect)

    @property
    def id(self) -> str:
        return str(self.joined["participantId"])

    async def connect(self, *, transports: list[str] | None = None, auth: Any = None) -> "Guest":
        await self.sio.connect(
            self._url, transports=transports or ["websocket"], auth=auth, wait_timeout=WAIT
        )
        return self

    async def ask(self, name: str, payload: Any = None) -> Any:
        """Emits with an acknowledgement and answers what came."""
        arguments = () if payload is None else payload
        return await self.sio.call(name, arguments, timeout=WAIT)

    async def join(self, room: str = "standup", name: str = "Ada", **more: Any) -> "Guest":
        self.joined = await self.ask("join", {"room": room, "displayName": name, **more})
        assert "error" not in self.joined, self.joined
        return self

    def named(self, name: str) -> list[Any]:
        """All payloads of that event so far."""
        return [payload for event, payload in self.events if event == name]

    async def expect(self, name: str, count: int = 1) -> Any:
        """Waits for that many events of the name; answers the last, None for none."""
        await self.until(lambda: len(self.named(name)) >= count)
        return self.named(name)[count - 1] if count else None

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(WAIT):
            while not condition():
                self._news.clear()
                await self._news.wait()

    async def settle(self) -> None:
        """Everything that the server sent before this call has arrived."""
        await self.ask("no-such-request")

    async def _on_event(self, name: str, payload: Any = None) -> None:
        self.events.append((name, payload))
        self._news.set()

    async def _on_disconnect(self, reason: str) -> None:
        self.events.append(("disconnect", reason))
        self._news.set()


class Stage:
    """The server and whoever is connected to it."""

    def __init__(
        self,
        settings: SignalingSettings,
        directory: RoomDirectory | None = None,
        *,
        backing: Backing | None = None,
        node: FakeMediaNode | None = None,
    ) -> None:
        """`directory` is one that knows of the fake node, and nobody else's but a local one."""
        self.node = node or FakeMediaNode()
        local = LocalNode("local", "fake", ProcessId(self.node.process_id))
        self.backing = backing or for_one_process(settings)
        self.directory = directory or LocalDirectory(
            local,
            defaults=settings.room_defaults(),
            max_rooms=settings.max_rooms,
            kept=self.backing.rooms,
        )
        self.signaling = Signaling(settings, self.directory, self.node, self.backing, self.node.check_ready)
        self.guests: list[Guest] = []
        self._http = HttpServer(
            self.signaling.asgi, listen("127.0.0.1", 0), connections=self.signaling.connections
        )
        self.url = f"http://127.0.0.1:{self._http.port}"

    def moderator(self, room: str = "standup") -> Connection:
        """A connection with every permission, which no guest has. Nobody reads its events."""
        claims = JoinClaims(room, "mo", "Mo", GRANTS, "mo-1", math.inf)
        return Connection(_Nobody(), self.signaling.rooms, self.signaling.authenticator, claims=claims)

    async def start(self) -> "Stage":
        if isinstance(self.directory, LocalDirectory) and self.backing.rooms is not None:
            self.directory.restore(await self.backing.rooms.load())
        self.backing.start()
        await self._http.start()
        return self

    async def stop(self) -> None:
        await asyncio.gather(*(guest.sio.disconnect() for guest in self.guests), return_exceptions=True)
        await self.signaling.shutdown()
        await self._http.stop()
        await self.backing.stop()

    def http(self, **options: Any) -> httpx.AsyncClient:
        """A client of its HTTP API, to be closed."""
        return httpx.AsyncClient(base_url=self.url, timeout=WAIT, **options)

    async def guest(self, **options: Any) -> Guest:
        """A client that is connected and has not joined."""
        guest = Guest(self.url)
        self.guests.append(guest)
        return await guest.connect(**options)

    async def joined(self, name: str = "Ada", room: str = "standup", **more: Any) -> Guest:
        return await (await self.guest()).join(room, name, **more)


class _Nobody:
    """A client that ignores all events."""

    def send(self, event: Event) -> None: ...

    def disconnect(self) -> None: ...


MakeStage = Callable[..., Awaitable[Stage]]
"""Starts a server with the settings given."""
