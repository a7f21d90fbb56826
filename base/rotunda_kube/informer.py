"""An informer: it lists and watches the objects of one kind.

Rules
  - `on_change` is called with every listed object, then with every change; `on_delete` with every deleted
    object, including those that were deleted while nobody watched.
  - An object is never replaced by an older version of itself, whether it came from the watch or from the
    answer to a write. A deleted object does not come back by an answer that arrives late.
  - After a failure it waits and tries again, with a growing, jittered delay. Failures never end it.
  - A watch that falls silent ends a little after `watch_seconds`, and is started again from where it was. If
    that does not help, everything is listed again.
"""

import asyncio
import random
from collections import OrderedDict
from collections.abc import Callable
from contextlib import aclosing, suppress

import structlog

from rotunda_base import backoff
from rotunda_kube.api import WATCH_SECONDS, KubeApi, Listing
from rotunda_kube.errors import Gone, KubeError, Throttled, Unavailable
from rotunda_kube.resource import Key, Manifest, Resource, key_of

FIRST_PAUSE = 0.2
LONGEST_PAUSE = 5.0
TROUBLED = 4
"""So many failures in a row are more than one lost connection."""
SHORTEST_WATCH = 1.0
"""Seconds. A watch that ends earlier without an event has failed: to repeat it at once would be a tight
loop."""
_TOMBSTONES = 4096

_log = structlog.get_logger(__name__)


class Informer:
    """One kind in one namespace (empty: in all). `synced` is set once the first list is in."""

    def __init__(
        self,
        api: KubeApi,
        resource: Resource,
        namespace: str,
        *,
        on_change: Callable[[Manifest], None],
        on_delete: Callable[[Key], None],
        labels: str = "",
        watch_seconds: float = WATCH_SECONDS,
        rng: random.Random | None = None,
    ) -> None:
        self.resource = resource
        self.synced = asyncio.Event()
        self._api = api
        self._namespace = namespace
        self._labels = labels
        self._on_change = on_change
        self._on_delete = on_delete
        self._watch_seconds = watch_seconds
        self._rng = rng or random.Random()
        self._failures = 0
        self._error = ""
        self._at: str | None = None
        """The resource version up to which everything is known; None: a list is needed."""
        self._versions: dict[Key, int] = {}
        self._deleted: OrderedDict[Key, int] = OrderedDict()

    async def run(self) -> None:
        """Lists and watches until cancelled."""
        while True:
            try:
                if self._at is None:
                    self._at = await self._list()
                    self.synced.set()
                await self._watch(self._at)
                self._failures = 0
                self._error = ""
            except Gone as error:
                _log.info("listing again", kind=self.resource.kind)
                self._at = None
                self._failures += 1
                self._error = str(error)
                if self._failures > 1:  # the list before did not help
                    await asyncio.sleep(pause(self._failures, self._rng))
            except KubeError as error:
                self._failures += 1
                self._error = str(error)
                _log.warning("cannot watch", kind=self.resource.kind, error=str(error))
                if self._failures > 1:
                    self._at = None
                await asyncio.sleep(pause(self._failures, self._rng))

    @property
    def trouble(self) -> str:
        """Why it cannot watch, if it has never listed, or has failed several times in a row since."""
        return self._error if not self.synced.is_set() or self._failures >= TROUBLED else ""

    def apply(self, manifest: Manifest) -> bool:
        """Takes an object from the answer to a write, or from the watch. False: it is older than the known
        one."""
        key, version = key_of(manifest), _version(manifest)
        if version <= self._versions.get(key, self._deleted.get(key, 0)):
            return False
        self._versions[key] = version
        self._on_change(manifest)
        return True

    async def _list(self) -> str:
        listing = await self._listing()
        present = {key_of(item) for item in listing.items}
        for key in [key for key in self._versions if key not in present]:
            self._remove(key, int(listing.resource_version))
        for item in listing.items:
            self.apply(item)
        return listing.resource_version

    async def _listing(self) -> Listing:
        """The first list may be a little old: the watch brings what is missing."""
        if not self.synced.is_set():
            with suppress(Throttled):  # an API server that has just started has no cache yet
                return await self._api.list(self.resource, self._namespace, labels=self._labels, cached=True)
        return await self._api.list(self.resource, self._namespace, labels=self._labels)

    async def _watch(self, version: str) -> None:
        """Watches until the stream ends. What has arrived counts even if it fails."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        # Jittered, so that not all watches of all processes start again at once.
        seconds = self._watch_seconds * self._rng.uniform(0.8, 1.0)
        events = self._api.watch(
            self.resource, self._namespace, version, labels=self._labels, seconds=seconds
        )
        silent = True
        async with aclosing(events) as stream:
            async for event in stream:
                silent = False
                self._failures = 0
                self._at = event.object["metadata"]["resourceVersion"]
                if event.type == "DELETED":
                    self._remove(key_of(event.object), int(self._at))
                elif event.type != "BOOKMARK":
                    self.apply(event.object)
        if silent and loop.time() < began + SHORTEST_WATCH:
            raise Unavailable(f"watch of {self.resource.plural} ended at once")

    def _remove(self, key: Key, version: int) -> None:
        if self._versions.get(key, version) > version:
            return  # created again since, which the answer to a write has brought already
        self._deleted[key] = version
        self._deleted.move_to_end(key)
        if len(self._deleted) > _TOMBSTONES:
            self._deleted.popitem(last=False)
        if self._versions.pop(key, None) is not None:
            self._on_delete(key)


def pause(failures: int, rng: random.Random) -> float:
    """Seconds to wait after so many failures, one after the other."""
    return backoff.pause(failures, FIRST_PAUSE, LONGEST_PAUSE, rng)


def _version(manifest: Manifest) -> int:
    """Versions are numbers that grow, as the API guarantees since Kubernetes 1.35."""
    return int(manifest["metadata"]["resourceVersion"])
