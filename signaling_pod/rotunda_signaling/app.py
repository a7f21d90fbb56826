"""One signaling process, assembled: the service behind its Socket.IO and HTTP edges."""

import logging
import random
import time
from collections.abc import Awaitable, Callable

from rotunda_signaling.auth.authenticator import Authenticator
from rotunda_signaling.auth.key_directory import KeyDirectory
from rotunda_signaling.auth.tokens import JoinClaims
from rotunda_signaling.backing import Backing
from rotunda_signaling.directory import RoomDirectory
from rotunda_signaling.http.access import HttpAccess, listens_on_loopback
from rotunda_signaling.http.app import CheckReady, create_http_app
from rotunda_signaling.http.bodies import BoundedBodies
from rotunda_signaling.http.connections import Connections
from rotunda_signaling.http.hosts import OneHost, OwnNames
from rotunda_signaling.limits import MAX_FRAME_BYTES
from rotunda_signaling.metrics import Metrics
from rotunda_signaling.service.client import Client
from rotunda_signaling.service.connection import Connection
from rotunda_signaling.service.media_node import MediaNodes
from rotunda_signaling.service.rooms import Rooms
from rotunda_signaling.settings import SignalingSettings
from rotunda_signaling.socketio_edge.server import SocketIoEdge
from rotunda_signaling.socketio_edge.websocket_only import WebSocketOnly
from rotunda_signaling.turn import IceServers
from rotunda_signaling.version import package_version

LIBRARIES = {
    **dict.fromkeys(("uvicorn", "uvicorn.error", "uvicorn.access"), logging.WARNING),
    **dict.fromkeys(("engineio.server", "socketio.server"), logging.ERROR),
}
"""Loggers that tell every request, which is ours to do, with the least level that is kept of each."""
STOPPING = "stopping"
"""Why rooms close where the process that has them stops."""


class Signaling:
    """`asgi` serves Socket.IO and HTTP; `shutdown` ends it."""

    def __init__(
        self,
        settings: SignalingSettings,
        directory: RoomDirectory,
        nodes: MediaNodes,
        backing: Backing,
        check_ready: CheckReady,
    ) -> None:
        self.rooms = Rooms(directory, nodes, backing.fanout, history=backing.history, rates=backing.rates)
        self.metrics = Metrics()
        self.connections = Connections(settings.connections_per_address, settings.trusted_proxies)
        self._check_others = check_ready
        keys = settings.api_keys_directory
        self.authenticator = Authenticator(KeyDirectory(keys) if keys is not None else None)
        self._ice_servers = IceServers(settings.ice_servers, settings.turn(), time.time, random.Random())
        self._edge = SocketIoEdge(self._connect, self.authenticator.read_join, self.metrics.observe_request)
        self._add_gauges()
        backing.add_gauges(self.metrics)
        names = OwnNames(settings.known_hosts) if listens_on_loopback(settings.host) else None
        access = HttpAccess(self.authenticator, self.rooms, open_to=names)
        http = create_http_app(
            self.rooms,
            access,
            self.metrics,
            self._check_ready,
            backing.degraded,
            web_root=settings.web_root,
            version=package_version(),
            https=settings.https_directory is not None,
        )
        # Engine.IO refuses a body that is too large, but never answers the request it came with.
        edge = self._edge.in_front_of(http)
        bodies = BoundedBodies(
            WebSocketOnly(edge) if backing.websocket_only else edge,
            MAX_FRAME_BYTES,
            on_too_large=self._edge.drop,
        )
        self.asgi: Callable[..., Awaitable[None]] = OneHost(bodies)

    def end_rooms(self) -> None:
        """The rooms end with this process: tells everybody to join again, which still goes out."""
        self.rooms.end_all(STOPPING)

    async def shutdown(self) -> None:
        """Disconnects all clients, then stops watching their rooms."""
        await self._edge.shutdown()
        await self.rooms.shutdown()

    async def _check_ready(self) -> None:
        self.connections.check_ready()
        await self._check_others()

    def _connect(self, client: Client, id: str, claims: JoinClaims | None, address: str) -> Connection:
        return Connection(
            client,
            self.rooms,
            self.authenticator,
            claims=claims,
            ice_servers=self._ice_servers,
            address=address,
            id=id,
        )

    def _add_gauges(self) -> None:
        gauge = self.metrics.gauge
        gauge("rotunda_signaling_sockets", "Clients connected.", lambda: self._edge.sockets)
        gauge("rotunda_signaling_connections", "TCP connections.", lambda: self.connections.open)
        gauge(
            "rotunda_signaling_connections_refused",
            "Connections and requests of addresses that had too many.",
            lambda: self.connections.refused,
        )
        gauge(
            "rotunda_signaling_sockets_dropped",
            "Clients that did not read what they were sent.",
            lambda: self._edge.dropped,
        )
        gauge(
            "rotunda_signaling_frames_refused",
            "Frames and polling bodies that were no packets.",
            lambda: self._edge.refused,
        )
        gauge(
            "rotunda_signaling_watched_rooms",
            "Rooms with people of this process: no sum, as several processes may watch one room.",
            lambda: len(self.rooms.views),
        )
        gauge(
            "rotunda_signaling_participants",
            "People in rooms who are connected to this process: the sum is everybody who is connected.",
            lambda: sum(view.connected for view in self.rooms.views),
        )
