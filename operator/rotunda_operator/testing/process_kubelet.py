"""A fake kubelet that runs the pods of media nodes as processes, and only pretends to run other pods."""

import asyncio
import base64
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import grpc
import grpc.aio

from rotunda_kube import Conflict, Key, KubeApi, Manifest, NotFound, key_of
from rotunda_kube.resource import PODS, SECRETS
from rotunda_operator.specs.metadata import MEDIA_NODE
from rotunda_operator.testing.kubelet import FakeKubelet

_ADDRESS = "127.0.0.1"
_CHECK = "/grpc.health.v1.Health/Check"
_CONTAINER = {"name": "sfu", "image": "", "imageID": "", "restartCount": 0}
_SERVING = b"\x08\x01"
"""HealthCheckResponse{status: SERVING} as bytes: this package does not depend on the generated classes."""


class ProcessKubelet(FakeKubelet):
    """A process has the environment variables of its pod. All processes are killed when it is closed.

    `logs`: a folder for the output of the processes, one file for each pod. `report_to`: by MediaNode, a port
    of this machine to report load to instead of the operator's.
    """

    def __init__(
        self,
        kubeconfig: Path,
        namespace: str,
        logs: Path,
        *,
        report_to: Mapping[str, int] | None = None,
    ) -> None:
        self._logs = logs
        self._report_to = dict(report_to or {})
        self._processes: dict[str, asyncio.subprocess.Process] = {}
        self._pods: dict[str, str] = {}
        """By name, the UID of the pod that the process belongs to: another pod may get the same name."""
        self._tasks: set[asyncio.Task[None]] = set()
        super().__init__(kubeconfig, namespace)

    @property
    def running(self) -> set[str]:
        """The pods whose processes run."""
        return {pod for pod, process in self._processes.items() if process.returncode is None}

    def signal(self, pod: str, number: signal.Signals) -> None:
        """Sends the signal to the pod's process."""
        os.kill(self._processes[pod].pid, number)

    async def _run(self) -> None:
        try:
            await super()._run()
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _sync_pod(self, api: KubeApi, pod: Manifest) -> None:
        key = key_of(pod)
        uid = pod["metadata"]["uid"]
        process = self._processes.get(key.name) if self._pods.get(key.name) == uid else None
        if "deletionTimestamp" in pod["metadata"] and process is not None and process.returncode is None:
            process.terminate()
        elif MEDIA_NODE not in pod["metadata"].get("labels", {}):
            await super()._sync_pod(api, pod)
        elif pod["status"].get("phase") == "Pending" and pod["spec"].get("nodeName"):
            if process is None:
                try:
                    process = await self._spawn(api, pod)
                except NotFound:  # its Secret was deleted first; like a kubelet, wait
                    return
                self._processes[key.name] = process
                self._pods[key.name] = uid
                task = asyncio.create_task(self._run_pod(api, pod, process), name=str(key))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
        else:
            await super()._sync_pod(api, pod)

    async def _spawn(self, api: KubeApi, pod: Manifest) -> asyncio.subprocess.Process:
        container = pod["spec"]["containers"][0]
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": os.environ.get("PYTHONPATH", "")}
        for variable in container["env"]:
            environment[variable["name"]] = variable.get("value") or _field(pod, variable["valueFrom"])
        if (port := self._report_to.get(pod["metadata"]["labels"][MEDIA_NODE])) is not None:
            environment["ROTUNDA_SFU_OTLP_ENDPOINT"] = f"http://{_ADDRESS}:{port}"
        if (secret := _tls_secret(pod)) is not None:
            environment["ROTUNDA_SFU_TLS_DIRECTORY"] = str(await self._mount(api, pod, secret))
        with self._log_of(pod["metadata"]["name"]).open("ab") as log:
            return await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "rotunda", *container["args"], "--log-format", "json"),
                env=environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def _log_of(self, pod: str) -> Path:
        return self._logs / f"{pod}.log"

    async def _mount(self, api: KubeApi, pod: Manifest, secret: str) -> Path:
        """A folder with the keys of the Secret as files."""
        metadata = pod["metadata"]
        folder = self._logs / f"{metadata['name']}-tls"
        folder.mkdir(exist_ok=True)
        for name, value in (await api.get(SECRETS, metadata["namespace"], secret))["data"].items():
            (folder / name).write_bytes(base64.b64decode(value))
        return folder

    async def _run_pod(self, api: KubeApi, pod: Manifest, process: asyncio.subprocess.Process) -> None:
        """Follows the process from start to end, and writes the pod's status."""
        key = key_of(pod)
        try:
            await self._set_status(api, key, "Running", ready=False)
            probing = asyncio.create_task(
                _serving(pod["spec"]["containers"][0]["readinessProbe"]["grpc"]["port"])
            )
            waiting = asyncio.create_task(process.wait())
            await asyncio.wait((probing, waiting), return_when=asyncio.FIRST_COMPLETED)
            if not waiting.done():
                await self._set_status(api, key, "Running", ready=True)
            probing.cancel()
            status = await waiting
            terminated = {
                "terminated": {
                    "exitCode": status,
                    "message": self._log_of(key.name).read_text(errors="replace")[-2048:],
                }
            }
            phase = "Succeeded" if status == 0 else "Failed"
            await self._set_status(api, key, phase, ready=False, state=terminated)
            with suppress(NotFound, Conflict):
                if "deletionTimestamp" in (await api.get(PODS, key.namespace, key.name))["metadata"]:
                    await api.delete(PODS, key.namespace, key.name, grace_seconds=0)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    async def _set_status(
        self, api: KubeApi, key: Key, phase: str, *, ready: bool, state: Manifest | None = None
    ) -> None:
        status = {
            "phase": phase,
            "hostIP": _ADDRESS,
            "podIP": _ADDRESS,
            "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
            "containerStatuses": [{**_CONTAINER, "ready": ready, "state": state or {"running": {}}}],
        }
        with suppress(NotFound):
            await api.patch(PODS, key.namespace, key.name, {"status": status}, subresource="status")


async def _serving(port: int) -> None:
    """Returns once the kubelet's readiness probe would succeed."""
    async with grpc.aio.insecure_channel(f"{_ADDRESS}:{port}") as channel:
        check: Any = channel.unary_unary(_CHECK)
        while True:
            with suppress(grpc.aio.AioRpcError):
                if await check(b"", wait_for_ready=True) == _SERVING:
                    return
            await asyncio.sleep(0.1)


def _tls_secret(pod: Manifest) -> str | None:
    volumes = pod["spec"]["volumes"]
    return next((str(v["secret"]["secretName"]) for v in volumes if v["name"] == "tls"), None)


def _field(pod: Manifest, source: Manifest) -> str:
    metadata = pod["metadata"]
    path = source["fieldRef"]["fieldPath"]
    known = {"metadata.namespace": metadata["namespace"], "metadata.uid": metadata["uid"]}
    return str(known.get(path, _ADDRESS))
