"""What the API server refuses is in conditions, with the server's words, and in one Event."""

from dataclasses import replace
from typing import Any

import pytest

from rotunda_contract.resources import MediaClusterStatus
from rotunda_kube import Key, KubeError, Manifest, NotAllowed, Unauthenticated
from rotunda_kube.resource import MEDIA_CLUSTERS
from rotunda_operator.cache import Cache
from rotunda_operator.clusters.status import FleetView, cluster_status, warnings
from rotunda_operator.conditions import find_condition
from rotunda_operator.context import Item, Kind
from rotunda_operator.nodes.decide import decide
from rotunda_operator.nodes.ports import RangeTooSmall
from rotunda_operator.nodes.reconcile import _create_pod, _PodRefused
from rotunda_operator.testing import Stage
from rotunda_operator.testing.stage import Object
from rotunda_operator.tests import samples
from rotunda_operator.tests.test_node_decisions import NOW, PORTS, VIEW, _after, _node

REFUSED = replace(VIEW, pods=[], refused="403 exceeded quota: pods, used: 3", retry_in=30.0)


def test_a_refused_pod_has_a_condition_and_one_event_and_is_tried_again_later() -> None:
    decision = decide(_node(), REFUSED, NOW)
    assert decision.status is not None
    ready = find_condition(decision.status.conditions, "Ready")
    assert ready is not None
    assert (ready.reason, ready.message) == ("PodRefused", REFUSED.refused)
    assert [event.reason for event in decision.events] == ["PodRefused"]
    assert (decision.create, decision.requeue_after) == (None, 30.0)

    later = _after(decision, _node())
    more = decide(later, replace(REFUSED, refused="403 exceeded quota: pods, used: 4", retry_in=0.0), NOW)
    assert more.events == ()
    assert more.create == "a-1"
    assert decide(later, replace(VIEW, pods=[]), NOW).create == "a-1"


def test_the_status_names_a_range_of_ports_that_is_too_small() -> None:
    def ports(_: bool) -> Any:
        raise RangeTooSmall("A media node with 1 workers needs 3 ports")

    decision = decide(_node({}), replace(VIEW, pods=[], ports=ports), NOW)
    assert decision.status is not None
    ready = find_condition(decision.status.conditions, "Ready")
    assert ready is not None
    assert (decision.status.phase, ready.reason) == ("Pending", "NoPorts")
    assert decide(_after(decision, _node({})), replace(VIEW, pods=[], ports=ports), NOW).events == ()
    assert decide(_after(decision, _node({})), replace(VIEW, pods=[], ports=lambda _: PORTS), NOW).status


def test_the_status_of_a_cluster_names_refused_pods_of_media_nodes_and_deployments() -> None:
    condition = {
        "type": "Ready",
        "status": "False",
        "reason": "PodRefused",
        "message": "exceeded quota",
        "lastTransitionTime": "2026-11-21T08:00:00Z",
    }
    node = samples.media_node(status={"phase": "Pending", "conditions": [condition]})
    failure = {"type": "ReplicaFailure", "status": "True", "message": "violates PodSecurity"}
    deployment = {
        "metadata": {"name": "default-signaling", "generation": 1},
        "status": {"observedGeneration": 1, "conditions": [failure]},
    }
    status = cluster_status(samples.cluster(), FleetView([node], 0, 0, []), [deployment], NOW)
    for type, words in (("MediaNodesReady", "exceeded quota"), ("SignalingReady", "violates PodSecurity")):
        found = find_condition(status.conditions, type)
        assert found is not None
        assert (found.status, found.reason) == ("False", "PodsRefused")
        assert words in found.message
    assert len(warnings(MediaClusterStatus().conditions, status.conditions)) == 2
    assert warnings(status.conditions, status.conditions) == []


def test_a_refused_write_has_one_event_for_its_object() -> None:
    cache = Cache()
    cache.set_cluster(samples.cluster())
    context = samples.context(None, cache)
    item = Item(Kind.CLUSTER, Key("calls", "default"))
    for used in (3, 4):
        context.record_refusal(item, NotAllowed(f"PATCH: 403 denied by policy, {used} used"))
    (event,) = context.recorder.pending
    assert event["regarding"]["kind"] == MEDIA_CLUSTERS.kind
    assert "denied by policy" in event["note"]
    context.record_refusal(item, NotAllowed("PATCH: 403 something else"))
    assert len(context.recorder.pending) == 2


@pytest.mark.parametrize(
    ("answer", "expected"), [(NotAllowed("403"), _PodRefused), (Unauthenticated("401"), Unauthenticated)]
)
async def test_credentials_that_are_not_accepted_are_no_refusal_of_a_pod(
    answer: KubeError, expected: type[Exception]
) -> None:
    class Api:
        async def create(self, *_: object) -> Manifest:
            raise answer

    context = samples.context(Api())
    with pytest.raises(expected):
        await _create_pod(context, samples.media_node(), {"metadata": {"name": "default-media-0-1"}})


@pytest.mark.timeout(900)
def test_pods_that_a_namespace_refuses_are_reported_and_created_once_it_accepts_them(stage: Stage) -> None:
    stage.refusals = True
    stage.kubelet()
    enforce = "pod-security.kubernetes.io/enforce"
    stage.plane.kubectl("label", "namespace", stage.namespace, f"{enforce}=restricted")
    stage.apply("MediaCluster", "default", {"mediaNodes": {"min": 1}})

    node = stage.until("mn", "default-media-0", lambda found: _ready(found)["reason"] == "PodRefused")
    assert "violates PodSecurity" in _ready(node)["message"]
    cluster = stage.until("mc", "default", lambda found: "PodsRefused" in str(found["status"]["conditions"]))
    assert "violates PodSecurity" in str(cluster["status"]["conditions"])
    events = stage.until_items("events", lambda found: len(_warnings(found)) == 2)
    assert {event["involvedObject"]["kind"] for event in _warnings(events)} == {"MediaNode", "MediaCluster"}

    stage.plane.kubectl("label", "namespace", stage.namespace, f"{enforce}-")
    # A change of the template is tried at once.
    stage.apply("MediaCluster", "default", {"images": {"tag": "2"}, "mediaNodes": {"min": 1}})
    stage.reporter.report("default-media-0")
    stage.until("mn", "default-media-0", lambda found: found["status"]["phase"] == "Ready")


@pytest.mark.timeout(900)
def test_the_status_has_the_words_of_the_api_server_about_a_wrong_template(stage: Stage) -> None:
    template: Object = {"tolerations": [{"key": "media", "operator": "Sometimes"}]}
    stage.apply("MediaCluster", "default", {"mediaNodes": {"min": 1, "template": template}})
    node = stage.until("mn", "default-media-0", lambda found: _ready(found)["reason"] == "PodRefused")
    assert "Sometimes" in _ready(node)["message"]

    network = {"portFrom": 40000, "portTo": 40001}
    with pytest.raises(AssertionError, match="at least two ports more"):
        stage.apply("MediaCluster", "small", {"mediaNodes": {"min": 1, "network": network}})


def _ready(found: Object) -> Object:
    ready: Object = next(c for c in found["status"]["conditions"] if c["type"] == "Ready")
    return ready


def _warnings(events: list[Object]) -> list[Object]:
    return [event for event in events if event["type"] == "Warning"]
