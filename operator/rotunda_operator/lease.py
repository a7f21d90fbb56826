"""One operator acts at a time: the holder of a Lease (coordination.k8s.io/v1).

The holder renews every 2 s. It stops writing before another process may take the lease: its own time runs
from when it *sent* its last renewal, the time of the others from when they saw that renewal. Clocks of
different machines are never compared. A process that was suspended for too long finds its time over when it
continues, because the monotonic clock went on.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import structlog

from rotunda_kube import AlreadyExists, Conflict, KubeApi, KubeError, Manifest, NotFound
from rotunda_kube.resource import LEASES

LEASE_SECONDS = 8.0
RENEW_SECONDS = 2.0
POLL_SECONDS = 0.5
MARGIN_SECONDS = 1.0
"""The holder stops writing so long before the others may take the lease: for a write that is still under
way."""

_log = structlog.get_logger(__name__)


class NotHolder(Exception):
    """This process must not write: it does not have the lease, or its time is over."""


class Lease:
    """`identity` must differ between any two processes. `held` is set at the first acquisition."""

    def __init__(
        self,
        api: KubeApi,
        namespace: str,
        name: str,
        identity: str,
        *,
        lease_seconds: float = LEASE_SECONDS,
        renew_seconds: float = RENEW_SECONDS,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self.identity = identity
        self.held = asyncio.Event()
        self._api = api
        self._namespace = namespace
        self._name = name
        self._lease_seconds = lease_seconds
        self._renew_seconds = renew_seconds
        self._clock = clock or asyncio.get_running_loop().time
        self._until = float("-inf")
        self._version: str | None = None
        self._seen: tuple[str, float] | None = None

    def check(self) -> None:
        """Raises NotHolder unless this process may write now."""
        if self._clock() >= self._until:
            raise NotHolder(f"{self.identity} does not hold the lease {self._name}")

    async def run(self) -> None:
        """Waits for the lease and renews it. Raises NotHolder when it was lost: nothing may be written any
        more."""
        while not await self._attempt(self._acquire):  # noqa: ASYNC110 - it is others who change it
            await asyncio.sleep(min(self._renew_seconds, POLL_SECONDS))
        _log.info("acquired the lease", lease=self._name, identity=self.identity)
        self.held.set()
        while True:
            await asyncio.sleep(self._renew_seconds)
            await self._attempt(self._renew)
            self.check()

    async def release(self) -> None:
        """Lets another process take the lease at once. Does nothing where this process does not hold it."""
        if self._clock() >= self._until or self._version is None:
            return
        self._until = float("-inf")
        try:
            await self._patch({"holderIdentity": "", "leaseDurationSeconds": 1}, self._version)
        except KubeError as error:
            _log.warning("the lease was not released", error=str(error))

    async def _attempt(self, action: Callable[[], Awaitable[bool]]) -> bool:
        try:
            async with asyncio.timeout(self._renew_seconds * 1.5):
                return await action()
        except (KubeError, TimeoutError) as error:
            _log.warning("the lease cannot be acquired or renewed", error=str(error) or "timeout")
            return False

    async def _acquire(self) -> bool:
        sent = self._clock()
        try:
            found = await self._api.get(LEASES, self._namespace, self._name)
        except NotFound:
            return await self._create(sent)
        if not self._is_free(found):
            return False
        spec = found["spec"]
        try:
            taken = await self._patch(
                {
                    **self._claim(),
                    "acquireTime": _now(),
                    "leaseTransitions": int(spec.get("leaseTransitions") or 0) + 1,
                },
                found["metadata"]["resourceVersion"],
            )
        except Conflict:
            return False
        return self._renewed(taken, sent)

    async def _create(self, sent: float) -> bool:
        manifest = {
            "apiVersion": LEASES.api_version,
            "kind": LEASES.kind,
            "metadata": {"namespace": self._namespace, "name": self._name},
            "spec": {**self._claim(), "acquireTime": _now(), "leaseTransitions": 0},
        }
        try:
            return self._renewed(await self._api.create(LEASES, manifest), sent)
        except AlreadyExists:
            return False

    async def _renew(self) -> bool:
        sent = self._clock()
        self.check()
        try:
            renewed = await self._patch({"renewTime": _now()}, self._version)
        except Conflict:
            # The lease is still ours if only the answer to a renewal was lost; otherwise somebody has taken
            # it.
            found = await self._api.get(LEASES, self._namespace, self._name)
            if found["spec"].get("holderIdentity") != self.identity:
                raise NotHolder(f"{found['spec'].get('holderIdentity')} took the lease") from None
            self._version = found["metadata"]["resourceVersion"]
            renewed = await self._patch({"renewTime": _now()}, self._version)
        return self._renewed(renewed, sent)

    async def _patch(self, spec: Manifest, version: str | None) -> Manifest:
        return await self._api.patch(
            LEASES, self._namespace, self._name, {"spec": spec}, resource_version=version
        )

    def _renewed(self, lease: Manifest, sent: float) -> bool:
        self._version = lease["metadata"]["resourceVersion"]
        self._until = sent + self._lease_seconds - MARGIN_SECONDS
        return True

    def _is_free(self, lease: Manifest) -> bool:
        """Nobody holds it, or its holder did not renew it for its whole duration while we watched."""
        if lease["spec"].get("holderIdentity") in (None, "", self.identity):
            return True  # also our own: only the answer to taking it was lost
        version, now = lease["metadata"]["resourceVersion"], self._clock()
        if self._seen is None or self._seen[0] != version:
            self._seen = (version, now)
        return now - self._seen[1] >= float(lease["spec"].get("leaseDurationSeconds") or self._lease_seconds)

    def _claim(self) -> Manifest:
        return {
            "holderIdentity": self.identity,
            "leaseDurationSeconds": int(self._lease_seconds),
            "renewTime": _now(),
        }


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
