"""A client of the API server: objects as JSON, errors by what to do about them.

Connection and credentials are those of the `kubernetes` package; what it makes of objects is not used, as
turning thousands of them into its models takes seconds.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
from kubernetes.aio import config
from kubernetes.aio.client.configuration import Configuration
from kubernetes.aio.client.rest import RESTClientObject

from rotunda_kube.errors import KubeError, Unavailable, error_of
from rotunda_kube.resource import Manifest, Resource

PAGE = 500
REQUEST_SECONDS = 15.0
WATCH_SECONDS = 25.0
"""After so long the server ends a watch, which is then started again. This end shows that the connection
still works: the bookmarks that the server sends come only once a minute."""
SILENCE_SECONDS = 5.0
"""How much later the end of a watch may come. A watch that is silent for longer is given up."""
MERGE_PATCH = "application/merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"


@dataclass(frozen=True, slots=True)
class Listing:
    """All objects of a kind at one resource version."""

    items: list[Manifest]
    resource_version: str


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """`type` is ADDED, MODIFIED, DELETED or BOOKMARK."""

    type: str
    object: Manifest


class KubeApi:
    """All methods raise KubeError. `before_write` is called before every write and may raise instead.

    `manager` is the name under which the API server records what is set (`metadata.managedFields`).
    """

    def __init__(
        self, configuration: Configuration, *, manager: str, request_seconds: float = REQUEST_SECONDS
    ) -> None:
        self._configuration = configuration
        self._manager = manager
        self._rest = RESTClientObject(configuration)
        self._request_seconds = request_seconds
        self._before_write: Callable[[], None] = _always

    def guarded(self, before_write: Callable[[], None]) -> "KubeApi":
        """The same connections, with a check before every write."""
        other = object.__new__(KubeApi)
        other.__dict__.update(self.__dict__)
        other._before_write = before_write
        return other

    async def close(self) -> None:
        await self._rest.close()

    async def list(
        self, resource: Resource, namespace: str, *, labels: str = "", cached: bool = False
    ) -> Listing:
        """All of them. An empty namespace means every one.

        They are as they stand now, in pages that etcd is asked for; or, `cached`, all at once as the API
        server has them in memory, which may be a little old.
        """
        query = {"resourceVersion": "0"} if cached else {"limit": str(PAGE)}
        if labels:
            query["labelSelector"] = labels
        items: list[Manifest] = []
        while True:
            page = await self._call("GET", resource.path(namespace), query)
            items += page["items"]
            token = page["metadata"].get("continue")
            if not token:
                return Listing(items, page["metadata"]["resourceVersion"])
            query["continue"] = token

    async def watch(
        self,
        resource: Resource,
        namespace: str,
        resource_version: str,
        *,
        labels: str = "",
        seconds: float = WATCH_SECONDS,
    ) -> AsyncGenerator[WatchEvent, None]:
        """Changes since a version, until the server ends the stream after `seconds` (whole ones, at least 1).

        Raises Gone where the version is too old, Unavailable where the answer does not begin in time for a
        request, or its end does not come in time.
        """
        seconds = max(int(seconds), 1)
        query = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": resource_version,
            "timeoutSeconds": str(seconds),
        }
        if labels:
            query["labelSelector"] = labels
        path = resource.path(namespace)
        timeout = aiohttp.ClientTimeout(total=seconds + SILENCE_SECONDS)
        try:
            # The server answers at once, also where nothing has changed.
            async with asyncio.timeout(min(self._request_seconds, seconds + SILENCE_SECONDS)):
                response = await self._send("GET", path, query, timeout=timeout)
        except TimeoutError:
            raise Unavailable(f"watch {path}: no answer") from None
        try:
            async with aclosing(_lines(response)) as lines:
                async for line in lines:
                    yield _event(json.loads(line), path)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise Unavailable(f"watch {path}: {str(error) or type(error).__name__}") from error
        finally:
            response.close()

    async def get(self, resource: Resource, namespace: str, name: str) -> Manifest:
        return await self._call("GET", resource.path(namespace, name))

    async def create(self, resource: Resource, manifest: Manifest) -> Manifest:
        namespace = manifest["metadata"].get("namespace", "")
        return await self._write("POST", resource.path(namespace), manifest)

    async def create_at(self, path: str, manifest: Manifest) -> Manifest:
        """Posts to a path of its own, such as a pod's `binding`."""
        return await self._write("POST", path, manifest)

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
        """A JSON merge patch (RFC 7396). With `resource_version`: Conflict when the object is newer."""
        if resource_version is not None:
            metadata = {**patch.get("metadata", {}), "resourceVersion": resource_version}
            patch = {**patch, "metadata": metadata}
        path = resource.path(namespace, name, subresource)
        return await self._write("PATCH", path, patch, content_type=MERGE_PATCH)

    async def apply(self, resource: Resource, manifest: Manifest) -> Manifest:
        """Server-side apply: makes the object, or sets these fields and takes away those that an earlier
        apply of ours has set and this one has not. What others set to something else becomes ours."""
        metadata = manifest["metadata"]
        path = resource.path(metadata.get("namespace", ""), metadata["name"])
        return await self._write("PATCH", path, manifest, content_type=APPLY_PATCH, force=True)

    async def delete(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        *,
        uid: str | None = None,
        grace_seconds: int | None = None,
    ) -> None:
        """With `uid`: Conflict when the name belongs to another object by now."""
        body: Manifest = {"propagationPolicy": "Background"}
        if uid is not None:
            body["preconditions"] = {"uid": uid}
        if grace_seconds is not None:
            body["gracePeriodSeconds"] = grace_seconds
        await self._write("DELETE", resource.path(namespace, name), body)

    async def _write(
        self,
        method: str,
        path: str,
        body: Manifest,
        *,
        content_type: str = "application/json",
        force: bool = False,
    ) -> Manifest:
        self._before_write()
        query = {"fieldManager": self._manager, **({"force": "true"} if force else {})}
        sent = {} if method == "DELETE" else query
        return await self._call(method, path, sent, body=body, content_type=content_type)

    async def _call(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        body: Manifest | None = None,
        content_type: str = "application/json",
    ) -> Manifest:
        timeout = aiohttp.ClientTimeout(total=self._request_seconds)
        response = await self._send(method, path, query or {}, body, content_type, timeout)
        try:
            answer: Manifest = json.loads(await response.read())
            return answer
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise Unavailable(f"{method} {path}: {str(error) or type(error).__name__}") from error

    async def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: Manifest | None = None,
        content_type: str = "application/json",
        timeout: aiohttp.ClientTimeout | None = None,
    ) -> aiohttp.ClientResponse:
        url = f"{self._configuration.host}{path}"
        if query:
            url += "?" + urlencode(query)
        headers = {"Accept": "application/json", "Content-Type": content_type, **await self._credentials()}
        try:
            answer = await self._rest.request(
                method, url, headers=headers, body=body, _request_timeout=timeout
            )
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unavailable(f"{method} {path}: {str(error) or type(error).__name__}") from error
        response: aiohttp.ClientResponse = answer.response
        if response.status >= 400:
            raise await _error(response, f"{method} {path}")
        return response

    async def _credentials(self) -> dict[str, str]:
        settings = await self._configuration.auth_settings()
        return {s["key"]: s["value"] for s in settings.values() if s["in"] == "header" and s["value"]}


