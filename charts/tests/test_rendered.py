"""What the chart renders: valid for a real API server, and restricted where it can be."""

import json
from pathlib import Path

import pytest
import yaml
from chart import NAMESPACE, REPOSITORY, VALUES, Manifest, one, pods, render, values_files

from rotunda_contract.resources import MediaCluster
from rotunda_operator.specs.operator_services import operator_services
from rotunda_operator.testing import ControlPlane

FOREIGN = ("cert-manager.io/v1", "monitoring.coreos.com/v1")
"""Kinds that the test's API server does not know."""


@pytest.fixture(scope="session")
def namespaces(control_plane: ControlPlane) -> None:
    for name, level in ((NAMESPACE, "privileged"), ("tight", "restricted")):
        labels = {"pod-security.kubernetes.io/enforce": level}
        manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
        control_plane.kubectl("apply", "-f", "-", stdin=json.dumps(manifest))
        for account in ("default", "rotunda-operator", "rotunda-crds"):
            control_plane.kubectl("create", "serviceaccount", account, "-n", name, check=False)


@pytest.mark.parametrize("values", values_files(), ids=lambda path: path.stem)
def test_valid_and_restricted(values: Path, control_plane: ControlPlane, namespaces: None) -> None:
    rendered = render("--values", str(values))
    ours = [each for each in rendered if each["apiVersion"] not in FOREIGN]
    dry_run = ("apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", "-")
    told = control_plane.kubectl("-n", NAMESPACE, *dry_run, stdin=yaml.safe_dump_all(ours))
    assert told.count("serverside-applied") == len(ours)
    restricted = pods(rendered)
    assert restricted
    told = control_plane.kubectl("-n", "tight", *dry_run, stdin=yaml.safe_dump_all(restricted))
    assert told.count("serverside-applied") == len(restricted)
    assert "would violate" not in told


@pytest.fixture(scope="module")
def least() -> list[Manifest]:
    return render("--values", str(values_files()[2]))


def test_services_are_those_that_the_operator_is_built_for(least: list[Manifest]) -> None:
    for wanted in operator_services(NAMESPACE, otlp_port=4317, health_port=8081):
        assert one(least, "Service", wanted["metadata"]["name"])["spec"] == wanted["spec"]


def test_the_operators_rules_are_those_that_it_is_tested_with(least: list[Manifest]) -> None:
    wanted = {
        each["metadata"]["name"]: each["rules"]
        for each in yaml.safe_load_all((REPOSITORY / "operator" / "rbac.yaml").read_text())
    }
    assert one(least, "Role", "rotunda-operator")["rules"] == wanted["rotunda-operator"]
    assert (
        one(least, "ClusterRole", f"rotunda-operator-{NAMESPACE}")["rules"]
        == wanted["rotunda-operator-nodes"]
    )


def test_everything_that_a_media_cluster_names_is_there(least: list[Manifest]) -> None:
    cluster = MediaCluster.model_validate(one(least, "MediaCluster", "default"))
    spec = cluster.spec
    named = {
        spec.signaling.tls_secret_ref,
        spec.turn.tls_secret_ref,
        spec.redis.secret_ref,
        spec.database.secret_ref,
        spec.auth.api_keys_secret_ref,
    }
    assert named == {"rotunda-https", "rotunda-redis", "rotunda-database", "rotunda-api-keys"}
    generated = told_operator(least)["ROTUNDA_OPERATOR_GENERATE"].split(",")
    assert {f"rotunda-{what}" for what in generated} == named


@pytest.mark.parametrize("values", values_files(), ids=lambda path: path.stem)
def test_rendering_twice_gives_the_same_and_no_secret(values: Path) -> None:
    """Argo CD and Flux would change at each look what is drawn by a template."""
    first, second = (render("--values", str(values)) for _ in range(2))
    assert first == second
    assert [each["metadata"]["name"] for each in first if each["kind"] == "Secret"] == []


def test_what_is_brought_along_is_not_generated() -> None:
    assert told_operator(render("--values", str(VALUES / "yours.yaml")))["ROTUNDA_OPERATOR_GENERATE"] == ""
    told = told_operator(render("--values", str(VALUES / "address.yaml")))
    assert told["ROTUNDA_OPERATOR_GENERATE"] == "api-keys,https"
    assert told["ROTUNDA_OPERATOR_HTTPS_NAMES"] == "192.0.2.1,default-signaling.meet.svc,localhost"


@pytest.mark.parametrize(
    ("given", "access"),
    [
        ((), "Open"),
        (("rooms.defaults.maxParticipants=8",), "Open"),
        (("rooms.defaults.access=Token",), "Token"),
        (("auth.apiKeysSecretName=mine",), None),
        (("auth.apiKeysSecretName=mine", "rooms.defaults.access=Open"), "Open"),
    ],
)
def test_keys_of_yours_mean_rooms_that_take_tokens(given: tuple[str, ...], access: str | None) -> None:
    """What is absent is Token where there are keys; a generated one is no wish for tokens."""
    values = ("--values", str(VALUES / "least.yaml"), *(f"--set={each}" for each in given))
    cluster = MediaCluster.model_validate(one(render(*values), "MediaCluster", "default"))
    assert cluster.spec.rooms.defaults.access == access
    if "rooms.defaults.maxParticipants=8" in given:
        assert cluster.spec.rooms.defaults.max_participants == 8


def told_operator(rendered: list[Manifest]) -> dict[str, str]:
    """The operator's environment."""
    container = one(rendered, "Deployment", "rotunda-operator")["spec"]["template"]["spec"]["containers"][0]
    return {each["name"]: each["value"] for each in container["env"] if "value" in each}


def test_behind_an_ingress_tls_ends_there() -> None:
    rendered = render("--values", str(values_files()[1]))
    cluster = one(rendered, "MediaCluster", "default")["spec"]
    assert (cluster["signaling"]["tlsSecretRef"], cluster["signaling"]["service"]["type"]) == (
        "",
        "ClusterIP",
    )
    ingress = one(rendered, "Ingress", "rotunda")
    assert ingress["metadata"]["annotations"]["cert-manager.io/cluster-issuer"] == "letsencrypt"
    assert ingress["spec"]["tls"] == [{"hosts": ["meet.example.org"], "secretName": "rotunda-https"}]
    one(rendered, "ServiceMonitor", "rotunda-signaling")


def test_on_docker_desktop_media_is_announced_at_loopback() -> None:
    kind, desktop = (values_files()[-1].with_name(f"values-kind{end}.yaml") for end in ("", "-desktop"))
    cluster = one(render("--values", str(kind), "--values", str(desktop)), "MediaCluster", "default")["spec"]
    assert cluster["mediaNodes"]["network"]["announce"] == "127.0.0.1"
    affinity = cluster["mediaNodes"]["template"]["affinity"]["podAntiAffinity"]
    assert affinity == {"preferredDuringSchedulingIgnoredDuringExecution": []}
