"""What a fleet's numbers are made of."""

from rotunda_contract.resources import MediaCluster, MediaNode, Room
from rotunda_kube import Key, Manifest
from rotunda_operator.cache import World
from rotunda_operator.clock import Moment, now
from rotunda_operator.clusters.fleet import fleet_load, fleet_view
from rotunda_operator.clusters.rollout import Rollout
from rotunda_operator.context import Standing
from rotunda_operator.load import NodeReport

CLUSTER = Key("calls", "default")
FULL = NodeReport(0.8, cpu=0.8, participants=40, consumers=1500)


def world_with(**nodes: Manifest) -> World:
    """Nodes by name, each with its status."""
    world = World()
    about = {"name": "default", "namespace": "calls", "uid": "c"}
    world.set_cluster(MediaCluster.model_validate({"metadata": about, "spec": {}}))
    for name, status in nodes.items():
        metadata = {"name": name, "namespace": "calls", "uid": name}
        world.set_node(MediaNode.model_validate({"metadata": metadata, "spec": {}, "status": status}))
    return world


def test_a_node_that_falls_silent_still_carries_what_it_reported_last() -> None:
    world, moment = world_with(a={"phase": "Ready"}, b={"phase": "Ready"}), now()
    world.report(Key("calls", "a"), FULL, moment)
    later = moment.after(60)
    world.report(Key("calls", "b"), NodeReport(0.2, cpu=0.2, participants=5), later)

    view = fleet_view(world, CLUSTER, Standing(), Rollout())

    assert (view.participants, view.utilization) == (45, [0.8, 0.2])
    assert fleet_load(world, CLUSTER, later).projected == {"a": 0.8, "b": 0.2}


def test_one_not_heard_yet_after_a_takeover_carries_what_is_written_of_it() -> None:
    written = {"utilizationPercent": 70, "participants": 30}
    world = world_with(a={"phase": "Ready", "load": written}, b={"phase": "Ready"})

    view = fleet_view(world, CLUSTER, Standing(), Rollout())

    assert (view.participants, view.utilization) == (30, [0.7])
    assert fleet_load(world, CLUSTER, now()).projected == {"a": 0.7, "b": 0.0}


def test_one_that_is_lost_carries_nothing() -> None:
    world, moment = world_with(a={"phase": "Lost"}), now()
    world.report(Key("calls", "a"), FULL, moment)

    assert (
        fleet_view(world, CLUSTER, Standing(), Rollout()).participants,
        fleet_view(world, CLUSTER, Standing(), Rollout()).utilization,
    ) == (
        0,
        [],
    )


def test_an_empty_room_that_moves_does_not_grow_the_fleet_and_one_that_is_made_does() -> None:
    world, moment = world_with(a={"phase": "Ready"}, b={"phase": "Ready"}), now()
    for node in "ab":
        world.report(Key("calls", node), NodeReport(0.1, cpu=0.1), moment)
    asleep = _on("asleep", "a", moment.after(-3600))
    world.set_room(asleep, moment)

    moved = _on("asleep", "b", moment, epoch=2)
    world.reserve(asleep, "b", moment, before=asleep)
    world.set_room(moved, moment)
    assert fleet_load(world, CLUSTER, moment).projected == {"a": 0.1, "b": 0.1}
    assert world.candidate(Key("calls", "b"), moment).projected > 0.1, "the next goes elsewhere"

    world.set_room(_on("made", "b", moment), moment)
    assert fleet_load(world, CLUSTER, moment).projected["b"] > 0.1


def _on(name: str, node: str, since: Moment, epoch: int = 1) -> Room:
    assignment = {"mediaNode": node, "epoch": epoch, "since": since.wall}
    status = {"phase": "Assigned", "assignment": assignment}
    metadata = {"name": name, "namespace": "calls", "uid": name}
    return Room.model_validate({"metadata": metadata, "spec": {}, "status": status})
