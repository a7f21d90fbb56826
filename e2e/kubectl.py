"""A cluster as a person with kubectl and helm sees it."""

import asyncio
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Object = dict[str, Any]
PATIENCE_SECONDS = 300.0
"""How long what must come may take; pods pull images and start in this time."""


class CommandFailed(AssertionError):
    """The message is the command and what it said."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """One namespace of the cluster that KUBECONFIG names."""

    namespace: str

    async def kubectl(self, *arguments: str, stdin: str = "") -> str:
        return await run("kubectl", "-n", self.namespace, *arguments, stdin=stdin)

    async def helm(self, *arguments: str) -> str:
        return await run(os.environ.get("ROTUNDA_HELM") or "helm", "-n", self.namespace, *arguments)

    async def apply(self, kind: str, name: str, spec: Object) -> None:
        manifest = {
            "apiVersion": "rotunda.dev/v1alpha1",
            "kind": kind,
            "metadata": {"name": name},
            "spec": spec,
        }
        await self.kubectl("apply", "-f", "-", stdin=json.dumps(manifest))

    async def get(self, kind: str, name: str) -> Object:
        """The object; empty when there is none."""
        text = await self.kubectl("get", kind, name, "-o", "json", "--ignore-not-found")
        found: Object = json.loads(text) if text.strip() else {}
        return found

    async def items(self, kind: str, *options: str) -> list[Object]:
        found: list[Object] = json.loads(await self.kubectl("get", kind, "-o", "json", *options))["items"]
        return found

    async def until(self, kind: str, name: str, holds: Callable[[Object], Any]) -> Object:
        """The object once it is so. Fails with the object where that does not come."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            found = await self.get(kind, name)
            if _holds(holds, found):
                return found
            if time.monotonic() > deadline:
                raise AssertionError(f"after {PATIENCE_SECONDS:.0f} s: {json.dumps(found, indent=1)}")
            await asyncio.sleep(0.5)

    async def until_only(self, kind: str, names: set[str]) -> None:
        """Once there are just these; what has lost its owner is collected a little later."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (found := {each["metadata"]["name"] for each in await self.items(kind)}) != names:
            if time.monotonic() > deadline:
                raise AssertionError(f"after {PATIENCE_SECONDS:.0f} s there are {found}, not {names}")
            await asyncio.sleep(0.5)

    async def placed(self, room: str) -> str:
        """The media node that the room is on, once it is."""
        found = await self.until("room", room, lambda each: each["status"]["assignment"]["mediaNode"])
        node: str = found["status"]["assignment"]["mediaNode"]
        return node

    async def url_of(self, room: str) -> str:
        """As a person reads it: the last column of kubectl get room -o wide."""
        await self.until("room", room, lambda each: each["status"]["joinURL"])
        return (await self.kubectl("get", "room", room, "-o", "wide", "--no-headers")).split()[-1]


async def run(*command: str, stdin: str = "") -> str:
    """Its standard output. Raises CommandFailed."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate(stdin.encode())
    if process.returncode != 0:
        raise CommandFailed(f"{' '.join(command)}:\n{out.decode()}{err.decode()}")
    return out.decode()


def _holds(holds: Callable[[Object], Any], found: Object) -> bool:
    try:
        return bool(holds(found))
    except KeyError:
        return False
