"""When the holder of a lease stops writing, and when another process takes it: with explicit clocks.

The Lease object is a fake in memory. test_lease.py uses a real API server.
"""

import asyncio
import copy
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import cast

import pytest

from rotunda_kube import AlreadyExists, Conflict, KubeApi, Manifest, NotFound, Resource, Unavailable
from rotunda_operator.lease import LEASE_SECONDS, MARGIN_SECONDS, Lease, NotHolder

PATIENCE_SECONDS = 60.0


class Clock:
    """Advances only when the test sets it."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class FakeLeases:
    """The one Lease, as the API server keeps it. `before_answer` is called while a request is under way."""

    def __init__(self) -> None:
        self.lease: Manifest | None = None
        self.writes = 0
        self.lose_answers = 0
        """So many of the next patches take effect, and their answers are lost."""
        self.before_answer: Callable[[], None] = lambda: None
        self._requests = 0
        self._requested = asyncio.Event()

    @property
    def spec(self) -> Manifest:
        assert self.lease is not None
        spec: Manifest = self.lease["spec"]
        return spec

    async def requests(self, count: int) -> None:
        """Waits for so many further requests."""
        wanted = self._requests + count
        async with asyncio.timeout(PATIENCE_SECONDS):
            while self._requests < wanted:
                self._requested.clear()
                await self._requested.wait()

    def write(self, **spec: object) -> None:
        """As another process would."""
        before = self.lease["spec"] if self.lease is not None else {}
        self._store({**before, **spec})

    async def get(self, resource: Resource, namespace: str, name: str) -> Manifest:
        self._count()
        if self.lease is None:
            raise NotFound("there is none")
        return copy.deepcopy(self.lease)

    async def create(self, resource: Resource, manifest: Manifest) -> Manifest:
        self._count()
        if self.lease is not None:
            raise AlreadyExists("there is one")
        return self._store(manifest["spec"])

    async def patch(
        self, resource: Resource, namespace: str, name: str, patch: Manifest, *, resource_version: str | None
    ) -> Manifest:
        self._count()
        assert self.lease is not None
        if resource_version != self.lease["metadata"]["resourceVersion"]:
            raise Conflict("it has changed")
        answer = self._store({**self.lease["spec"], **patch["spec"]})
        if self.lose_answers:
            self.lose_answers -= 1
            raise Unavailable("the answer was lost")
        return answer

    def _store(self, spec: Manifest) -> Manifest:
        self.writes += 1
        self.lease = {"metadata": {"resourceVersion": str(self.writes)}, "spec": dict(spec)}
        return copy.deepcopy(self.lease)

    def _count(self) -> None:
        self.before_answer()
        self._requests += 1
        self._requested.set()


def lease_of(api: FakeLeases, identity: str, clock: Clock) -> Lease:
    return Lease(cast(KubeApi, api), "calls", "operator", identity, renew_seconds=0.001, clock=clock)


@asynccontextmanager
async def running(lease: Lease) -> AsyncIterator["asyncio.Task[None]"]:
    task = asyncio.create_task(lease.run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])


async def acquire(lease: Lease) -> None:
    """Acquires it, and renews it no more: as a process that is suspended."""
    async with running(lease):
        await asyncio.wait_for(lease.held.wait(), PATIENCE_SECONDS)


async def test_the_holder_stops_a_margin_before_the_end_counted_from_when_it_sent_the_request() -> None:
    api, clock = FakeLeases(), Clock()
    lease = lease_of(api, "one", clock)
    slow = iter([1.0, 2.0])  # the get, then the create

    def pass_time() -> None:
        clock.now += next(slow, 0.0)

    api.before_answer = pass_time
    await acquire(lease)

    assert clock.now == 103.0
    clock.now = 100.0 + LEASE_SECONDS - MARGIN_SECONDS - 0.1
    lease.check()
    clock.now = 100.0 + LEASE_SECONDS - MARGIN_SECONDS
    with pytest.raises(NotHolder):
        lease.check()


async def test_each_renewal_extends_the_time_of_the_holder() -> None:
    api, clock = FakeLeases(), Clock()
    lease = lease_of(api, "one", clock)
    async with running(lease) as task:
        await asyncio.wait_for(lease.held.wait(), PATIENCE_SECONDS)
        for _ in range(4):
            clock.now += LEASE_SECONDS / 2
            await api.requests(2)
            lease.check()
        assert not task.done()
    assert api.spec["leaseTransitions"] == 0


async def test_another_process_takes_it_only_after_its_whole_duration_without_a_renewal() -> None:
    api, clock = FakeLeases(), Clock()
    api.write(holderIdentity="other", leaseDurationSeconds=8, leaseTransitions=4)
    lease = lease_of(api, "one", clock)
    async with running(lease):
        await api.requests(2)  # it has seen the lease, at 100
        clock.now = 107.9
        await api.requests(2)
        assert not lease.held.is_set()

        api.write(renewTime="later")
        await api.requests(2)  # it has seen the renewal, at 107.9
        clock.now = 115.8
        await api.requests(2)
        assert not lease.held.is_set()

        clock.now = 115.9
        await asyncio.wait_for(lease.held.wait(), PATIENCE_SECONDS)
    assert (api.spec["holderIdentity"], api.spec["leaseTransitions"]) == ("one", 5)


async def test_a_released_lease_and_one_that_is_ours_already_are_taken_at_once() -> None:
    for holder in ("", "one"):
        api, clock = FakeLeases(), Clock()
        api.write(holderIdentity=holder, leaseDurationSeconds=8)
        await acquire(lease_of(api, "one", clock))
        assert api.spec["holderIdentity"] == "one"


async def test_a_renewal_whose_answer_was_lost_is_followed_by_another_one() -> None:
    api, clock = FakeLeases(), Clock()
    lease = lease_of(api, "one", clock)
    async with running(lease) as task:
        await asyncio.wait_for(lease.held.wait(), PATIENCE_SECONDS)
        api.lose_answers = 1
        await api.requests(3)
        clock.now += LEASE_SECONDS / 2
        await api.requests(3)
        clock.now += LEASE_SECONDS / 2
        lease.check()
        assert not task.done()


async def test_who_releases_it_does_not_write_any_more_and_who_does_not_hold_it_releases_nothing() -> None:
    api, clock = FakeLeases(), Clock()
    one, two = lease_of(api, "one", clock), lease_of(api, "two", clock)
    await acquire(one)
    writes = api.writes
    await two.release()
    assert api.writes == writes

    await one.release()
    assert api.spec["holderIdentity"] == ""
    with pytest.raises(NotHolder):
        one.check()

    await acquire(two)
    await one.release()
    assert api.spec["holderIdentity"] == "two"


async def test_a_lease_that_ran_out_is_not_released() -> None:
    """Another process may have taken it by now."""
    api, clock = FakeLeases(), Clock()
    lease = lease_of(api, "one", clock)
    await acquire(lease)
    writes = api.writes
    clock.now += LEASE_SECONDS
    await lease.release()

    assert api.writes == writes


async def test_a_holder_whose_renewals_fail_ends_when_its_time_is_over() -> None:
    def unreachable() -> None:
        raise Unavailable("no answer")

    api, clock = FakeLeases(), Clock()
    lease = lease_of(api, "one", clock)
    async with running(lease) as task:
        await asyncio.wait_for(lease.held.wait(), PATIENCE_SECONDS)
        api.before_answer = unreachable
        clock.now += LEASE_SECONDS - MARGIN_SECONDS
        with pytest.raises(NotHolder):
            await asyncio.wait_for(task, PATIENCE_SECONDS)
