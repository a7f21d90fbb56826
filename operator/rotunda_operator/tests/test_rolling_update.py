"""A changed template reaches media nodes, against a real API server and a kubelet that runs pods."""

from collections.abc import Callable

import pytest

from rotunda_operator.testing import Stage
from rotunda_operator.testing.kubelet import BROKEN_TAG
from rotunda_operator.testing.stage import Object

pytestmark = pytest.mark.timeout(900)


def apply(stage: Stage, tag: str, **media_nodes: object) -> None:
    stage.apply("MediaCluster", "default", {"images": {"tag": tag}, "mediaNodes": media_nodes})


def image_of(stage: Stage, node: str) -> str:
    """Of the pod that its status names."""
    pod = stage.get("pod", stage.get("mn", node)["status"]["podName"])
    image: str = pod["spec"]["containers"][0]["image"] if pod else ""
    return image


def progressing(cluster: Object) -> tuple[str, str]:
    found = next(c for c in cluster["status"]["conditions"] if c["type"] == "Progressing")
    return found["status"], found["reason"]


def updated(count: int) -> Callable[[Object], bool]:
    def holds(cluster: Object) -> bool:
        status = cluster["status"]
        done = status["updatedMediaNodes"] == count == status["readyMediaNodes"]
        return bool(done) and progressing(cluster) == ("False", "Updated")

    return holds


def test_a_changed_image_reaches_the_empty_the_never_started_and_the_occupied(stage: Stage) -> None:
    stage.kubelet()
    apply(stage, "one", min=0)
    stage.serve("empty", "occupied")
    stage.apply("Room", "busy", {"placement": {"pinTo": "occupied"}})
    assert stage.placed("busy") == "occupied"
    stage.reporter.report("occupied", 0.2, rooms={"busy": 3})
    apply(stage, BROKEN_TAG, min=0, template={"nodeSelector": {"never": "there"}})
    apply(stage, "one", min=0)
    stage.until("mc", "default", updated(2))
    stage.apply("MediaNode", "never")
    stage.until("mn", "never", lambda found: found["status"]["podName"])

    apply(stage, "two", min=0)

    stage.until("mn", "empty", lambda _: image_of(stage, "empty").endswith(":two"))
    stage.until("mn", "never", lambda _: image_of(stage, "never").endswith(":two"))
    stage.until("mn", "empty", lambda found: found["status"]["phase"] == "Ready")
    held = stage.until("mn", "occupied", lambda found: found["status"]["phase"] == "Draining")
    assert held["spec"]["cordoned"]
    assert image_of(stage, "occupied").endswith(":one")
    cluster = stage.get("mc", "default")
    assert progressing(cluster) == ("True", "Renewing")

    stage.reporter.report("never", 0.1)
    stage.kubectl("delete", "room", "busy")
    stage.reporter.report("occupied", 0.0)
    stage.until("mn", "occupied", lambda _: image_of(stage, "occupied").endswith(":two"))
    stage.until("mc", "default", updated(3))
    renewed = stage.get("mn", "occupied")
    assert not renewed["spec"]["cordoned"]


def test_an_image_that_cannot_be_pulled_stops_the_rollout_at_one_media_node(stage: Stage) -> None:
    stage.kubelet()
    apply(stage, "one", min=0)
    stage.serve("a", "b", "c")
    stage.until("mc", "default", updated(3))

    apply(stage, BROKEN_TAG, min=0)

    cluster = stage.until("mc", "default", lambda found: "ErrImagePull" in str(found["status"]["conditions"]))
    assert progressing(cluster) == ("True", "Renewing")
    assert cluster["status"]["readyMediaNodes"] == 2

    apply(stage, "one", min=0)
    stage.until("mc", "default", updated(3))
    pods = {stage.get("mn", node)["status"]["podName"] for node in "abc"}
    assert len(pods & {"a-1", "b-1", "c-1"}) == 2, "those that served all the time were left alone"
