"""The informer of MediaClusters. kopf watches them, and is started again whenever it ends.

kopf treats its event loop as its own: when it ends it cancels every task that was created since it began, and
in the main thread it takes the signals of the process. Therefore it has a thread and a loop of its own, and
its events are handed over to our loop.

Each start lists the MediaClusters first. This fails with a clear error where something is wrong, and finds
clusters that were deleted while kopf did not run. kopf looks for the definition once, when it starts, and
would wait without end for a definition that does not exist: in this case it is stopped.
"""

import asyncio
import random
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial

import kopf
import structlog

# kopf does not export it. Therefore kopf's version is pinned to the minor one.
from kopf._cogs.structs.references import Insights

from rotunda_base.tasks import cancel_and_wait
from rotunda_kube import KubeApi, KubeError, Manifest, key_of
from rotunda_kube.informer import pause
from rotunda_kube.resource import MEDIA_CLUSTERS
from rotunda_operator.cache import Cache
from rotunda_operator.event_handlers import EventHandlers
from rotunda_operator.kopf_registry import registry_of
from rotunda_operator.settings import OperatorSettings

STEADY_SECONDS = 10.0
"""If kopf ran for so long before it ended, the count of failures in a row begins again."""
UNDEFINED = "the API server does not name its definition"

_log = structlog.get_logger(__name__)


class ClusterInformer:
    """`synced` is set once kopf watches and the first list is in. `trouble` says why it does not watch."""

    resource = MEDIA_CLUSTERS

    def __init__(
        self, api: KubeApi, settings: OperatorSettings, cache: Cache, handlers: EventHandlers
    ) -> None:
        self.synced = asyncio.Event()
        self.trouble = ""
        self._api = api
        self._settings = settings
        self._cache = cache
        self._handlers = handlers
        self._rng = random.Random()

    async def run(self) -> None:
        """Lists and watches until cancelled."""
        loop = asyncio.get_running_loop()
        failures = 0
        while True:
            began = loop.time()
            try:
                await self._list()
                self.trouble = await self._watch()
            except KubeError as error:
                self.trouble = str(error)
            failures = 1 if loop.time() > began + STEADY_SECONDS else failures + 1
            _log.warning("cannot watch", kind=self.resource.kind, error=self.trouble)
            await asyncio.sleep(pause(failures, self._rng))

    async def _list(self) -> None:
        """Raises KubeError."""
        listing = await self._api.list(self.resource, self._settings.namespace)
        present = {key_of(item) for item in listing.items}
        for key in [key for key in self._cache.clusters if key not in present]:
            self._handlers.on_cluster_deleted(key)
        for item in listing.items:
            self._handlers.on_cluster(item)

    async def _watch(self) -> str:
        """Until kopf ends. The answer says why it ended."""
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[str] = loop.create_future()
        call = partial(_call_in, loop)
        kopf_thread = _KopfThread(
            self._settings,
            on_event=lambda type, manifest: call(lambda: self._on_event(type, manifest)),
            on_watching=lambda: call(self._on_watching),
            on_end=lambda why: call(lambda: None if ended.done() else ended.set_result(why)),
        )
        kopf_thread.start()
        try:
            return await asyncio.shield(ended)
        finally:
            kopf_thread.stop()
            await asyncio.shield(ended)

    def _on_watching(self) -> None:
        self.trouble = ""
        self.synced.set()

    def _on_event(self, type: str, manifest: Manifest) -> None:
        if type != "DELETED":
            self._handlers.on_cluster(manifest)
            return
        known = self._cache.clusters.get(key_of(manifest))
        # The events of two objects come in either order, even if both have the same name.
        if known is None or known.metadata.uid == manifest["metadata"]["uid"]:
            self._handlers.on_cluster_deleted(key_of(manifest))


class _KopfThread:
    """Runs kopf in a thread. The three callbacks are called in that thread."""

    def __init__(
        self,
        settings: OperatorSettings,
        *,
        on_event: Callable[[str, Manifest], None],
        on_watching: Callable[[], None],
        on_end: Callable[[str], None],
    ) -> None:
        self._namespace = settings.namespace
        self._on_watching = on_watching
        self._on_end = on_end
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        # If kopf fails, it waits 5 s for its own task that waits for this flag. So the cleanup sets the flag.
        self._registry = registry_of(settings, on_event, on_cleanup=self._stop.set)

    def start(self) -> None:
        # A daemon thread: if kopf does not end in time, the process ends without it.
        threading.Thread(target=self._run, name="kopf", daemon=True).start()

    def stop(self) -> None:
        _call_in(self._loop, self._stop.set)

    def _run(self) -> None:
        why = "kopf was stopped"
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                why = runner.run(self._operate()) or why
        except Exception as error:  # whatever it is, it becomes `trouble`, and kopf is started again
            why = _message(error)
        finally:
            self._on_end(why)

    async def _operate(self) -> str:
        """Why kopf ended; empty where it was stopped."""
        insights = Insights()
        finding = asyncio.create_task(self._find_definition(insights), name="find the definition")
        try:
            await kopf.operator(
                registry=self._registry,
                standalone=True,
                namespaces=[self._namespace],
                stop_flag=self._stop,
                insights=insights,
            )
        finally:
            await cancel_and_wait(finding)
        return "" if finding.cancelled() or finding.result() else UNDEFINED

    async def _find_definition(self, insights: Insights) -> bool:
        """Whether kopf has found the definition of MediaClusters. Stops kopf if not."""
        await insights.ready_resources.wait()
        if not insights.watched_resources:
            self._stop.set()
            return False
        self._on_watching()
        return True


def _call_in(loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
    with suppress(RuntimeError):  # the loop is closed: nobody needs the call any more
        loop.call_soon_threadsafe(callback)


def _message(error: Exception) -> str:
    return f"{type(error).__name__}: {error.args[0]}" if error.args else type(error).__name__
