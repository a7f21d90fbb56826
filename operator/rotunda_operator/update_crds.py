"""`rotunda update-crds`: updates custom resource definitions (CRDs), which Helm never does."""

import asyncio
from pathlib import Path
from typing import Any

import yaml

from rotunda_kube import KubeApi, NotFound
from rotunda_kube.api import connect
from rotunda_kube.resource import Resource

DEFINITIONS = Resource("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition")


def run(directory: Path, kubeconfig: Path | None = None) -> None:
    """Updates each definition in the directory, and prints a line for each. Raises KubeError or OSError."""
    desired = read(directory)
    asyncio.run(_run(desired, kubeconfig))


def read(directory: Path) -> list[dict[str, Any]]:
    """The definitions in the directory. Raises OSError where it holds none, or something else."""
    found: list[dict[str, Any]] = []
    for path in sorted(directory.glob("*.yaml")):
        try:
            parsed = list(yaml.safe_load_all(path.read_text()))
        except yaml.YAMLError as error:
            raise OSError(f"{path} is no YAML: {error}") from error
        for manifest in parsed:
            if not isinstance(manifest, dict) or manifest.get("kind") != DEFINITIONS.kind:
                raise OSError(f"{path} holds something else than a {DEFINITIONS.kind}")
            found.append(manifest)
    if not found:
        raise OSError(f"{directory} holds no *.yaml with a {DEFINITIONS.kind}")
    return found


async def update(api: KubeApi, desired: dict[str, Any]) -> bool:
    """Answers whether anything changed. Raises KubeError; NotFound says what to do where it does not
    exist."""
    name = desired["metadata"]["name"]
    try:
        actual = await api.get(DEFINITIONS, "", name)
    except NotFound:
        raise NotFound(f"{name} is missing: kubectl apply -f crds/, or helm without --skip-crds") from None
    version = actual["metadata"]["resourceVersion"]
    patched = await api.patch(DEFINITIONS, "", name, {"spec": desired["spec"]}, resource_version=version)
    return bool(patched["metadata"]["generation"] != actual["metadata"]["generation"])


async def _run(desired: list[dict[str, Any]], kubeconfig: Path | None) -> None:
    api = await connect(kubeconfig)
    try:
        for manifest in desired:
            changed = await update(api, manifest)
            print(f"{manifest['metadata']['name']}: {'updated' if changed else 'up to date'}", flush=True)
    finally:
        await api.close()
