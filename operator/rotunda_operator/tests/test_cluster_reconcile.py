"""A MediaCluster is applied: its objects are created, and media nodes are added and removed."""

import base64

import pytest
import yaml

from rotunda_operator.clusters.turn import SECRET_HASH
from rotunda_operator.testing import Stage
from rotunda_operator.testing.stage import Object

pytestmark = pytest.mark.timeout(900)


def test_the_objects_of_an_applied_cluster_are_created(stage: Stage) -> None:
    stage.kubelet()
    stage.apply("MediaCluster", "meet", {"publicURL": "https://meet.example.org", "mediaNodes": {"min": 2}})

    stage.until("deployment", "meet-signaling", bool)
    stage.until("deployment", "meet-turn", bool)
    for kind in ("service", "serviceaccount", "role", "rolebinding", "pdb"):
        assert stage.until(kind, "meet-signaling", bool)["metadata"]["ownerReferences"]
    for secret in ("meet-turn", "meet-signaling-tls", "meet-media-node-tls"):
        stage.until("secret", secret, bool)
    nodes = stage.until_items("mn", lambda found: len(found) == 2)
    for node in (item["metadata"]["name"] for item in nodes):
        stage.reporter.report(node)
        stage.until("mn", node, lambda found: found["status"]["phase"] == "Ready")
    ports = [item["status"]["ports"]["media"] for item in stage.items("mn")]
    assert len(set(ports)) == 2
    cluster = stage.until("mc", "meet", lambda found: found["status"]["readyMediaNodes"] == 2)
    reasons = {c["type"]: c["reason"] for c in cluster["status"]["conditions"]}
    assert reasons["MediaNodesReady"] == "Ready"
    assert reasons["SignalingReady"] == "PodsStarting"


def test_what_a_person_broke_is_put_right_and_what_is_theirs_left_alone(stage: Stage) -> None:
    stage.kubectl("create", "serviceaccount", "meet-signaling")
    stage.apply("MediaCluster", "meet", {"mediaNodes": {"min": 0}})

    stuck = stage.until("mc", "meet", lambda found: _reason(found, "Ready") == "CannotBeMade")
    message = next(c["message"] for c in stuck["status"]["conditions"] if c["type"] == "Ready")
    assert "ServiceAccount meet-signaling is there already" in message

    stage.until("deployment", "meet-signaling", bool)
    stage.kubectl("scale", "deployment", "meet-signaling", "--replicas=7")
    stage.until("deployment", "meet-signaling", lambda found: found["spec"]["replicas"] == 2)


def test_the_fleet_grows_when_it_is_full_and_goes_to_zero_when_nobody_needs_it(stage: Stage) -> None:
    stage.kubelet()
    scaling = {"scaleDownDelaySeconds": 2, "spareRooms": 0}
    stage.apply("MediaCluster", "meet", {"mediaNodes": {"min": 0, "max": 2, "scaling": scaling}})
    stage.apply("Room", "first", {"clusterRef": "meet", "emptyTTLSeconds": 600})
    stage.until("mn", "meet-media-0", bool)
    stage.reporter.report("meet-media-0", 0.1)
    assert stage.placed("first") == "meet-media-0"

    stage.reporter.report("meet-media-0", 0.99, rooms={"first": 10})
    stage.until("mn", "meet-media-1", bool)
    stage.apply("Room", "second", {"clusterRef": "meet", "emptyTTLSeconds": 600})
    stage.reporter.report("meet-media-1", 0.1)
    assert stage.placed("second") == "meet-media-1"

    stage.reporter.report("meet-media-0", 0.0)
    stage.reporter.report("meet-media-1", 0.0)
    for room in ("first", "second"):
        stage.apply("Room", room, {"clusterRef": "meet", "emptyTTLSeconds": 1})
    stage.until_items("mn", lambda found: not found)

    stage.apply("Room", "third", {"clusterRef": "meet"})
    stage.until("mn", "meet-media-0", bool)


def test_turn_servers_learn_of_media_nodes_and_clients_of_turn_servers(stage: Stage) -> None:
    stage.kubelet()
    stage.apply("MediaCluster", "meet", {"mediaNodes": {"min": 1}})
    labels = stage.until("deployment", "meet-turn", bool)["spec"]["template"]["metadata"]["labels"]
    key = stage.until("secret", "meet-turn", lambda found: _value(found, "peers") == "127.0.0.1\n")
    assert _value(key, "urls") == ""

    # What a Deployment's controller would make.
    container = {"name": "coturn", "image": "coturn"}
    pod: Object = {"metadata": {"name": "turn-1", "labels": labels}, "spec": {"containers": [container]}}
    pod |= {"apiVersion": "v1", "kind": "Pod"}
    stage.plane.kubectl("-n", stage.namespace, "apply", "-f", "-", stdin=yaml.safe_dump(pod))
    urls = "turn:127.0.0.1:3478?transport=udp\nturn:127.0.0.1:3478?transport=tcp\n"
    secret = stage.until("secret", "meet-turn", lambda found: _value(found, "urls") == urls)
    assert _value(secret, "secret") == _value(key, "secret")
    seen = stage.until("pod", "turn-1", lambda found: SECRET_HASH in found["metadata"]["annotations"])

    stage.kubectl("annotate", "mc", "meet", "rotunda.dev/rotate-turn-key=leaked")
    rotating = stage.until("secret", "meet-turn", lambda found: _value(found, "next"))
    assert _value(rotating, "secret") == _value(key, "secret")
    mark = seen["metadata"]["annotations"][SECRET_HASH]
    stage.until("pod", "turn-1", lambda found: found["metadata"]["annotations"][SECRET_HASH] != mark)
    deployment = stage.get("deployment", "meet-turn")
    assert deployment["metadata"]["generation"] == 1, "no TURN server starts anew"


def _value(secret: Object, key: str) -> str:
    return base64.b64decode(secret["data"][key]).decode()


def _reason(found: Object, type: str) -> str:
    conditions = found["status"]["conditions"]
    return next(str(c["reason"]) for c in conditions if c["type"] == type)
