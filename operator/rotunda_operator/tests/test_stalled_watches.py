"""An API server behind a proxy that keeps its streams and lets nothing more through."""

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from rotunda_kube import KubeApi, Manifest
from rotunda_kube.api import connect
from rotunda_kube.resource import MEDIA_CLUSTERS, MEDIA_NODES, ROOMS
from rotunda_operator.testing import ControlPlane
from rotunda_operator.testing.crashing_operator import as_process
from rotunda_operator.testing.faulty_proxy import FaultyProxy
from rotunda_operator.testing.kubelet import FakeKubelet
from rotunda_operator.testing.ports import free_port
from rotunda_operator.testing.reporter import Reporter

NAMESPACE = "stalled"
READY_SECONDS = 240.0
NOTICED_SECONDS = 120.0
"""Without a deadline of their own, streams that have stalled stay so for more than five minutes."""


@pytest.mark.timeout(900)
async def test_rooms_are_placed_and_clusters_read_after_all_watches_have_stalled(
    control_plane: ControlPlane, tmp_path: Path
) -> None:
    control_plane.kubectl("create", "namespace", NAMESPACE)
    control_plane.kubectl("create", "serviceaccount", "default", "-n", NAMESPACE, check=False)
    credentials = json.loads(control_plane.operator_kubeconfig(NAMESPACE).read_text())
    token = credentials["users"][0]["user"]["token"]
    proxy = FaultyProxy(control_plane.url, control_plane.ca, token, {})
    api = await connect(control_plane.kubeconfig)
    port = free_port()
    kubelet = await asyncio.to_thread(FakeKubelet, control_plane.kubeconfig, NAMESPACE)
    reporter = Reporter(NAMESPACE, port)
    reporter.report("a")
    try:
        async with as_process(proxy, NAMESPACE, port, tmp_path):
            await _make(api, "MediaCluster", "default", {"mediaNodes": {"min": 0}})
            await _make(api, "MediaNode", "a")
            await _make(api, "Room", "before")
            await _until(api, "before", lambda status: "assignment" in status, READY_SECONDS)

            proxy.stall()
            patch = {"spec": {"publicURL": "https://meet.example.org"}}
            await api.patch(MEDIA_CLUSTERS, NAMESPACE, "default", patch)
            await _make(api, "Room", "after")

            await _until(api, "after", lambda status: "assignment" in status, NOTICED_SECONDS)
            await _until(api, "after", lambda status: "joinURL" in status, NOTICED_SECONDS)
    finally:
        await asyncio.to_thread(reporter.close)
        await asyncio.to_thread(kubelet.close)
        await proxy.close()
        await api.close()


async def _make(api: KubeApi, kind: str, name: str, spec: Manifest | None = None) -> None:
    resource = {"Room": ROOMS, "MediaNode": MEDIA_NODES, "MediaCluster": MEDIA_CLUSTERS}[kind]
    metadata = {"namespace": NAMESPACE, "name": name}
    manifest = {"apiVersion": resource.api_version, "kind": kind, "metadata": metadata, "spec": spec or {}}
    await api.create(resource, manifest)


async def _until(api: KubeApi, room: str, holds: Callable[[Manifest], bool], seconds: float) -> None:
    began = time.monotonic()
    while True:
        status = (await api.get(ROOMS, NAMESPACE, room)).get("status", {})
        if holds(status):
            return
        assert time.monotonic() < began + seconds, f"{room} is {status} after {seconds} s"
        await asyncio.sleep(0.1)
