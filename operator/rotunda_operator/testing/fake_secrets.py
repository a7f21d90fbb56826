"""A fake API client: the Secrets of one namespace in memory, for tests that need no API server."""

import copy

from rotunda_kube import AlreadyExists, Conflict, KubeApi, Manifest, NotFound, Resource
from rotunda_kube.resource import SECRETS


class FakeSecrets(KubeApi):
    """Supports get, create and merge patch. `writes`: the name of each Secret that was written."""

    def __init__(self, *secrets: Manifest) -> None:
        self.secrets: dict[str, Manifest] = {}
        self.writes: list[str] = []
        for manifest in secrets:
            self._put(copy.deepcopy(manifest))
        self.writes.clear()

    async def get(self, resource: Resource, namespace: str, name: str) -> Manifest:
        assert resource == SECRETS
        if name not in self.secrets:
            raise NotFound(f"secrets {name!r} not found")
        return copy.deepcopy(self.secrets[name])

    async def create(self, resource: Resource, manifest: Manifest) -> Manifest:
        assert resource == SECRETS
        if manifest["metadata"]["name"] in self.secrets:
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
        self.secrets[name] = manifest
        return copy.deepcopy(manifest)
