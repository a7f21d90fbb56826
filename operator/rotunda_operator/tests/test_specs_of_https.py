"""Signaling pods that serve HTTPS themselves."""

from rotunda_operator.specs.signaling import signaling_objects
from rotunda_operator.tests import samples
from rotunda_operator.tests.golden import check_golden


def test_signaling_with_a_certificate() -> None:
    spec = {"tlsSecretRef": "meet-tls", "service": {"type": "NodePort", "nodePort": 30443}}
    objects = signaling_objects(samples.cluster(signaling=spec), samples.INSTALLATION)
    check_golden("signaling_https", objects[3], objects[4])


def test_without_a_certificate_nothing_of_https_is_left() -> None:
    service, deployment = signaling_objects(samples.cluster(), samples.INSTALLATION)[3:5]
    assert [port["name"] for port in service["spec"]["ports"]] == ["http"]
    pod = deployment["spec"]["template"]["spec"]
    assert "https" not in [volume["name"] for volume in pod["volumes"]]
    assert pod["containers"][0]["readinessProbe"]["httpGet"]["scheme"] == "HTTP"
