"""What the API server has of one kind, followed by list and watch.

Rules
  - `on_change` hears of every object that the list names, then of every change; `on_delete` of every object
    that is gone, also of those that vanished while nobody watched.
  - An object is never replaced by an older version of itself, whether it came from the watch or from the
    answer to a write, and what was deleted does not come back by a late answer.
  - Failures are waited out with growing, jittered pauses, and never end the informer.
  - A watch that falls silent is given up after `watch_seconds` and a little, and taken up again where it was;
    where that does not help, all is listed anew.
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
"""Failures one after the other that are more than a connection that was lost."""
SHORTEST_WATCH = 1.0
"""Seconds. One that ends earlier without a word failed: to take it up at once would be a restless loop."""
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
        """Up to which all is known; None: it has to be listed."""
        self._versions: dict[Key, int] = {}
        self._deleted: OrderedDict[Key, int] = OrderedDict()

    async def run(self) -> None:
        """Follows until cancelled."""
        while True:
            try:
                if self._at is None:
                    self._at = await self._list()
                    self.synced.set()
                await self._watch(self._at)
                self._failures = 0
                self._error = ""
            except Gone as error:
                _log.info("listing anew", kind=self.resource.kind)
                self._at = None
                self._failures += 1
                self._error = str(error)
                if self._failures > 1:  # the list before was of no use
                    await asyncio.sleep(pause(self._failures, self._rng))
            except KubeError as error:
                self._failures += 1
                self._error = str(error)
                _log.warning("cannot follow", kind=self.resource.kind, error=str(error))
                if self._failures > 1:
                    self._at = None
                await asyncio.sleep(pause(self._failures, self._rng))

    @property
    def trouble(self) -> str:
        """Why it cannot follow, where it was never told the list, or has failed again and again since."""
        return self._error if not self.synced.is_set() or self._failures >= TROUBLED else ""

    def apply(self, manifest: Manifest) -> bool:
        """Takes an object from the answer to a write, or from the watch. False: it is older than known."""
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
        """The first may be a little old, which the watch makes up for."""
        if not self.synced.is_set():
            with suppress(Throttled):  # an API server that has just started has nothing in memory
                return await self._api.list(self.resource, self._namespace, labels=self._labels, cached=True)
        return await self._api.list(self.resource, self._namespace, labels=self._labels)

    async def _watch(self, version: str) -> None:
        """Until the stream ends. What has come is known even where it fails."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        # Spread, so that not all watches of all processes are taken up at once.
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
            return  # made anew since, as the answer to a write has told already
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
    """Versions are numbers that grow, by the API's own word since Kubernetes 1.35."""
    return int(manifest["metadata"]["resourceVersion"])
