"""A release's life against a real API server: what upgrades keep and helm uninstall leaves. No pod runs."""

import base64
import json
import ssl
from pathlib import Path

import pytest
from chart import CHART, VALUES, helm
from cryptography import x509

from rotunda_operator.testing import ControlPlane

SECRETS = ("rotunda-api-keys", "rotunda-database", "rotunda-https", "rotunda-https-ca", "rotunda-redis")
LEFT = {"rotunda-database", "rotunda-https-ca"}


class Release:
    """In a namespace of its own."""

    def __init__(self, plane: ControlPlane, namespace: str) -> None:
        self.plane = plane
        self.namespace = namespace
        plane.kubectl("create", "namespace", namespace)

    def upgrade(self, *arguments: str) -> str:
        """Installs or upgrades; hooks would need kubelets. What helm said."""
        command = ("upgrade", "--install", "rotunda", str(CHART), "--namespace", self.namespace, "--no-hooks")
        values = ("--values", str(VALUES / "least.yaml"))
        done = helm(*command, *values, *arguments, kubeconfig=self.plane.kubeconfig)
        return done.stdout if done.returncode == 0 else done.stderr

    def uninstall(self) -> None:
        done = helm(
            *("uninstall", "rotunda", "--namespace", self.namespace, "--no-hooks"),
            kubeconfig=self.plane.kubeconfig,
        )
        assert done.returncode == 0, done.stderr

    def secrets(self) -> dict[str, dict[str, str]]:
        text = self.plane.kubectl("-n", self.namespace, "get", "secrets", "-o", "json")
        found = {each["metadata"]["name"]: each["data"] for each in json.loads(text)["items"]}
        return {name: data for name, data in found.items() if not name.startswith("sh.helm.release")}


@pytest.fixture
def release(control_plane: ControlPlane, request: pytest.FixtureRequest) -> Release:
    return Release(control_plane, request.node.name.replace("_", "-")[:60])


def test_upgrades_keep_what_was_generated(release: Release) -> None:
    assert "STATUS: deployed" in release.upgrade()
    before = release.secrets()
    assert tuple(sorted(before)) == SECRETS
    told = release.upgrade("--set", "signaling.replicas=3")
    assert "STATUS: deployed" in told
    assert release.secrets() == before
    cluster = json.loads(release.plane.kubectl("-n", release.namespace, "get", "mc", "default", "-o", "json"))
    assert cluster["spec"]["signaling"]["replicas"] == 3


def test_another_name_gets_another_certificate_of_the_same_authority(
    release: Release, tmp_path: Path
) -> None:
    release.upgrade()
    before = release.secrets()
    release.upgrade("--set", "publicURL=https://calls.example.org")
    after = release.secrets()
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
    before = release.secrets()
    release.uninstall()
    assert {*release.secrets()} == LEFT
    kinds = (
        "deployments,statefulsets,services,configmaps,serviceaccounts,roles,rolebindings,mc,networkpolicies"
    )
    left = release.plane.kubectl("-n", release.namespace, "get", kinds, "-o", "name").split()
    assert [name for name in left if "rotunda" in name or "default" in name] == []
    assert "rooms.rotunda.dev" in release.plane.kubectl("get", "crd", "-o", "name")
    for name in (*LEFT, "rooms.rotunda.dev", "data-rotunda-postgresql-0", "rotunda-operator-ca"):
        assert name in notes
    release.upgrade()  # takes up again what was left
    after = release.secrets()
    assert {name: after[name] for name in LEFT} == {name: before[name] for name in LEFT}


def test_a_namespace_that_enforces_restricted_is_refused(release: Release) -> None:
    label = "pod-security.kubernetes.io/enforce=restricted"
    release.plane.kubectl("label", "namespace", release.namespace, label)
    told = release.upgrade()
    assert f"the namespace {release.namespace} enforces the PodSecurity level restricted" in told
    assert "pod-security.kubernetes.io/enforce=privileged" in told


def decoded(text: str) -> bytes:
    return base64.b64decode(text)


def pem(text: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(decoded(text))
