"""A release's life against a real API server: what upgrades keep and helm uninstall leaves. No pod runs, but
the operator as a process, with the rights and the environment that the chart gives it."""

import base64
import json
import shutil
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from chart import CHART, VALUES, helm
from cryptography import x509

from rotunda_operator.testing import ControlPlane
from rotunda_operator.testing.operator_process import OperatorProcess

GENERATED = {f"rotunda-{what}" for what in ("api-keys", "database", "https", "https-ca", "redis")}
PATIENCE_SECONDS = 120.0
LOCAL = ("otlp_address", "otlp_endpoint", "health_port")
"""Settings that a process of this machine cannot take over from a pod."""

Secrets = dict[str, dict[str, str]]


class Release:
    """In a namespace of its own."""

    def __init__(self, plane: ControlPlane, namespace: str, folder: Path) -> None:
        self.plane = plane
        self.namespace = namespace
        self._folder = folder
        plane.kubectl("create", "namespace", namespace)

    def upgrade(self, *arguments: str, chart: Path = CHART) -> str:
        """Installs or upgrades; hooks would need kubelets. What helm said."""
        command = ("upgrade", "--install", "rotunda", str(chart), "--namespace", self.namespace, "--no-hooks")
        values = ("--values", str(VALUES / "least.yaml"))
        done = helm(*command, *values, *arguments, kubeconfig=self.plane.kubeconfig)
        return done.stdout if done.returncode == 0 else done.stderr

    def uninstall(self) -> None:
        done = helm(
            *("uninstall", "rotunda", "--namespace", self.namespace, "--no-hooks"),
            kubeconfig=self.plane.kubeconfig,
        )
        assert done.returncode == 0, done.stderr

    def get(self, kind: str, name: str) -> dict[str, object]:
        text = self.plane.kubectl("-n", self.namespace, "get", kind, name, "-o", "json")
        found: dict[str, object] = json.loads(text)
        return found

    def secrets(self) -> Secrets:
        """Those of the release, and those that its operator generates."""
        text = self.plane.kubectl("-n", self.namespace, "get", "secrets", "-o", "json")
        found = {each["metadata"]["name"]: each["data"] for each in json.loads(text)["items"]}
        return {name: data for name, data in found.items() if name in GENERATED}

    @contextmanager
    def operator(self) -> Iterator[OperatorProcess]:
        """At work with the account and the environment that the chart gives it."""
        deployment = json.dumps(self.get("deployment", "rotunda-operator"))
        container = json.loads(deployment)["spec"]["template"]["spec"]["containers"][0]
        prefix = "ROTUNDA_OPERATOR_"
        told = {
            each["name"].removeprefix(prefix).lower(): each["value"]
            for each in container["env"]
            if "value" in each
        }
        process = OperatorProcess(
            self._folder,
            self.plane.account_kubeconfig(self.namespace, "rotunda-operator"),
            self.namespace,
            **{name: value for name, value in told.items() if name not in LOCAL},
        )
        process.start()
        try:
            yield process
        finally:
            process.kill()

    def generated(self) -> Secrets:
        """What the operator makes, once all of it stands."""
        with self.operator() as process:
            deadline = time.monotonic() + PATIENCE_SECONDS
            while {*self.secrets()} != GENERATED:
                assert time.monotonic() < deadline, process.log.read_text()
                time.sleep(0.1)
            process.check_log()
        return self.secrets()


@pytest.fixture
def release(control_plane: ControlPlane, request: pytest.FixtureRequest, tmp_path: Path) -> Release:
    return Release(control_plane, request.node.name.replace("_", "-")[:60], tmp_path)


def test_upgrades_keep_what_was_generated(release: Release) -> None:
    assert "STATUS: deployed" in release.upgrade()
    assert release.secrets() == {}
    before = release.generated()
    told = release.upgrade("--set", "signaling.replicas=3")
    assert "STATUS: deployed" in told
    assert release.secrets() == before
    assert release.generated() == before
    cluster = json.loads(release.plane.kubectl("-n", release.namespace, "get", "mc", "default", "-o", "json"))
    assert cluster["spec"]["signaling"]["replicas"] == 3


