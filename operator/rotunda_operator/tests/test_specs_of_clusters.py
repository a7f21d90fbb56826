"""The objects of a MediaCluster."""

from rotunda_kube import Manifest
from rotunda_operator.clusters.references import missing
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


def test_signaling_learns_of_redis_and_the_database_from_secrets() -> None:
    cluster = samples.cluster(redis={"secretRef": "chat-redis"}, database={"secretRef": "chat-sql"})
    container = signaling_objects(cluster, samples.PLAIN)[4]["spec"]["template"]["spec"]["containers"][0]
    named = {entry["name"]: entry.get("valueFrom") for entry in container["env"]}
    assert named["ROTUNDA_REDIS_URL"] == {"secretKeyRef": {"name": "chat-redis", "key": "url"}}
    assert named["ROTUNDA_DATABASE_URL"] == {"secretKeyRef": {"name": "chat-sql", "key": "url"}}


def test_missing_or_incomplete_secrets_that_the_spec_names_are_problems() -> None:
    cluster = samples.cluster(
        redis={"secretRef": "r"},
        database={"secretRef": "d"},
        auth={"apiKeysSecretRef": "k"},
        signaling={"tlsSecretRef": "t"},
        turn={"enabled": False, "tlsSecretRef": "unused"},
    )
    found: dict[str, Manifest] = {"d": {"data": {"uri": "eA=="}}, "k": {}, "t": {"data": {"tls.crt": "eA=="}}}
    assert missing(cluster, found) == [
        "Secret r, which redis.secretRef names, is not there.",
        "Secret d, which database.secretRef names, has no url.",
        "Secret k, which auth.apiKeysSecretRef names, is empty.",
        "Secret t, which signaling.tlsSecretRef names, has no tls.key.",
    ]
    both = {"tls.crt": "eA==", "tls.key": "eA=="}
    whole = {"r": {"url": "eA=="}, "d": {"url": "eA=="}, "k": {"key-1": "eA=="}, "t": both}
    assert missing(cluster, {name: {"data": data} for name, data in whole.items()}) == []
    assert missing(samples.cluster(), {}) == []
