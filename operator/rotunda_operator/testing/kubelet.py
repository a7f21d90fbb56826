"""A fake scheduler and kubelet: pods are bound to a node and become Running, and end when they are
deleted."""

import asyncio
import threading
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from rotunda_kube import Conflict, Informer, Key, KubeApi, KubeError, Manifest, NotFound, key_of
from rotunda_kube.api import connect
from rotunda_kube.resource import NODES, PODS

BROKEN_TAG = "broken"
"""The tag of images that cannot be pulled."""
HEARTBEAT_SECONDS = 5.0
"""The node controller takes a node that was silent for 50 s for unreachable."""


class FakeKubelet:
    """Runs in its own thread until it is closed, and creates its own Kubernetes node."""

    def __init__(self, kubeconfig: Path, namespace: str) -> None:
        self._kubeconfig = kubeconfig
        self._namespace = namespace
        self._node = f"worker-of-{namespace}"
        self._work: asyncio.Queue[Manifest] = asyncio.Queue()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._task: asyncio.Task[None] | None = None
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._main, name="kubelet", daemon=True)
        self._thread.start()
        assert self._ready.wait(30)

    def close(self) -> None:
        """Raises the exception that has ended its thread, if any."""
        assert self._task is not None
        with suppress(RuntimeError):  # it has ended already
            self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join()
        if self._failure is not None:
            raise self._failure

    def _main(self) -> None:
        try:
            self._loop.run_until_complete(self._run())
        except asyncio.CancelledError:
            pass
        except BaseException as error:
            self._failure = error
            self._ready.set()
        finally:
            self._loop.close()

    async def _run(self) -> None:
        self._task = asyncio.current_task()
        api = await connect(self._kubeconfig)
        try:
            await self._create_node(api)
            informer = Informer(
                api,
                PODS,
                self._namespace,
                on_change=self._work.put_nowait,
                on_delete=lambda _: None,
            )
            async with asyncio.TaskGroup() as group:
                group.create_task(informer.run())
                group.create_task(self._send_heartbeats(api))
                await informer.synced.wait()
                self._ready.set()
                while True:
                    await self._sync_pod(api, await self._work.get())
        finally:
            await api.close()

    async def _create_node(self, api: KubeApi) -> None:
        labels = {"topology.kubernetes.io/region": "eu", "topology.kubernetes.io/zone": "eu-1"}
        manifest = {"metadata": {"name": self._node, "labels": labels}, "kind": "Node", "apiVersion": "v1"}
        with suppress(KubeError):
            await api.create(NODES, manifest)
        await self._heartbeat(api)

    async def _send_heartbeats(self, api: KubeApi) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            with suppress(KubeError):
                await self._heartbeat(api)

    async def _heartbeat(self, api: KubeApi) -> None:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        status = {
            "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
            "conditions": [{"type": "Ready", "status": "True", "lastHeartbeatTime": now}],
        }
        await api.patch(NODES, "", self._node, {"status": status}, subresource="status")

    async def _sync_pod(self, api: KubeApi, pod: Manifest) -> None:
        key = key_of(pod)
        with suppress(NotFound, Conflict):
            if "deletionTimestamp" in pod["metadata"]:
                await api.delete(PODS, key.namespace, key.name, grace_seconds=0)
            elif not pod["spec"].get("nodeName"):
                await self._bind(api, key)
            elif pod["status"].get("phase") == "Pending" and not pod["status"].get("containerStatuses"):
                await self._start(api, key, pod["spec"]["containers"][0]["image"])

    async def _bind(self, api: KubeApi, key: Key) -> None:
        binding = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"namespace": key.namespace, "name": key.name},
            "target": {"kind": "Node", "name": self._node},
        }
        await api.create_at(PODS.path(key.namespace, key.name, "binding"), binding)

    async def _start(self, api: KubeApi, key: Key, image: str) -> None:
        if image.endswith(f":{BROKEN_TAG}"):
            waiting = {"reason": "ErrImagePull", "message": f"{image} is not to be had"}
            container = {"name": "sfu", "image": image, "imageID": "", "ready": False, "restartCount": 0}
            failed: Manifest = {"containerStatuses": [{**container, "state": {"waiting": waiting}}]}
            await api.patch(PODS, key.namespace, key.name, {"status": failed}, subresource="status")
            return
        ready = {"type": "Ready", "status": "True"}
        status = {"phase": "Running", "hostIP": "127.0.0.1", "podIP": "127.0.0.1", "conditions": [ready]}
        await api.patch(PODS, key.namespace, key.name, {"status": status}, subresource="status")
