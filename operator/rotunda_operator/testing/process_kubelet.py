"""Runs the pods of media nodes as processes with the environment of their pods, and plays the others."""

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
"""HealthCheckResponse{status: SERVING}: this package has no business with the generated classes."""


class ProcessKubelet(FakeKubelet):
    """`logs` is a folder for what the processes say, a file for each pod. Ends them all when it is closed.

    `report_to`: by MediaNode, a port of this machine to report load to instead of the operator's.
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
        """By name, the uid of the pod whose process it is: names come again."""
        self._lives: set[asyncio.Task[None]] = set()
        super().__init__(kubeconfig, namespace)

    @property
    def running(self) -> set[str]:
        """The pods whose processes live."""
        return {pod for pod, process in self._processes.items() if process.returncode is None}

    def signal(self, pod: str, number: signal.Signals) -> None:
        """Sends it to the pod's process."""
        os.kill(self._processes[pod].pid, number)

    async def _run(self) -> None:
        try:
            await super()._run()
        finally:
            for life in self._lives:
                life.cancel()
            await asyncio.gather(*self._lives, return_exceptions=True)

    async def _tend(self, api: KubeApi, pod: Manifest) -> None:
        key = key_of(pod)
        uid = pod["metadata"]["uid"]
        process = self._processes.get(key.name) if self._pods.get(key.name) == uid else None
        if "deletionTimestamp" in pod["metadata"] and process is not None and process.returncode is None:
            process.terminate()
        elif MEDIA_NODE not in pod["metadata"].get("labels", {}):
            await super()._tend(api, pod)
        elif pod["status"].get("phase") == "Pending" and pod["spec"].get("nodeName"):
            if process is None:
                try:
                    process = await self._spawn(api, pod)
                except NotFound:  # its Secret went before it: like a kubelet, wait for what becomes of it
                    return
                self._processes[key.name] = process
                self._pods[key.name] = uid
                life = asyncio.create_task(self._live(api, pod, process), name=str(key))
                self._lives.add(life)
                life.add_done_callback(self._lives.discard)
        else:
            await super()._tend(api, pod)

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
        """A folder with what the Secret holds."""
        metadata = pod["metadata"]
        folder = self._logs / f"{metadata['name']}-tls"
        folder.mkdir(exist_ok=True)
        for name, value in (await api.get(SECRETS, metadata["namespace"], secret))["data"].items():
            (folder / name).write_bytes(base64.b64decode(value))
        return folder

    async def _live(self, api: KubeApi, pod: Manifest, process: asyncio.subprocess.Process) -> None:
        """From its start to its end, as the pod's status tells it."""
        key = key_of(pod)
        try:
            await self._say(api, key, "Running", ready=False)
            probing = asyncio.create_task(
                _serving(pod["spec"]["containers"][0]["readinessProbe"]["grpc"]["port"])
            )
            waiting = asyncio.create_task(process.wait())
            await asyncio.wait((probing, waiting), return_when=asyncio.FIRST_COMPLETED)
            if not waiting.done():
                await self._say(api, key, "Running", ready=True)
            probing.cancel()
            status = await waiting
            ended = {
                "terminated": {
                    "exitCode": status,
                    "message": self._log_of(key.name).read_text(errors="replace")[-2048:],
                }
            }
            phase = "Succeeded" if status == 0 else "Failed"
            await self._say(api, key, phase, ready=False, state=ended)
            with suppress(NotFound, Conflict):
                if "deletionTimestamp" in (await api.get(PODS, key.namespace, key.name))["metadata"]:
                    await api.delete(PODS, key.namespace, key.name, grace_seconds=0)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    async def _say(
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
    """Returns once the kubelet's probe would succeed."""
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
