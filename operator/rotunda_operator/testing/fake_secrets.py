"""The Secrets of one namespace in memory, where a test needs no API server."""

import copy

from rotunda_kube import AlreadyExists, Conflict, KubeApi, Manifest, NotFound, Resource
from rotunda_kube.resource import SECRETS


class SecretsInMemory(KubeApi):
    """get, create and merge patch of Secrets; `writes` names each that was written."""

    def __init__(self, *standing: Manifest) -> None:
        self.standing: dict[str, Manifest] = {}
        self.writes: list[str] = []
        for manifest in standing:
            self._put(copy.deepcopy(manifest))
        self.writes.clear()

    async def get(self, resource: Resource, namespace: str, name: str) -> Manifest:
        assert resource == SECRETS
        if name not in self.standing:
            raise NotFound(f"secrets {name!r} not found")
        return copy.deepcopy(self.standing[name])

    async def create(self, resource: Resource, manifest: Manifest) -> Manifest:
        assert resource == SECRETS
        if manifest["metadata"]["name"] in self.standing:
            raise AlreadyExists("it is there")
        return self._put(copy.deepcopy(manifest))

    async def patch(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        patch: Manifest,
        *,
        resource_version: str | None = None,
        subresource: str = "",
    ) -> Manifest:
        found = await self.get(resource, namespace, name)
        if resource_version not in (None, found["metadata"]["resourceVersion"]):
            raise Conflict("the object has been modified")
        return self._put({**found, "data": {**found["data"], **patch["data"]}})

    def _put(self, manifest: Manifest) -> Manifest:
        name = manifest["metadata"]["name"]
        self.writes.append(name)
        manifest["metadata"]["resourceVersion"] = str(len(self.writes))
        self.standing[name] = manifest
        return copy.deepcopy(manifest)
