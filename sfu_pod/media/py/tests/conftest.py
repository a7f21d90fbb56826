"""A worker on loopback and peers of it."""

import itertools
from collections.abc import Callable, Iterator

import pytest

from rotunda_media import IceConnected, ListenAddress, Worker

from .media_peer import Peer, take_until


@pytest.fixture
def worker() -> Iterator[Worker]:
    worker = Worker([ListenAddress("127.0.0.1", 0)], name="media-test")
    yield worker
    worker.close()


@pytest.fixture
def new_peer(worker: Worker) -> Iterator[Callable[[], Peer]]:
    """Makes peers whose transport is connected."""
    peers: list[Peer] = []
    transports = itertools.count(1)

    def make() -> Peer:
        peer = Peer(worker, next(transports))
        peers.append(peer)
        peer.check()
        take_until(worker, IceConnected)
        return peer

    yield make
    for peer in peers:
        peer.socket.close()
