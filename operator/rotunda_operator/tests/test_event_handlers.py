"""What is looked at again when something has changed."""

from rotunda_kube import Key, Manifest
from rotunda_operator.cache import World
from rotunda_operator.clock import now
from rotunda_operator.context import Item, Kind
from rotunda_operator.event_handlers import Feed
from rotunda_operator.load import NodeReport

CLUSTER = Item(Kind.CLUSTER, Key("calls", "default"))
ASSIGNMENT = {"mediaNode": "a", "epoch": 1, "since": "2026-01-01T00:00:00Z"}


def test_the_fleet_is_looked_at_when_what_rooms_ask_of_it_has_changed() -> None:
    looked: list[Item] = []
    feed = Feed(World(), now, lambda item, _, **__: looked.append(item))

    def looks(**status: object) -> bool:
        looked.clear()
        feed.on_room(_room(status))
        return CLUSTER in looked

    assert looks(phase="Idle")
    assert not looks(phase="Idle", participants=0)
    assert looks(phase="Pending"), "somebody wants it, and there may be no node at all"
    assert looks(phase="Assigned", assignment=ASSIGNMENT)
    assert not looks(phase="Active", assignment=ASSIGNMENT, participants=2)
    assert looks(phase="Idle")


def test_the_fleet_is_looked_at_when_the_load_of_a_node_has_changed() -> None:
    looked: list[Item] = []
    feed = Feed(World(), now, lambda item, _, **__: looked.append(item))
    metadata = {"name": "a", "namespace": "calls", "uid": "1"}
    feed.on_node({"metadata": metadata, "spec": {"clusterRef": "default"}, "status": {"phase": "Ready"}})

    def looks(utilization: float) -> bool:
        looked.clear()
        feed.on_report(Key("calls", "a"), NodeReport(utilization))
        return CLUSTER in looked

    assert [looks(load) for load in (0.1, 0.12, 0.7, 0.7, 0.2)] == [True, False, True, False, True]


def _room(status: dict[str, object]) -> Manifest:
    metadata = {"name": "standup", "namespace": "calls", "uid": "1"}
    return {"metadata": metadata, "spec": {"clusterRef": "default"}, "status": status}
