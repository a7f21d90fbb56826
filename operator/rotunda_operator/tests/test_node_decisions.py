"""Decisions about a MediaNode and its pod, without a cluster and with an explicit clock."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from rotunda_base.exit_status import CANNOT_LISTEN
from rotunda_contract.resources import MediaCluster, MediaNode, Ports
from rotunda_kube import Key
from rotunda_operator.clock import Instant
from rotunda_operator.clusters.cordon import SCALE_DOWN
from rotunda_operator.load import NodeReport
from rotunda_operator.nodes.decide import NodeDecision, NodeView, decide
from rotunda_operator.pods import KubeNode, Pod
from rotunda_operator.specs.metadata import UPDATE

START = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
NOW = Instant(1000.0, START)
CLUSTER = MediaCluster.model_validate(
    {"metadata": {"name": "default"}, "spec": {"mediaNodes": {"drainDeadlineSeconds": 300}}}
)
PORTS = Ports(media=40000, media_count=1, grpc=40001, health=40002)
POD = Pod(Key("default", "a-1"), "uid-1", "a", "", "", "Running", True, False, "worker-1", "192.0.2.7")
WORKER = KubeNode("worker-1", "192.0.2.7", "", "eu", "eu-1", unschedulable=False, reachable=True)
VIEW = NodeView(CLUSTER, [POD], WORKER, 0, NodeReport(0.2), True, lambda _: PORTS)

OLDER = replace(VIEW, pods=[replace(POD, template="old")], template="new")


def test_ports_and_a_name_are_written_before_a_pod_is_made() -> None:
    named = decide(_node({}), replace(VIEW, pods=[]), NOW)
    assert named.status is not None
    assert (named.status.pod_name, named.status.ports, named.create) == ("a-1", PORTS, None)

    made = decide(_after(named, _node({})), replace(VIEW, pods=[]), NOW)
    assert made.create == "a-1"


def test_a_node_is_ready_once_its_pod_is_ready_and_has_reported() -> None:
    unreported = decide(_node(), replace(VIEW, report=None), NOW)
    reported = decide(_node(), VIEW, NOW)

    assert unreported.status is not None
    assert (unreported.status.phase, unreported.status.conditions[0].reason) == ("Pending", "AwaitingLoad")
    assert reported.status is not None
    assert (reported.status.phase, reported.status.process_id) == ("Ready", "uid-1")
    assert reported.status.grpc_address == "192.0.2.7:40001"
    assert reported.status.media_addresses == ("192.0.2.7:40000",)
    assert (reported.status.region, reported.status.zone) == ("eu", "eu-1")


def test_a_silent_node_stays_ready_and_its_condition_says_that_it_is_silent() -> None:
    ready = _ready()
    unsettled = decide(ready, replace(VIEW, report=None, loads_known=False), NOW)
    silent = decide(ready, replace(VIEW, report=None), NOW).status

    assert unsettled.status is None
    assert silent is not None
    assert silent.phase == "Ready"
    assert [c.status for c in silent.conditions if c.type == "Reporting"] == ["False"]


def test_an_unexplained_load_has_one_event_and_a_condition_until_it_is_explained() -> None:
    well = _after(decide(_node(), VIEW, NOW), _node())
    assert "LoadExplained" not in {c.type for c in well.status.conditions}

    sick = decide(well, replace(VIEW, load_explained=False), NOW)
    assert [(event.reason, event.warning) for event in sick.events] == [("LoadWithoutMedia", True)]
    again = decide(_after(sick, well), replace(VIEW, load_explained=False), NOW)
    assert (again.status, again.events) == (None, ())
    cured = decide(_after(sick, well), VIEW, NOW)
    assert cured.status is not None
    assert [c.status for c in cured.status.conditions if c.type == "LoadExplained"] == ["True"]
    assert cured.events == ()


def test_the_time_of_the_last_report_is_written_now_and_then_and_when_it_falls_silent() -> None:
    reporting = replace(VIEW, reported_at=START)
    ready = _after(decide(_node(), reporting, NOW), _node())
    assert ready.status.last_report_time == START

    def later(seconds: float, **view: Any) -> NodeDecision:
        later_now = NOW.after(seconds)
        return decide(ready, replace(reporting, **{"reported_at": later_now.wall, **view}), later_now)

    assert later(30).status is None
    written = later(60)
    assert written.status is not None
    assert (written.status.last_report_time, written.urgent) == (NOW.after(60).wall, False)
    assert later(60, nodes=1000).status is None
    assert later(300, nodes=1000).status is not None
    silent = later(40, report=None, reported_at=NOW.after(30).wall).status
    assert silent is not None
    assert silent.last_report_time == NOW.after(30).wall


@pytest.mark.parametrize(
    ("view", "why"),
    [
        (replace(VIEW, pods=[], kube_node=None), "it is gone"),
        (replace(VIEW, pods=[replace(POD, phase="Failed")]), "it is Failed"),
        (replace(VIEW, pods=[replace(POD, uid="uid-2")]), "another pod has its name"),
        (replace(VIEW, kube_node=replace(WORKER, reachable=False)), "worker-1 is unreachable"),
    ],
)
def test_it_is_lost_by_evidence_alone(view: NodeView, why: str) -> None:
    lost = decide(_ready(), view, NOW)

    assert lost.status is not None
    assert lost.status.phase == "Lost"
    assert [event.reason for event in lost.events] == ["Lost"]
    assert why in lost.events[0].message


def test_it_stays_lost_until_no_room_names_it_then_gets_another_pod() -> None:
    gone = replace(VIEW, pods=[replace(POD, phase="Failed")])
    lost = _after(decide(_ready(), gone, NOW), _ready())

    held = decide(lost, replace(gone, rooms=1), NOW)
    free = decide(lost, gone, NOW)

    assert held.status is None
    assert free.status is not None
    assert (free.status.phase, free.status.pod_name, free.status.process_id) == ("Pending", "a-2", None)
    assert [pod.key.name for pod in free.delete] == ["a-1"]


def test_a_node_whose_port_is_in_use_gets_another_block_and_an_event_says_why() -> None:
    """And only that one: whoever ended otherwise keeps its ports, which firewalls may know."""
    other = Ports(media=40003, media_count=1, grpc=40004, health=40005)
    words = "rotunda: cannot listen on udp 192.0.2.7:40000"
    refused = replace(POD, phase="Failed", exit_status=CANNOT_LISTEN, termination_message=words)
    view = replace(VIEW, pods=[refused], ports=lambda elsewhere: other if elsewhere else PORTS)
    lost = decide(_node(), view, NOW)
    assert words in lost.events[0].message

    refused_again = decide(_after(lost, _node()), view, NOW).status
    crashed_again = decide(
        _after(lost, _node()), replace(view, pods=[replace(refused, exit_status=1)]), NOW
    ).status
    assert refused_again is not None
    assert crashed_again is not None
    assert (refused_again.ports, crashed_again.ports) == (other, PORTS)


def test_pods_that_are_lost_at_once_are_not_created_in_a_tight_loop() -> None:
    created = START.strftime("%Y-%m-%dT%H:%M:%SZ")
    gone = replace(VIEW, pods=[replace(POD, phase="Failed", created=created)])
    lost = _after(decide(_ready(), gone, NOW), _ready())

    waiting = decide(lost, gone, NOW.after(4))
    assert (waiting.status, waiting.requeue_after) == (None, 6.0)
    replaced = decide(lost, gone, NOW.after(10)).status
    assert replaced is not None
    assert replaced.pod_name == "a-2"


def test_a_pod_that_does_not_serve_yet_may_be_evicted_and_one_that_serves_may_not() -> None:
    assert decide(_node(), replace(VIEW, report=None), NOW).evictable
    assert not decide(_node(), VIEW, NOW).evictable


def test_a_node_that_is_to_be_removed_gets_no_other_pod() -> None:
    node = _in_phase("Draining", **{SCALE_DOWN: "true"})

    assert decide(node, OLDER, NOW).delete == ()


@pytest.mark.parametrize("how", ["cordoned", "its Kubernetes node", "its pod is ended"])
def test_a_draining_node_keeps_its_pod_until_it_is_empty_or_its_time_is_over(how: str) -> None:
    node, view = _ready(cordoned=how == "cordoned"), replace(VIEW, rooms=2)
    if how == "its Kubernetes node":
        view = replace(view, kube_node=replace(WORKER, unschedulable=True))
    elif how == "its pod is ended":
        view = replace(view, pods=[replace(POD, terminating=True)])
    first = decide(node, view, NOW)
    assert first.status is not None
    assert (first.status.phase, first.evictable, first.requeue_after) == ("Draining", False, 300.0)
    draining = _after(first, node)

    assert not decide(draining, view, NOW.after(299)).evictable
    assert decide(draining, view, NOW.after(300)).evictable
    assert decide(draining, replace(view, rooms=0), NOW.after(1)).evictable


def test_a_little_more_load_is_not_worth_a_write() -> None:
    ready = _ready()

    assert decide(ready, replace(VIEW, report=NodeReport(0.22)), NOW.after(2)).status is None
    more = decide(ready, replace(VIEW, report=NodeReport(0.3)), NOW.after(2))
    assert more.status is not None
    assert not more.urgent


@pytest.mark.parametrize("phase", ["Pending", "Draining"])
def test_a_pod_of_an_older_template_is_replaced_where_it_does_not_serve_or_was_emptied(phase: str) -> None:
    node = _in_phase(phase)
    replaced = decide(node, OLDER, NOW)
    assert replaced.status is not None
    assert (replaced.status.phase, replaced.status.pod_name) == ("Pending", "a-2")
    assert replaced.delete == tuple(OLDER.pods)
    assert [event.reason for event in replaced.events] == ["Replaced"]
    for busy in (replace(OLDER, rooms=1), replace(OLDER, has_reservations=True)):
        kept = decide(node, busy, NOW)
        assert kept.delete == ()
        assert kept.status is None or kept.status.pod_name == "a-1"


def test_a_pod_of_an_older_template_serves_until_its_node_is_cordoned() -> None:
    assert decide(_ready(), OLDER, NOW).delete == ()


def test_a_pod_whose_ports_are_not_of_the_range_any_more_is_of_an_older_template() -> None:
    moved = MediaCluster.model_validate(
        {"metadata": {"name": "default"}, "spec": {"mediaNodes": {"network": {"portFrom": 40001}}}}
    )
    current = replace(OLDER, pods=[replace(POD, template="new")])
    draining = _in_phase("Draining")
    assert decide(draining, current, NOW).delete == ()
    assert decide(draining, replace(current, cluster=moved), NOW).delete == tuple(current.pods)


def test_rooms_that_stay_beyond_the_deadline_lose_a_pod_of_an_older_template() -> None:
    draining = _in_phase("Draining", **{UPDATE: "new"})
    view = replace(OLDER, rooms=1)
    assert decide(draining, view, NOW.after(299)).delete == ()
    assert decide(draining, view, NOW.after(301)).delete == tuple(view.pods)
    assert decide(_in_phase("Draining"), view, NOW.after(301)).delete == ()


def _node(status: dict[str, Any] | None = None, *, cordoned: bool = False) -> MediaNode:
    known = {"phase": "Pending", "podName": "a-1", "ports": PORTS.model_dump(by_alias=True)}
    return MediaNode.model_validate(
        {
            "metadata": {"name": "a", "namespace": "default", "generation": 1},
            "spec": {"cordoned": cordoned},
            "status": known if status is None else status,
        }
    )


def _ready(*, cordoned: bool = False) -> MediaNode:
    ready = _after(decide(_node(), VIEW, NOW), _node())
    return ready.model_copy(update={"spec": ready.spec.model_copy(update={"cordoned": cordoned})})


def _after(decision: NodeDecision, node: MediaNode) -> MediaNode:
    assert decision.status is not None
    return node.model_copy(update={"status": decision.status})


def _in_phase(phase: str, **annotations: str) -> MediaNode:
    """One whose pod was ready once; cordoned where it drains, for as long as the tests know."""
    ready = _ready(cordoned=phase == "Draining")
    status = ready.status.model_copy(update={"phase": phase, "drain_started_at": START})
    metadata = ready.metadata.model_copy(update={"annotations": annotations})
    return ready.model_copy(update={"status": status, "metadata": metadata})
