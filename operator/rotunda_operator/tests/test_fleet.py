"""What a fleet's numbers are made of."""

from rotunda_contract.resources import MediaCluster, MediaNode, Room
from rotunda_kube import Key, Manifest
from rotunda_operator.cache import Cache
from rotunda_operator.clock import Instant, system_clock
from rotunda_operator.clusters.fleet import fleet_load, fleet_view
from rotunda_operator.clusters.objects_status import ObjectsStatus
from rotunda_operator.clusters.rollout import Rollout
from rotunda_operator.load import NodeReport
from rotunda_operator.load.reports import FRESH_SECONDS
from rotunda_operator.placement.reservation import HOLD_SECONDS

CLUSTER = Key("calls", "default")
FULL = NodeReport(0.8, cpu=0.8, participants=40, consumers=1500)


def cache_with(**nodes: Manifest) -> Cache:
    """Nodes by name, each with its status."""
    cache = Cache()
    about = {"name": "default", "namespace": "calls", "uid": "c"}
    cache.set_cluster(MediaCluster.model_validate({"metadata": about, "spec": {}}))
    for name, status in nodes.items():
        metadata = {"name": name, "namespace": "calls", "uid": name}
        cache.set_node(MediaNode.model_validate({"metadata": metadata, "spec": {}, "status": status}))
    return cache


def test_a_silent_node_counts_with_the_load_of_its_last_report() -> None:
    cache, now = cache_with(a={"phase": "Ready"}, b={"phase": "Ready"}), system_clock()
    cache.record_report(Key("calls", "a"), FULL, now)
    later = now.after(60)
    cache.record_report(Key("calls", "b"), NodeReport(0.2, cpu=0.2, participants=5), later)

    view = fleet_view(cache, CLUSTER, ObjectsStatus(), Rollout())

    assert (view.participants, view.utilization) == (45, [0.8, 0.2])
    assert fleet_load(cache, CLUSTER, later).projected == {"a": 0.8, "b": 0.2}


def test_after_a_takeover_the_load_in_the_status_counts_until_the_first_report() -> None:
    written = {"utilizationPercent": 70, "participants": 30}
    cache = cache_with(a={"phase": "Ready", "load": written}, b={"phase": "Ready"})

    view = fleet_view(cache, CLUSTER, ObjectsStatus(), Rollout())

    assert (view.participants, view.utilization) == (30, [0.7])
    assert fleet_load(cache, CLUSTER, system_clock()).projected == {"a": 0.7, "b": 0.0}


def test_a_lost_node_has_no_load() -> None:
    cache, now = cache_with(a={"phase": "Lost"}), system_clock()
    cache.record_report(Key("calls", "a"), FULL, now)

    assert (
        fleet_view(cache, CLUSTER, ObjectsStatus(), Rollout()).participants,
        fleet_view(cache, CLUSTER, ObjectsStatus(), Rollout()).utilization,
    ) == (
        0,
        [],
    )


def test_an_empty_room_that_moves_does_not_grow_the_fleet_and_one_that_is_made_does() -> None:
    cache, now = cache_with(a={"phase": "Ready"}, b={"phase": "Ready"}), system_clock()
    for node in "ab":
        cache.record_report(Key("calls", node), NodeReport(0.1, cpu=0.1), now)
    asleep = _on("asleep", "a", now.after(-3600))
    cache.set_room(asleep, now)

    moved = _on("asleep", "b", now, epoch=2)
    cache.reserve(asleep, "b", now, before=asleep)
    cache.set_room(moved, now)
    assert fleet_load(cache, CLUSTER, now).projected == {"a": 0.1, "b": 0.1}
    assert cache.candidate(Key("calls", "b"), now).projected > 0.1, "the next goes elsewhere"

    cache.set_room(_on("made", "b", now), now)
    assert fleet_load(cache, CLUSTER, now).projected["b"] > 0.1


def test_a_room_that_moves_before_its_people_have_come_still_grows_the_fleet() -> None:
    cache, now = cache_with(a={"phase": "Lost"}, b={"phase": "Ready"}), system_clock()
    cache.record_report(Key("calls", "b"), NodeReport(0.1, cpu=0.1), now)
    fresh = _on("standup", "a", now)
    cache.set_room(fresh, now)

    cache.reserve(fresh, "b", now, before=fresh)

    assert fleet_load(cache, CLUSTER, now).projected["b"] > 0.1


def test_after_a_restart_reservations_end_when_they_would_have_ended_before() -> None:
    cache, now = cache_with(a={"phase": "Ready"}), system_clock()
    key = Key("calls", "a")
    cache.set_room(_on("lately", "a", now.after(-100)), now)
    cache.set_room(_on("earlier", "a", now.after(-HOLD_SECONDS)), now)
    reservations = cache.reservations["calls"]

    assert (reservations.node_of("lately"), reservations.node_of("earlier")) == ("a", None)
    assert cache.has_reservations(key, now.after(HOLD_SECONDS - 100 - 1))
    assert not cache.has_reservations(key, now.after(HOLD_SECONDS - 100))


def test_placement_sees_when_a_report_has_become_stale() -> None:
    cache, now = cache_with(a={"phase": "Ready"}), system_clock()
    key = Key("calls", "a")
    cache.record_report(key, NodeReport(0.1, cpu=0.1), now)

    assert cache.candidate(key, now).utilization == 0.1
    assert cache.candidate(key, now.after(FRESH_SECONDS + 1)).utilization is None


def _on(name: str, node: str, since: Instant, epoch: int = 1) -> Room:
    assignment = {"mediaNode": node, "epoch": epoch, "since": since.wall}
    status = {"phase": "Assigned", "assignment": assignment}
    metadata = {"name": name, "namespace": "calls", "uid": name}
    return Room.model_validate({"metadata": metadata, "spec": {}, "status": status})
