"""From the fleet to MediaNodes made, cordoned and removed."""

from typing import Any

from rotunda_contract.resources import MediaNode
from rotunda_operator.clusters.cordon import SCALE_DOWN
from rotunda_operator.clusters.scaling import FleetLoad, ScalingStep, scaling_step
from rotunda_operator.tests import samples

OURS = [{"kind": "MediaCluster", "uid": "uid-of-default", "controller": True}]
SCALED_DOWN = {SCALE_DOWN: "true"}


def node(name: str, phase: str = "Ready", **metadata: Any) -> MediaNode:
    ours = {"ownerReferences": OURS, **metadata}
    return samples.media_node(name, metadata=ours, status={"phase": phase})


def cordoned(name: str, **metadata: Any) -> MediaNode:
    found = node(name, "Draining", **metadata)
    return found.model_copy(update={"spec": found.spec.model_copy(update={"cordoned": True})})


def step(
    *nodes: MediaNode, load: FleetLoad | None = None, since: float | None = None, **spec: Any
) -> ScalingStep:
    cluster = samples.cluster(mediaNodes={"min": 1, "max": 4, **spec})
    return scaling_step(cluster, nodes, load or FleetLoad(), idle_since=since, now=1000.0)


def names_of(found: ScalingStep) -> list[str]:
    return [manifest["metadata"]["name"] for manifest in found.create]


def test_a_new_cluster_gets_its_least() -> None:
    assert names_of(step(min=3)) == ["default-media-0", "default-media-1", "default-media-2"]


def test_the_same_fleet_gives_the_same_names_so_none_is_made_twice() -> None:
    once, twice = step(node("default-media-1"), min=3), step(node("default-media-1"), min=3)
    assert names_of(once) == names_of(twice) == ["default-media-0", "default-media-2"]


def test_scale_from_zero_when_a_room_waits_and_not_before() -> None:
    assert step(min=0) == ScalingStep()
    assert names_of(step(min=0, load=FleetLoad(waiting=[0.1]))) == ["default-media-0"]


def test_one_that_starts_is_waited_for() -> None:
    load = FleetLoad(waiting=[0.1])
    assert step(node("default-media-0", "Pending"), min=0, load=load).create == ()


def test_scale_down_cordons_the_emptiest_after_the_delay_and_says_when() -> None:
    nodes = (node("default-media-0"), node("default-media-1"))
    load = FleetLoad(projected={"default-media-0": 0.1}, rooms={"default-media-0": 1})

    waits = step(*nodes, load=load, since=None)
    assert (waits.patches, waits.idle_since, waits.requeue_after) == ((), 1000.0, 600.0)

    acts = step(*nodes, load=load, since=300.0)
    (patch,) = acts.patches
    assert patch.node.metadata.name == "default-media-1"
    assert patch.patch == {"spec": {"cordoned": True}, "metadata": {"annotations": SCALED_DOWN}}


def test_a_drained_node_is_deleted_only_when_it_is_empty() -> None:
    draining = cordoned("default-media-1", annotations=SCALED_DOWN)
    keeps = step(node("default-media-0"), draining, load=FleetLoad(rooms={"default-media-1": 1}))
    assert keeps.delete == ()
    goes = step(node("default-media-0"), draining)
    assert [gone.metadata.name for gone in goes.delete] == ["default-media-1"]


def test_one_that_drains_is_taken_back_before_another_is_made() -> None:
    full = FleetLoad(projected={"default-media-0": 0.9}, rooms={"default-media-0": 5, "default-media-1": 1})
    found = step(node("default-media-0"), cordoned("default-media-1", annotations=SCALED_DOWN), load=full)
    assert found.create == ()
    assert found.patches[0].patch == {
        "spec": {"cordoned": False},
        "metadata": {"annotations": {SCALE_DOWN: None}},
    }


def test_what_a_person_cordoned_stays_and_another_is_made_within_the_most() -> None:
    found = step(cordoned("default-media-0"), min=1)
    assert (names_of(found), found.delete, found.patches) == (["default-media-1"], (), ())
    assert step(cordoned("default-media-0"), min=1, max=1).create == ()


def test_what_a_person_made_counts_and_is_never_taken_away() -> None:
    by_hand = samples.media_node("by-hand", status={"phase": "Ready"})
    assert step(by_hand, min=1).create == ()
    idle = step(by_hand, min=0, since=0.0)
    assert (idle.patches, idle.delete) == ((), ())


def test_nodes_above_the_maximum_are_drained_the_emptiest_first() -> None:
    load = FleetLoad(
        projected={"default-media-0": 0.5, "default-media-1": 0.5, "default-media-2": 0.4},
        rooms={"default-media-0": 2, "default-media-1": 2, "default-media-2": 1},
    )
    found = step(*(node(f"default-media-{i}") for i in range(3)), load=load, max=1, min=1)
    assert [patch.node.metadata.name for patch in found.patches] == ["default-media-2", "default-media-0"]


def test_one_that_is_being_deleted_is_no_part_of_the_fleet_and_its_name_is_not_free() -> None:
    going = node("default-media-0", deletionTimestamp="2026-11-21T08:00:00Z")
    assert names_of(step(going, min=1)) == ["default-media-1"]
