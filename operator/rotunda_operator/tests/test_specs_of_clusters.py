"""The objects of a MediaCluster."""

from rotunda_operator.specs.operator_services import operator_services
from rotunda_operator.specs.signaling import signaling_objects
from rotunda_operator.tests import samples
from rotunda_operator.tests.golden import check_golden


def test_signaling() -> None:
    check_golden("signaling", *signaling_objects(samples.cluster(), samples.INSTALLATION))


def test_signaling_at_a_port_of_every_kubernetes_node() -> None:
    spec = {"replicas": 1, "service": {"type": "NodePort", "nodePort": 30080}}
    objects = signaling_objects(samples.cluster(signaling=spec), samples.PLAIN)
    service, deployment = objects[3], objects[4]
    assert service["spec"]["type"] == "NodePort"
    assert service["spec"]["ports"][0]["nodePort"] == 30080
    assert deployment["spec"]["replicas"] == 1
    assert deployment["spec"]["template"]["spec"]["containers"][0]["image"] == "signaling:dev"


def test_api_keys_are_mounted_so_that_they_can_change_under_running_pods() -> None:
    cluster = samples.cluster(auth={"apiKeysSecretRef": "my-keys"})
    pod = signaling_objects(cluster, samples.PLAIN)[4]["spec"]["template"]["spec"]
    container = pod["containers"][0]
    directory = next(
        each["value"] for each in container["env"] if each["name"] == "ROTUNDA_API_KEYS_DIRECTORY"
    )
    mount = next(each for each in container["volumeMounts"] if each["mountPath"] == directory)
    volume = next(each for each in pod["volumes"] if each["name"] == mount["name"])
    assert volume["secret"] == {"secretName": "my-keys", "defaultMode": 0o440}
    assert mount["readOnly"] is True
    assert "my-keys" not in str(container["env"])


def test_services_of_the_operator_select_who_holds_the_lease() -> None:
    check_golden("operator_services", *operator_services("rotunda-system", otlp_port=4317, health_port=8081))


def test_a_clusters_own_images_win() -> None:
    cluster = samples.cluster(images={"registry": "mirror.example.net", "tag": "2.0.0"})
    assert samples.INSTALLATION.image(cluster, "sfu") == "mirror.example.net/sfu:2.0.0"
    assert samples.INSTALLATION.image(samples.cluster(), "sfu") == "registry.example.org/rotunda/sfu:1.2.3"
