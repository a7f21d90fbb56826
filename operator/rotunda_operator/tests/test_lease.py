"""Which process may write, decided with a real API server and with clocks of the test."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from rotunda_kube import KubeApi
from rotunda_kube.api import connect
from rotunda_kube.resource import LEASES
from rotunda_operator.lease import Lease, NotHolder
from rotunda_operator.testing import ControlPlane

PATIENCE = 90.0


class Clock:
    """Advances only when the test sets it."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def api(control_plane: ControlPlane) -> AsyncIterator[KubeApi]:
    api = await connect(control_plane.kubeconfig)
    await api.list(LEASES, "default")  # opens the connection, for which a renewal has little time
    yield api
    await api.close()


async def test_only_one_of_two_holds_it_and_the_next_comes_when_it_is_released(api: KubeApi) -> None:
    first, second = _lease(api, "released", "one"), _lease(api, "released", "two")
    one = asyncio.create_task(first.run())
    await _held(first)
    two = asyncio.create_task(second.run())

    first.check()
    with pytest.raises(NotHolder):
        second.check()
    one.cancel()
    await asyncio.wait([one])
    await first.release()
    with pytest.raises(NotHolder):
        first.check()

    await _held(second)
    second.check()
    two.cancel()


async def test_one_that_was_stopped_finds_its_time_over_and_the_lease_taken(api: KubeApi) -> None:
    theirs, mine = Clock(), Clock()
    sleeper = _lease(api, "frozen", "sleeper", clock=theirs)
    task = asyncio.create_task(sleeper.run())
    await _held(sleeper)
    task.cancel()  # stopped: it renews no more, and knows of nothing
    await asyncio.wait([task])

    other = _lease(api, "frozen", "other", clock=mine)
    waiting = asyncio.create_task(other.run())
    await asyncio.sleep(0)
    while not other.held.is_set():
        mine.now += 5.0
        await asyncio.sleep(0.1)

    assert mine.now >= 110.0
    theirs.now += 10.0
    with pytest.raises(NotHolder):
        sleeper.check()
    waiting.cancel()


async def test_who_lost_it_ends(api: KubeApi) -> None:
    lease = _lease(api, "stolen", "one")
    task = asyncio.create_task(lease.run())
    await _held(lease)
    await api.patch(LEASES, "default", "stolen", {"spec": {"holderIdentity": "thief"}})

    with pytest.raises(NotHolder, match="thief"):
        await asyncio.wait_for(task, PATIENCE)


def _lease(api: KubeApi, name: str, identity: str, clock: Clock | None = None) -> Lease:
    return Lease(api, "default", name, identity, renew_seconds=1.0, clock=clock)


async def _held(lease: Lease) -> None:
    await asyncio.wait_for(lease.held.wait(), PATIENCE)