def test_a_release_of_an_earlier_chart_keeps_its_secrets(release: Release, tmp_path: Path) -> None:
    """Which made them itself: they are in its manifests, and no longer in those of this chart."""
    earlier = tmp_path / "earlier"
    shutil.copytree(CHART, earlier)
    made: Secrets = {name: {"password": encoded(f"of {name}")} for name in GENERATED}
    templates = [
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "labels": {"app.kubernetes.io/managed-by": "Helm"}},
            "data": data,
        }
        for name, data in made.items()
    ]
    (earlier / "templates" / "kept-secrets.yaml").write_text(yaml.safe_dump_all(templates))
    assert "STATUS: deployed" in release.upgrade(chart=earlier)
    assert release.secrets() == made
    for _ in range(2):
        assert "STATUS: deployed" in release.upgrade()
        assert release.secrets() == made
    release.uninstall()
    assert release.secrets() == made


def test_another_name_gets_another_certificate_of_the_same_authority(
    release: Release, tmp_path: Path
) -> None:
    release.upgrade()
    before = release.generated()
    release.upgrade("--set", "publicURL=https://calls.example.org")
    with release.operator() as process:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (after := release.secrets())["rotunda-https"] == before["rotunda-https"]:
            assert time.monotonic() < deadline, process.log.read_text()
            time.sleep(0.1)
    assert after["rotunda-https-ca"] == before["rotunda-https-ca"]
    assert after["rotunda-https"]["ca.crt"] == before["rotunda-https"]["ca.crt"]
    authority, certificate = (pem(after["rotunda-https"][name]) for name in ("ca.crt", "tls.crt"))
    certificate.verify_directly_issued_by(authority)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    host = f"default-signaling.{release.namespace}.svc"
    assert names.get_values_for_type(x509.DNSName) == ["calls.example.org", host, "localhost"]
    for name in ("tls.crt", "tls.key"):
        (tmp_path / name).write_bytes(decoded(after["rotunda-https"][name]))
    ssl.create_default_context().load_cert_chain(tmp_path / "tls.crt", tmp_path / "tls.key")


def test_uninstall_leaves_what_the_notes_name(release: Release) -> None:
    notes = release.upgrade()
    before = release.generated()
    release.uninstall()
    assert release.secrets() == before
    kinds = (
        "deployments,statefulsets,services,configmaps,serviceaccounts,roles,rolebindings,mc,networkpolicies"
    )
    # What the operator made for the MediaCluster goes with it where there is a garbage collector.
    left = json.loads(release.plane.kubectl("-n", release.namespace, "get", kinds, "-o", "json"))["items"]
    unowned = [each["metadata"]["name"] for each in left if not each["metadata"].get("ownerReferences")]
    assert [name for name in unowned if "rotunda" in name or "default" in name] == []
    assert "rooms.rotunda.dev" in release.plane.kubectl("get", "crd", "-o", "name")
    for name in (*GENERATED, "rooms.rotunda.dev", "data-rotunda-postgresql-0", "rotunda-operator-ca"):
        assert name in notes
    release.upgrade()  # takes up again what was left
    assert release.generated() == before


def test_a_namespace_that_enforces_restricted_is_refused(release: Release) -> None:
    label = "pod-security.kubernetes.io/enforce=restricted"
    release.plane.kubectl("label", "namespace", release.namespace, label)
    told = release.upgrade()
    assert f"the namespace {release.namespace} enforces the PodSecurity level restricted" in told
    assert "pod-security.kubernetes.io/enforce=privileged" in told


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def decoded(text: str) -> bytes:
    return base64.b64decode(text)


def pem(text: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(decoded(text))
