"""Signaling of a MediaCluster on a real API server, as a process of this machine."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from harness.server import SIGNALING, Server, serve

from rotunda_operator.testing import Stage


@asynccontextmanager
async def signaling_of(stage: Stage, folder: Path) -> AsyncIterator[Server]:
    """One process; its log and its credentials are in the folder."""
    environment = await asyncio.to_thread(signaling_environment, stage, folder)
    async with serve(folder / "signaling.log", environment, SIGNALING) as server:
        yield server


def signaling_environment(stage: Stage, folder: Path) -> dict[str, str]:
    """With the rights of the Role that the operator made for signaling, and no more; waits for them."""
    for kind in ("serviceaccount", "role", "rolebinding"):
        stage.until(kind, "default-signaling", bool)
    token = stage.kubectl("create", "token", "default-signaling").strip()
    config = json.loads(stage.plane.kubeconfig.read_text())
    config["users"][0]["user"] = {"token": token}
    kubeconfig = folder / "signaling.kubeconfig"
    kubeconfig.write_text(json.dumps(config))
    return {
        "ROTUNDA_KUBECONFIG": str(kubeconfig),
        "ROTUNDA_NAMESPACE": stage.namespace,
        "ROTUNDA_LOG_FORMAT": "json",
    }
