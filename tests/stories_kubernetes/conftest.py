"""A real control plane for all stories; every story has a namespace with an operator and two media nodes."""

import itertools
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from harness.cluster import signaling_of
from harness.server import Server

from rotunda_operator.testing import ControlPlane, Stage
from rotunda_operator.testing.ports import free_network
from rotunda_operator.testing.process_kubelet import ProcessKubelet
from rotunda_operator.testing.stage import Object

LEASE_SECONDS = "30"
"""Stories kill the operator, and the next one waits for so long."""
_NUMBERS = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Cluster:
    """`kubelet` has the processes of the media nodes."""

    stage: Stage
    kubelet: ProcessKubelet


@pytest.fixture(scope="session")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with ControlPlane(tmp_path_factory.mktemp("control-plane")) as plane:
        yield plane


@pytest.fixture
def cluster(plane: ControlPlane, tmp_path: Path) -> Iterator[Cluster]:
    """Two Ready media nodes of a MediaCluster, and the operator at work."""
    with Stage(plane, tmp_path, f"calls-{next(_NUMBERS)}", lease_seconds=LEASE_SECONDS) as stage:
        kubelet = stage.process_kubelet()
        media_nodes = {"min": 2, "max": 2, "network": free_network(100)}
        stage.apply("MediaCluster", "default", {"mediaNodes": media_nodes})
        stage.until_items("mn", _two_are_ready)
        yield Cluster(stage, kubelet)


@pytest.fixture
def stage(cluster: Cluster) -> Stage:
    return cluster.stage


@pytest_asyncio.fixture
async def signaling(stage: Stage, tmp_path: Path) -> AsyncIterator[Server]:
    async with signaling_of(stage, tmp_path) as server:
        yield server


def _two_are_ready(nodes: list[Object]) -> bool:
    phases = [node.get("status", {}).get("phase") for node in nodes]
    return phases == ["Ready", "Ready"]
