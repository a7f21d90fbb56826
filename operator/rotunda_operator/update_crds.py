"""`rotunda update-crds`: brings custom resource definitions up to date, which Helm never does."""

import asyncio
from pathlib import Path
from typing import Any

import yaml

from rotunda_kube import KubeApi, NotFound
from rotunda_kube.api import connect
from rotunda_kube.resource import Resource

DEFINITIONS = Resource("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition")


def run(directory: Path, kubeconfig: Path | None = None) -> None:
    """Each definition found there, a line on standard output for each. Raises KubeError or OSError."""
    wanted = read(directory)
    asyncio.run(_run(wanted, kubeconfig))


def read(directory: Path) -> list[dict[str, Any]]:
    """Raises OSError where the directory holds none, or something else."""
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


async def update(api: KubeApi, wanted: dict[str, Any]) -> bool:
    """Whether anything changed. Raises KubeError, and NotFound with what to do where there is none."""
    name = wanted["metadata"]["name"]
    try:
        standing = await api.get(DEFINITIONS, "", name)
    except NotFound:
        raise NotFound(f"{name} is missing: kubectl apply -f crds/, or helm without --skip-crds") from None
    version = standing["metadata"]["resourceVersion"]
    patched = await api.patch(DEFINITIONS, "", name, {"spec": wanted["spec"]}, resource_version=version)
    return bool(patched["metadata"]["generation"] != standing["metadata"]["generation"])


async def _run(wanted: list[dict[str, Any]], kubeconfig: Path | None) -> None:
    api = await connect(kubeconfig)
    try:
        for manifest in wanted:
            changed = await update(api, manifest)
            print(f"{manifest['metadata']['name']}: {'updated' if changed else 'up to date'}", flush=True)
    finally:
        await api.close()
