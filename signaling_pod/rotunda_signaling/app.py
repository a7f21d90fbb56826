"""One signaling process, assembled: the service behind its Socket.IO and HTTP edges."""

from collections.abc import Awaitable, Callable

from rotunda_signaling.directory import RoomDirectory
from rotunda_signaling.fanout import Fanout
from rotunda_signaling.http.app import CheckReady, create_http_app
from rotunda_signaling.http.bodies import BoundedBodies
from rotunda_signaling.limits import MAX_FRAME_BYTES
from rotunda_signaling.metrics import Metrics
from rotunda_signaling.service.client import Client
from rotunda_signaling.service.connection import Connection
from rotunda_signaling.service.media_node import MediaNodes
from rotunda_signaling.service.rooms import Rooms
from rotunda_signaling.settings import SignalingSettings
from rotunda_signaling.socketio_edge.server import SocketIoEdge
from rotunda_signaling.version import package_version


class Signaling:
    """`asgi` serves Socket.IO and HTTP; `shutdown` ends it."""

    def __init__(
        self,
        settings: SignalingSettings,
        directory: RoomDirectory,
        nodes: MediaNodes,
        fanout: Fanout,
        check_ready: CheckReady,
    ) -> None:
        self.rooms = Rooms(directory, nodes, fanout)
        self.metrics = Metrics()
        self._settings = settings
        self._edge = SocketIoEdge(self._connect, self.metrics.observe_request)
        self._add_gauges()
        http = create_http_app(
            self.rooms, self.metrics, check_ready, web_root=settings.web_root, version=package_version()
        )
        # Engine.IO refuses a body that is too large, but never answers the request it came with.
        self.asgi: Callable[..., Awaitable[None]] = BoundedBodies(
            self._edge.in_front_of(http), MAX_FRAME_BYTES, on_too_large=self._edge.drop
        )

    async def shutdown(self) -> None:
        """Disconnects all clients, then stops watching their rooms."""
        await self._edge.shutdown()
        await self.rooms.shutdown()

    def _connect(self, client: Client, id: str) -> Connection:
        return Connection(client, self.rooms, ice_servers=self._settings.ice_servers, id=id)

    def _add_gauges(self) -> None:
        gauge = self.metrics.gauge
        gauge("rotunda_signaling_sockets", "Clients connected.", lambda: self._edge.sockets)
        gauge("rotunda_signaling_rooms", "Rooms watched here.", lambda: len(self.rooms.views))
        gauge(
            "rotunda_signaling_participants",
            "People in the rooms watched here.",
            lambda: sum(len(view.state.participants) for view in self.rooms.views),
        )
