"""helm as the tests use it."""

import os
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
CHART = REPOSITORY / "charts" / "rotunda"
VALUES = Path(__file__).parent / "values"
NAMESPACE = "meet"
KUBERNETES = ("--kube-version", "1.36.0")
"""What is rendered for, as there is no cluster to ask."""
OPTIONAL_APIS = ("cert-manager.io/v1", "monitoring.coreos.com/v1")

Manifest = dict[str, Any]


@cache
def helm_path() -> str:
    """Built on a machine's first run, which takes minutes."""
    script = REPOSITORY / "scripts" / "helm.sh"
    return subprocess.run([script], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def helm(*arguments: str, kubeconfig: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Runs it; what it wrote is in the answer, whatever the exit status."""
    environment = os.environ | ({"KUBECONFIG": str(kubeconfig)} if kubeconfig else {"KUBECONFIG": os.devnull})
    return subprocess.run([helm_path(), *arguments], capture_output=True, text=True, env=environment)


def render(*arguments: str) -> list[Manifest]:
    """What the chart makes. A refusal fails with helm's words."""
    apis = [f"--api-versions={each}" for each in OPTIONAL_APIS]
    done = helm("template", "rotunda", str(CHART), "--namespace", NAMESPACE, *KUBERNETES, *apis, *arguments)
    assert done.returncode == 0, done.stderr
    return [manifest for manifest in yaml.safe_load_all(done.stdout) if manifest]


def values_files() -> list[Path]:
    return [*sorted(VALUES.glob("*.yaml")), CHART / "values-kind.yaml"]


def pods(manifests: list[Manifest]) -> list[Manifest]:
    """Those of a chart's workloads, as Pods; what they claim is a scratch volume here."""
    found = []
    for manifest in manifests:
        template = manifest if manifest["kind"] == "Pod" else manifest.get("spec", {}).get("template")
        if not isinstance(template, dict) or "containers" not in template.get("spec", {}):
            continue
        claims = manifest["spec"].get("volumeClaimTemplates", [])
        volumes = [{"name": each["metadata"]["name"], "emptyDir": {}} for each in claims]
        spec = template["spec"] | {"volumes": template["spec"].get("volumes", []) + volumes}
        name = f"{manifest['metadata']['name']}-{manifest['kind'].lower()}"
        found.append({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec})
    return found


def one(manifests: list[Manifest], kind: str, name: str) -> Manifest:
    (found,) = [each for each in manifests if (each["kind"], each["metadata"]["name"]) == (kind, name)]
    return found
