"""Peers that are nothing but a UDP socket, and waiting for what a worker tells."""

import select
import socket
import time
from typing import TypeVar

from aioice import stun

from rotunda_media import Event, Worker

# What a peer of these tests may take at most; nothing waits that long when all is well.
PATIENCE = 60.0
# RFC 8489 section 5: method Binding, class request.
BINDING_REQUEST = b"\x00\x01"

E = TypeVar("E", bound=Event)


class Peer:
    """One remote peer: a socket, and the credentials of its transport."""

    def __init__(self, worker: Worker, transport: int) -> None:
        self.worker = worker
        self.transport = transport
        self.ufrag = f"ufrag{transport:04}"
        self.password = f"password{transport:016}"
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.settimeout(PATIENCE)
        address = worker.addresses[0]
        self.socket.connect((address.ip, address.port))
        worker.add_transport(transport, ufrag=self.ufrag, password=self.password)

    @property
    def address(self) -> tuple[str, int]:
        host, port = self.socket.getsockname()
        return host, port

    def check(self, password: str | None = None) -> stun.Message:
        """Sends a nominating connectivity check and returns its answer."""
        transaction = self.send_check(password)
        answer = stun.parse_message(self.receive())
        assert answer.transaction_id == transaction
        return answer

    def receive(self) -> bytes:
        """The next datagram that is no probe: the worker asks a new path for an answer."""
        while (datagram := self.socket.recv(2048)).startswith(BINDING_REQUEST):
            pass
        return datagram

    def waiting(self) -> list[bytes]:
        """All that has come and was not taken, but for probes."""
        found = []
        while select.select([self.socket], [], [], 0)[0]:
            datagram = self.socket.recv(2048)
            if not datagram.startswith(BINDING_REQUEST):
                found.append(datagram)
        return found

    def send_check(self, password: str | None = None) -> bytes:
        """Sends a nominating connectivity check and returns its transaction id."""
        request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        request.attributes["USERNAME"] = f"{self.ufrag}:remote"
        request.attributes["PRIORITY"] = 1853824767
        request.attributes["ICE-CONTROLLING"] = 7
        request.attributes["USE-CANDIDATE"] = None
        request.add_message_integrity((password or self.password).encode())
        self.socket.send(bytes(request))
        return request.transaction_id


def take_until(worker: Worker, wanted: type[E]) -> E:
    """The first event of this class; others that come before it are skipped."""
    return next(event for event in take_all_until(worker, wanted) if isinstance(event, wanted))


def take_all_until(worker: Worker, wanted: type[E]) -> list[Event]:
    """All events up to the turn that brings one of this class."""
    taken: list[Event] = []
    deadline = time.monotonic() + PATIENCE
    while (left := deadline - time.monotonic()) > 0:
        select.select([worker.fileno()], [], [], left)
        taken += worker.take_events()
        if any(isinstance(event, wanted) for event in taken):
            return taken
    raise AssertionError(f"no {wanted.__name__} within {PATIENCE} s")
