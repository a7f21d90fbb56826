"""An operator behind the faulty proxy: it crashes when the proxy says so, and is started again each time.

`in_process` runs the Controller alone. In a crash all its connections are cut and its lease is not released,
so the API server sees the same as after a killed process. `as_process` runs the whole operator and kills it
with SIGKILL.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path

from rotunda_kube import KubeError
from rotunda_kube.api import connect
from rotunda_operator.controller import Controller
from rotunda_operator.lease import NotHolder
from rotunda_operator.owned.compare import MANAGER
from rotunda_operator.settings import OperatorSettings
from rotunda_operator.testing.faulty_proxy import FaultyProxy
from rotunda_operator.testing.operator_process import OperatorProcess

POLL_SECONDS = 0.1

CrashingOperator = Callable[[FaultyProxy, str, int, Path], AbstractAsyncContextManager[None]]
"""Arguments: the proxy, the namespace, the port for load reports and a folder. Until the context ends, an
operator runs, and another one whenever it has crashed."""


@asynccontextmanager
async def in_process(proxy: FaultyProxy, namespace: str, port: int, folder: Path) -> AsyncIterator[None]:
    settings = OperatorSettings(
        kubeconfig=_kubeconfig(folder, namespace, await proxy.start()),
        namespace=namespace,
        identity="operator",
        otlp_address=f"127.0.0.1:{port}",
    )
    task = asyncio.create_task(_keep_engine_running(proxy, settings))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@asynccontextmanager
async def as_process(proxy: FaultyProxy, namespace: str, port: int, folder: Path) -> AsyncIterator[None]:
    kubeconfig = _kubeconfig(folder, namespace, await proxy.start())
    process = OperatorProcess(folder, kubeconfig, namespace, otlp_address=f"127.0.0.1:{port}")
    task = asyncio.create_task(_keep_process_running(proxy, process))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await asyncio.to_thread(process.kill)
    process.check_log()


async def _keep_engine_running(proxy: FaultyProxy, settings: OperatorSettings) -> None:
    while True:
        api = await connect(settings.kubeconfig, manager=MANAGER, request_seconds=3.0)
        controller = asyncio.create_task(Controller(api, settings).run())
        crash = asyncio.create_task(proxy.crashed.wait())
        try:
            await asyncio.wait([controller, crash], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (controller, crash):
                task.cancel()
            # One that lost the lease, as can happen on a busy machine, is started again too.
            with suppress(asyncio.CancelledError, KubeError, NotHolder):
                await controller
            await api.close()
        proxy.revive()


async def _keep_process_running(proxy: FaultyProxy, process: OperatorProcess) -> None:
    while True:
        process.start()
        while process.runs and not proxy.crashed.is_set():  # noqa: ASYNC110 -- the end of the process is no event of the loop
            await asyncio.sleep(POLL_SECONDS)
        await asyncio.to_thread(process.kill)
        proxy.revive()


def _kubeconfig(folder: Path, namespace: str, url: str) -> Path:
    name = "proxied"
    path = folder / f"{name}-{namespace}.kubeconfig"
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "clusters": [{"name": name, "cluster": {"server": url}}],
        "users": [{"name": name, "user": {}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name, "namespace": namespace}}],
    }
    path.write_text(json.dumps(config))
    return path