async def connect(
    kubeconfig: Path | None = None,
    *,
    manager: str = "rotunda",
    connections: int = 24,
    request_seconds: float = REQUEST_SECONDS,
) -> KubeApi:
    """A client by the kubeconfig given, else by the pod's service account, else by the default kubeconfig.

    Raises KubeError where there is neither, with what was looked for.
    """
    configuration = await load_configuration(kubeconfig)
    configuration.connection_pool_maxsize = connections
    # With it aiohttp asks a thread for netrc and proxies before each request. A proxy is in the kubeconfig.
    configuration.client_session_kwargs = {"trust_env": False}
    return KubeApi(configuration, manager=manager, request_seconds=request_seconds)


async def load_configuration(kubeconfig: Path | None = None) -> Configuration:
    """Server and credentials as `connect` finds them."""
    configuration = Configuration()
    try:
        if kubeconfig is not None:
            await config.load_kube_config(str(kubeconfig), client_configuration=configuration)
            return configuration
        try:
            config.load_incluster_config(configuration)
        except config.ConfigException:
            await config.load_kube_config(client_configuration=configuration)
    except (config.ConfigException, OSError) as error:
        raise KubeError(f"no way to a Kubernetes API server: {error}") from error
    return configuration


def _always() -> None:
    """Every write is allowed."""


async def _lines(response: aiohttp.ClientResponse) -> AsyncGenerator[bytes, None]:
    """Whole lines, however long: an object may be larger than the reader's own limit for lines."""
    rest = bytearray()
    async for chunk in response.content.iter_any():
        rest += chunk
        if b"\n" not in chunk:
            continue
        *lines, tail = bytes(rest).split(b"\n")
        rest = bytearray(tail)
        for line in lines:
            if line:
                yield line


def _event(message: dict[str, Any], path: str) -> WatchEvent:
    if message["type"] == "ERROR":
        status = message["object"]
        raise error_of(int(status.get("code", 500)), status, f"watch {path}")
    return WatchEvent(message["type"], message["object"])


async def _error(response: aiohttp.ClientResponse, request: str) -> KubeError:
    status: Any = None
    with suppress(aiohttp.ClientError, OSError, ValueError):  # TimeoutError is an OSError
        status = json.loads(await response.read())
    known = status if isinstance(status, dict) else {}
    return error_of(response.status, known, request, response.headers.get("Retry-After"))
