"""kopf ends, for example when a definition is deleted, and is started again; its events reach our loop."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

import kopf
import pytest
from kopf._cogs.structs.references import Insights, Resource

from rotunda_kube import Key, KubeApi, Listing, Manifest, NotFound
from rotunda_operator import cluster_informer
from rotunda_operator.cache import Cache
from rotunda_operator.clock import system_clock
from rotunda_operator.cluster_informer import UNDEFINED, ClusterInformer
from rotunda_operator.event_handlers import EventHandlers
from rotunda_operator.settings import OperatorSettings

NAMESPACE = "meet"
PATIENCE_SECONDS = 60.0
CLUSTERS = Resource("rotunda.dev", "v1alpha1", "mediaclusters")

Run = Callable[[Insights, asyncio.Event], Awaitable[None]]


def cluster(name: str, uid: str = "1") -> Manifest:
    metadata = {"namespace": NAMESPACE, "name": name, "uid": uid, "generation": 1, "resourceVersion": "1"}
    return {"apiVersion": "rotunda.dev/v1alpha1", "kind": "MediaCluster", "metadata": metadata, "spec": {}}


async def follow(insights: Insights, stop: asyncio.Event) -> None:
    insights.watched_resources.add(CLUSTERS)
    insights.ready_resources.set()
    await stop.wait()


class Bench:
    """A informer whose API server answers `lists`, one after the other, and whose kopf does `runs`."""

    def __init__(self, lists: list[list[Manifest] | NotFound], runs: list[Run]) -> None:
        self.cache = Cache()
        self.enqueued: list[Key] = []
        self.threads: list[threading.Thread] = []
        self.logged: list[str] = []
        self._lists = lists
        self._runs = runs
        handlers = EventHandlers(
            self.cache, system_clock, lambda item, _, **__: self.enqueued.append(item.key)
        )
        settings = OperatorSettings(namespace=NAMESPACE, identity="operator")
        self.informer = ClusterInformer(cast(KubeApi, self), settings, self.cache, handlers)

    async def list(self, *_: object) -> Listing:
        found = self._lists.pop(0) if len(self._lists) > 1 else self._lists[0]
        if isinstance(found, NotFound):
            raise found
        return Listing(found, "1")

    async def operator(self, *, insights: Insights, stop_flag: asyncio.Event, **_: Any) -> None:
        self.threads.append(threading.current_thread())
        await self._runs.pop(0)(insights, stop_flag)

    @asynccontextmanager
    async def running(self, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
        monkeypatch.setattr(kopf, "operator", self.operator)
        monkeypatch.setattr(cluster_informer, "pause", lambda *_: 0.0)
        log = cluster_informer._log
        monkeypatch.setattr(
            log, "warning", lambda _, **more: self.logged.append(more["error"]), raising=False
        )
        task = asyncio.create_task(self.informer.run())
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self.informer.synced.wait()
                yield
        finally:
            task.cancel()
            await asyncio.wait([task])


async def test_kopf_is_started_again_and_the_reason_of_its_end_is_logged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def fail(insights: Insights, stop: asyncio.Event) -> None:
        raise RuntimeError("no such resource")

    async def find_nothing(insights: Insights, stop: asyncio.Event) -> None:
        insights.ready_resources.set()
        await stop.wait()

    lists: list[list[Manifest] | NotFound] = [
        [cluster("gone"), cluster("stays")],
        NotFound("the definition went"),
        [cluster("stays"), cluster("new")],
    ]
    bench = Bench(lists, [fail, find_nothing, follow])
    async with bench.running(monkeypatch):
        assert bench.logged == ["RuntimeError: no such resource", "the definition went", UNDEFINED]
        assert bench.informer.trouble == ""
        assert {key.name for key in bench.cache.clusters} == {"stays", "new"}
    assert threading.main_thread() not in bench.threads
    assert not any(thread.is_alive() and not thread.daemon for thread in bench.threads)


async def test_the_end_of_kopf_cancels_no_task_of_our_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    ends = asyncio.Event()
    ours = asyncio.get_running_loop()

    async def end(insights: Insights, stop: asyncio.Event) -> None:
        """As kopf does: all tasks of its loop are cancelled."""
        insights.watched_resources.add(CLUSTERS)
        insights.ready_resources.set()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        assert asyncio.get_running_loop() is not ours
        await asyncio.sleep(0)
        for task in others:
            task.cancel()
        ours.call_soon_threadsafe(ends.set)
        raise RuntimeError("over")

    bench = Bench([[]], [end, follow])
    task = asyncio.create_task(asyncio.Event().wait())
    async with bench.running(monkeypatch):
        await ends.wait()
    assert not task.done()
    task.cancel()


async def test_a_late_deletion_event_does_not_delete_a_new_object_of_the_same_name() -> None:
    bench = Bench([[]], [])
    send = bench.informer._on_event
    send("ADDED", cluster("a", uid="first"))
    send("ADDED", cluster("a", uid="second"))
    assert bench.enqueued == [Key(NAMESPACE, "a")] * 2
    send("DELETED", cluster("a", uid="first"))
    assert [each.metadata.uid for each in bench.cache.clusters.values()] == ["second"]
    send("DELETED", cluster("a", uid="second"))
    assert not bench.cache.clusters
