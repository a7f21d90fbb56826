"""Which media nodes are asked for another pod when the template of their cluster has changed."""

from typing import Any

import pytest

from rotunda_contract.resources import MediaNode
from rotunda_operator.clusters.cordon import SCALE_DOWN
from rotunda_operator.clusters.rollout import Rollout, rollout_step
from rotunda_operator.clusters.scaling import FleetLoad, scaling_step
from rotunda_operator.specs.media_template import template_hash
from rotunda_operator.specs.metadata import UPDATE
from rotunda_operator.tests import samples

OLD, NEW = "old", "new"
OURS = [{"kind": "MediaCluster", "uid": "uid-of-default", "controller": True}]


def node(name: str, phase: str = "Ready", *, cordoned: bool = False, **annotations: str) -> MediaNode:
    known = {"update": UPDATE, "scale_down": SCALE_DOWN}
    return MediaNode.model_validate(
        {
            "metadata": {
                "name": name,
                "ownerReferences": OURS,
                "annotations": {known[key]: value for key, value in annotations.items()},
            },
            "spec": {"clusterRef": "default", "cordoned": cordoned},
            "status": {"phase": phase},
        }
    )


def step(
    *nodes: tuple[MediaNode, str | None], rooms: dict[str, int] | None = None, unavailable: int = 1
) -> Rollout:
    """Media nodes with the template of their pod; None: without a pod."""
    templates = {each.metadata.name: template for each, template in nodes if template is not None}
    cluster = samples.cluster(mediaNodes={"maxUnavailable": unavailable})
    return rollout_step(cluster, [each for each, _ in nodes], templates, rooms or {}, NEW)


def asked(found: Rollout) -> list[str]:
    return [
        patch.node.metadata.name for patch in found.patches if patch.patch.get("spec") == {"cordoned": True}
    ]


def test_nothing_is_to_be_done_where_all_are_of_the_current_template() -> None:
    assert step((node("a"), NEW), (node("b"), NEW)) == Rollout(updated=2)


def test_one_at_a_time_and_the_emptiest_first_until_one_of_the_new_template_serves() -> None:
    fleet = [(node(name), OLD) for name in "abcd"]
    assert asked(step(*fleet, rooms={"a": 2, "b": 1})) == ["c"]
    assert asked(step(*fleet, rooms={"a": 2, "b": 1}, unavailable=3)) == ["c", "d", "b"]


def test_those_without_rooms_go_all_at_once_when_one_of_the_new_template_serves() -> None:
    found = step((node("a"), NEW), *((node(name), OLD) for name in "bcde"), rooms={"d": 1, "e": 1})
    assert asked(found) == ["b", "c"]
    assert (found.updated, found.older, found.in_progress) == (1, 4, 2)


@pytest.mark.parametrize("has", [OLD, None, NEW])
def test_while_one_update_is_in_progress_no_other_serving_node_is_marked(has: str | None) -> None:
    """Whether it still has its rooms, has no pod just now, or has a new one that never serves."""
    phase = "Draining" if has == OLD else "Pending"
    on_its_way = node("a", phase, cordoned=has != NEW, update=NEW)
    found = step((on_its_way, has), (node("b"), OLD), (node("c"), OLD), rooms={"c": 1})
    assert asked(found) == []
    assert found.in_progress == 1
    assert "a" in found.waits_for


def test_a_node_that_never_served_blocks_no_other() -> None:
    """It is replaced unasked; that its next pod does not serve either says nothing about those that do."""
    found = step((node("a", "Pending"), NEW), (node("b"), OLD))
    assert asked(found) == ["b"]


def test_one_with_its_new_pod_takes_rooms_again_and_is_done_when_it_serves() -> None:
    (back,) = step((node("a", "Pending", cordoned=True, update=NEW), NEW)).patches
    assert back.patch == {"spec": {"cordoned": False}}
    (done,) = step((node("a", update=NEW), NEW)).patches
    assert done.patch == {"metadata": {"annotations": {UPDATE: None}}}


def test_a_change_that_is_taken_back_takes_the_cordon_back() -> None:
    (back,) = step((node("a", "Draining", cordoned=True, update="other"), NEW)).patches
    assert back.patch == {"spec": {"cordoned": False}}


def test_a_second_change_needs_no_second_cordon() -> None:
    found = step((node("a", "Draining", cordoned=True, update="other"), OLD), (node("b"), OLD))
    assert [patch.node.metadata.name for patch in found.patches] == ["a"]


def test_a_node_that_somebody_uncordons_is_marked_again_and_blocks_no_other() -> None:
    taken_back = node("a", update=NEW)
    found = step((taken_back, OLD), (node("b"), OLD), rooms={"a": 1})
    assert asked(found) == ["a"]
    assert found.in_progress == 1


def test_a_node_that_is_cordoned_by_a_person_or_for_scale_down_is_not_marked() -> None:
    theirs = node("a", "Draining", cordoned=True)
    going = node("b", "Draining", cordoned=True, scale_down="true")
    assert step((theirs, OLD), (going, OLD)) == Rollout(older=1)


def test_autoscaling_makes_another_one_only_for_one_that_still_has_rooms() -> None:
    renewing = node("default-media-0", "Draining", cordoned=True, update=NEW)
    cluster = samples.cluster(mediaNodes={"min": 1, "max": 2})

    def made(rooms: int) -> int:
        load = FleetLoad(rooms={"default-media-0": rooms})
        return len(scaling_step(cluster, [renewing], load, idle_since=None, now=0.0).create)

    assert (made(rooms=0), made(rooms=1)) == (0, 1)


@pytest.mark.parametrize(
    ("spec", "same"),
    [
        ({"mediaNodes": {"min": 3, "max": 20, "drainDeadlineSeconds": 5, "maxUnavailable": 2}}, True),
        ({"mediaNodes": {"network": {"portFrom": 41000, "portTo": 42000}}}, True),
        ({"signaling": {"replicas": 5}, "publicURL": "https://meet.example.org"}, True),
        ({"images": {"tag": "2.0.0"}}, False),
        ({"images": {"registry": "other.example.org"}}, False),
        ({"mediaNodes": {"template": {"resources": {"limits": {"cpu": "2"}}}}}, False),
        ({"mediaNodes": {"template": {"nodeSelector": {"media": "true"}}}}, False),
        ({"mediaNodes": {"template": {"workers": 2}}}, False),
        ({"mediaNodes": {"network": {"mode": "HostPort"}}}, False),
        ({"mediaNodes": {"network": {"announce": "203.0.113.7"}}}, False),
        ({"mediaNodes": {"capacity": {"egressMbps": 100}}}, False),
    ],
)
def test_what_makes_another_template(spec: dict[str, Any], same: bool) -> None:
    before = template_hash(samples.cluster(), samples.INSTALLATION)
    assert (template_hash(samples.cluster(**spec), samples.INSTALLATION) == before) is same
