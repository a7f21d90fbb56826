"""MediaClusters, followed by kopf, which is started anew whenever it ends.

kopf takes its event loop for its own: when it ends it cancels every task that was made since it began, and in
the main thread it takes the signals of the process. So it has a thread and a loop to itself, and what it
tells is handed over to ours.

Each start lists the MediaClusters first. That says in plain words what is wrong where it fails, and finds
those that went while kopf did not run. kopf looks for the definition once, when it starts, and would wait for
ever for one that is not there: it is ended then.
"""

import asyncio
import random
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial

import kopf
import structlog

# Not among what kopf exports; its version is pinned to the minor one for it.
from kopf._cogs.structs.references import Insights

from rotunda_kube import KubeApi, KubeError, Manifest, key_of
from rotunda_kube.informer import pause
from rotunda_kube.resource import MEDIA_CLUSTERS
from rotunda_operator.cache import World
from rotunda_operator.event_handlers import Feed
from rotunda_operator.kopf_registry import registry_of
from rotunda_operator.settings import OperatorSettings

STEADY_SECONDS = 10.0
"""kopf that has run for so long and ends was well until then."""
UNDEFINED = "the API server does not name its definition"

_log = structlog.get_logger(__name__)


class ClusterFollower:
    """`synced` is set once kopf follows and the list is in; `trouble` says why it does not."""

    resource = MEDIA_CLUSTERS

    def __init__(self, api: KubeApi, settings: OperatorSettings, world: World, feed: Feed) -> None:
        self.synced = asyncio.Event()
        self.trouble = ""
        self._api = api
        self._settings = settings
        self._world = world
        self._feed = feed
        self._rng = random.Random()

    async def run(self) -> None:
        """Follows until cancelled."""
        loop = asyncio.get_running_loop()
        failures = 0
        while True:
            began = loop.time()
            try:
                await self._list()
                self.trouble = await self._follow()
            except KubeError as error:
                self.trouble = str(error)
            failures = 1 if loop.time() > began + STEADY_SECONDS else failures + 1
            _log.warning("cannot follow", kind=self.resource.kind, error=self.trouble)
            await asyncio.sleep(pause(failures, self._rng))

    async def _list(self) -> None:
        """Raises KubeError."""
        listing = await self._api.list(self.resource, self._settings.namespace)
        present = {key_of(item) for item in listing.items}
        for key in [key for key in self._world.clusters if key not in present]:
            self._feed.on_cluster_gone(key)
        for item in listing.items:
            self._feed.on_cluster(item)

    async def _follow(self) -> str:
        """Until kopf ends; the answer says why it did."""
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[str] = loop.create_future()
        tell = partial(_tell, loop)
        frame = _Frame(
            self._settings,
            changed=lambda how, manifest: tell(lambda: self._changed(how, manifest)),
            follows=lambda: tell(self._follows),
            ended=lambda why: tell(lambda: None if ended.done() else ended.set_result(why)),
        )
        frame.start()
        try:
            return await asyncio.shield(ended)
        finally:
            frame.stop()
            await asyncio.shield(ended)

    def _follows(self) -> None:
        self.trouble = ""
        self.synced.set()

    def _changed(self, how: str, manifest: Manifest) -> None:
        if how != "DELETED":
            self._feed.on_cluster(manifest)
            return
        known = self._world.clusters.get(key_of(manifest))
        # kopf tells of two objects, even of one name, in either order.
        if known is None or known.metadata.uid == manifest["metadata"]["uid"]:
            self._feed.on_cluster_gone(key_of(manifest))


class _Frame:
    """kopf in a thread. The three that it tells are called in that thread."""

    def __init__(
        self,
        settings: OperatorSettings,
        *,
        changed: Callable[[str, Manifest], None],
        follows: Callable[[], None],
        ended: Callable[[str], None],
    ) -> None:
        self._namespace = settings.namespace
        self._follows = follows
        self._ended = ended
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        # Where it ends by a failure, kopf would wait 5 s for its own task that waits for the flag.
        self._registry = registry_of(settings, changed, ends=self._stop.set)

    def start(self) -> None:
        # A daemon: should kopf not end in time, the process does.
        threading.Thread(target=self._run, name="kopf", daemon=True).start()

    def stop(self) -> None:
        _tell(self._loop, self._stop.set)

    def _run(self) -> None:
        why = "kopf was stopped"
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                why = runner.run(self._operate()) or why
        except Exception as error:  # whatever it is, it is told, and kopf started anew
            why = _words(error)
        finally:
            self._ended(why)

    async def _operate(self) -> str:
        insights = Insights()
        finding = asyncio.create_task(self._find(insights), name="find the definition")
        try:
            await kopf.operator(
                registry=self._registry,
                standalone=True,
                namespaces=[self._namespace],
                stop_flag=self._stop,
                insights=insights,
            )
        finally:
            finding.cancel()
            await asyncio.wait([finding])
        return "" if finding.cancelled() or finding.result() else UNDEFINED

    async def _find(self, insights: Insights) -> bool:
        """Whether kopf has found what it shall follow."""
        await insights.ready_resources.wait()
        if not insights.watched_resources:
            self._stop.set()
            return False
        self._follows()
        return True


def _tell(loop: asyncio.AbstractEventLoop, what: Callable[[], None]) -> None:
    with suppress(RuntimeError):  # the loop is closed, and so nobody is there to hear it
        loop.call_soon_threadsafe(what)


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error.args[0]}" if error.args else type(error).__name__
