"""The operator's connections to the API server fall silent without being closed."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest_asyncio
from kubectl import Cluster, Object

PROXY = Path(__file__).with_name("stalling_proxy.py")
NAME = "stalling-proxy"
PORT = 6443
# In the API server's certificate on every cluster.
SERVER = "kubernetes.default.svc"
PATIENCE_SECONDS = 120.0
"""Held is that silence is noticed: without a deadline of their own, watches took five minutes. That the
deadlines leave 45 s at most is held by base/tests/test_informer.py. How long it took is printed: a busy
machine may add to it."""


@dataclass(frozen=True, slots=True)
class StallingProxy:
    """Stands between the operator and the API server."""

    cluster: Cluster

    async def stall(self) -> None:
        """Every connection that stands falls silent; new ones are carried."""
        await self.cluster.kubectl(
            "exec", NAME, "--", "python", "-c", "import os, signal; os.kill(1, signal.SIGUSR1)"
        )


@pytest_asyncio.fixture
async def proxy(cluster: Cluster) -> AsyncIterator[StallingProxy]:
    """The operator reaches the API server through it until the story has ended."""
    deployment = await cluster.get("deployment", "rotunda-operator")
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    await cluster.kubectl("create", "configmap", NAME, f"--from-file={PROXY}")
    await cluster.kubectl("apply", "-f", "-", stdin=json.dumps(_pod(container)))
    await cluster.kubectl("expose", "pod", NAME, f"--port={PORT}")
    await cluster.kubectl("wait", f"pod/{NAME}", "--for=condition=Ready", "--timeout=5m")
    address = (await cluster.get("service", NAME))["spec"]["clusterIP"]
    await _operator_by(
        cluster, {"KUBERNETES_SERVICE_HOST": SERVER, "KUBERNETES_SERVICE_PORT": str(PORT)}, address
    )
    try:
        yield StallingProxy(cluster)
    finally:
        await _operator_by(cluster, {}, None)
        await cluster.kubectl("delete", "pod,service,configmap", NAME)


async def test_the_next_room_is_assigned_although_every_watch_went_silent(
    cluster: Cluster, proxy: StallingProxy
) -> None:
    await cluster.apply("Room", "before", {})
    await cluster.placed("before")
    await proxy.stall()
    begun = time.monotonic()
    await cluster.apply("Room", "after", {})
    await asyncio.wait_for(cluster.placed("after"), PATIENCE_SECONDS)
    took = time.monotonic() - begun
    print(f"\nassigned {took:.1f} s after the API server fell silent")
    await cluster.kubectl("delete", "room", "before", "after")


def _pod(operator: Object) -> Object:
    """With the operator's image, which has Python."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": NAME, "labels": {"run": NAME}},
        "spec": {
            "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": 0,
            "containers": [
                {
                    "name": "proxy",
                    "image": operator["image"],
                    "imagePullPolicy": operator["imagePullPolicy"],
                    "command": ["python", f"/proxy/{PROXY.name}"],
                    "readinessProbe": {"tcpSocket": {"port": PORT}, "periodSeconds": 1},
                    "volumeMounts": [{"name": "proxy", "mountPath": "/proxy"}],
                }
            ],
            "volumes": [{"name": "proxy", "configMap": {"name": NAME}}],
        },
    }


async def _operator_by(cluster: Cluster, environment: dict[str, str], address: str | None) -> None:
    """Starts the operator anew with these variables, and SERVER at that address (None: where it is)."""
    names = ("KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT")
    aliases = [] if address is None else [{"ip": address, "hostnames": [SERVER]}]
    variables = [
        {"name": name, "value": environment[name]}
        if name in environment
        else {"name": name, "$patch": "delete"}
        for name in names
    ]
    template = {
        "spec": {"hostAliases": aliases or None, "containers": [{"name": "operator", "env": variables}]}
    }
    patch = {"spec": {"template": template}}
    await cluster.kubectl("patch", "deployment/rotunda-operator", "--patch", json.dumps(patch))
    await cluster.kubectl("rollout", "status", "deployment/rotunda-operator", "--timeout=10m")
