"""A real API server for signaling, whose rights are those of its Role; the tests play the operator."""

import itertools
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import yaml

from rotunda_contract.resources import MediaCluster
from rotunda_kube import KubeApi, Manifest, Resource
from rotunda_kube.api import connect
from rotunda_kube.resource import MEDIA_CLUSTERS, MEDIA_NODES, ROOMS
from rotunda_operator.specs.installation import Installation
from rotunda_operator.specs.signaling import signaling_objects
from rotunda_operator.testing import ControlPlane

CLUSTER = {"rooms": {"defaults": {"maxParticipants": 20, "expectedParticipants": 4}}}
RIGHTS = ("ServiceAccount", "Role", "RoleBinding")
_NUMBERS = itertools.count(1)


class Hands:
    """The operator's part, and a person's with kubectl, in one namespace."""

    def __init__(self, plane: ControlPlane, api: KubeApi, namespace: str, signaling: Path) -> None:
        self.plane = plane
        self.api = api
        self.namespace = namespace
        self.signaling = signaling
        """Credentials of signaling's ServiceAccount."""

    async def apply(self, resource: Resource, name: str, spec: Manifest | None = None) -> Manifest:
        return await self.api.create(
            resource,
            {
                "apiVersion": resource.api_version,
                "kind": resource.kind,
                "metadata": {"name": name, "namespace": self.namespace},
                "spec": spec or {},
            },
        )

    async def room(self, name: str, **spec: Any) -> None:
        await self.apply(ROOMS, name, spec)

    async def node(self, name: str, *, process_id: str = "process-1", phase: str = "Ready") -> None:
        await self.apply(MEDIA_NODES, name)
        await self.node_is(name, phase=phase, processID=process_id, grpcAddress="127.0.0.1:7")

    async def node_is(self, name: str, **status: Any) -> None:
        await self._patch(MEDIA_NODES, name, status)

    async def assign(self, room: str, node: str, epoch: int = 1) -> None:
        assignment = {"mediaNode": node, "epoch": epoch}
        await self._patch(
            ROOMS, room, {"phase": "Assigned", "assignment": assignment, "lastEpoch": epoch, "conditions": []}
        )

    async def unassign(
        self, room: str, phase: str, message: str, *, since: str = "2026-01-01T00:00:00Z"
    ) -> None:
        placed = {
            "type": "Placed",
            "status": "False",
            "reason": phase,
            "message": message,
            "lastTransitionTime": since,
        }
        await self._patch(ROOMS, room, {"phase": phase, "assignment": None, "conditions": [placed]})

    async def get_room(self, name: str) -> Manifest:
        return await self.api.get(ROOMS, self.namespace, name)

    async def delete_room(self, name: str) -> None:
        await self.api.delete(ROOMS, self.namespace, name)

    async def forbid_rooms_on_join(self) -> None:
        patch = {"spec": {"rooms": {"createOnJoin": False}}}
        await self.api.patch(MEDIA_CLUSTERS, self.namespace, "default", patch)

    async def _patch(self, resource: Resource, name: str, status: Manifest) -> None:
        await self.api.patch(resource, self.namespace, name, {"status": status}, subresource="status")


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with ControlPlane(tmp_path_factory.mktemp("control-plane")) as plane:
        yield plane


@pytest_asyncio.fixture
async def hands(control_plane: ControlPlane, tmp_path: Path) -> AsyncIterator[Hands]:
    """A namespace of its own with a MediaCluster `default`."""
    namespace = f"calls-{next(_NUMBERS)}"
    control_plane.kubectl("create", "namespace", namespace)
    api = await connect(control_plane.kubeconfig)
    hands = Hands(control_plane, api, namespace, tmp_path / "signaling.kubeconfig")
    cluster = MediaCluster.model_validate(await hands.apply(MEDIA_CLUSTERS, "default", CLUSTER))
    _write_credentials(control_plane, cluster, hands.signaling)
    yield hands
    await api.close()


def _write_credentials(plane: ControlPlane, cluster: MediaCluster, path: Path) -> None:
    """Of the ServiceAccount that the operator makes for signaling."""
    made = signaling_objects(cluster, Installation("system", "", "1"))
    rights = [manifest for manifest in made if manifest["kind"] in RIGHTS]
    plane.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(rights))
    namespace = cluster.metadata.namespace
    token = plane.kubectl("create", "token", "default-signaling", "-n", namespace).strip()
    config = json.loads(plane.kubeconfig.read_text())
    config["users"][0]["user"] = {"token": token}
    path.write_text(json.dumps(config))
