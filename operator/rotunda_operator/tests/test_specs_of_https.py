"""Signaling pods that serve HTTPS themselves."""

from rotunda_operator.specs.signaling import signaling_objects
from rotunda_operator.tests import samples


def test_signaling_with_a_certificate() -> None:
    spec = {"tlsSecretRef": "meet-tls", "service": {"type": "NodePort", "nodePort": 30443}}
    objects = signaling_objects(samples.cluster(signaling=spec), samples.INSTALLATION)
    service, deployment = objects[3:5]
    port = {"name": "https", "port": 443, "targetPort": "https", "protocol": "TCP", "nodePort": 30443}
    assert service["spec"]["ports"] == [port]
    pod = deployment["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    variables = {each["name"]: each.get("value") for each in container["env"]}
    assert (variables["ROTUNDA_PORT"], variables["ROTUNDA_HTTPS_DIRECTORY"]) == ("8443", "/etc/rotunda/https")
    assert container["ports"] == [{"name": "https", "containerPort": 8443, "protocol": "TCP"}]
    assert {"name": "https", "mountPath": "/etc/rotunda/https", "readOnly": True} in container["volumeMounts"]
    assert {"name": "https", "secret": {"secretName": "meet-tls", "defaultMode": 0o440}} in pod["volumes"]
    for probe in ("readinessProbe", "livenessProbe"):
        assert (container[probe]["httpGet"]["port"], container[probe]["httpGet"]["scheme"]) == (
            "https",
            "HTTPS",
        )


def test_without_a_certificate_nothing_of_https_is_left() -> None:
    service, deployment = signaling_objects(samples.cluster(), samples.INSTALLATION)[3:5]
    assert [port["name"] for port in service["spec"]["ports"]] == ["http"]
    pod = deployment["spec"]["template"]["spec"]
    assert "https" not in [volume["name"] for volume in pod["volumes"]]
    assert pod["containers"][0]["readinessProbe"]["httpGet"]["scheme"] == "HTTP"
