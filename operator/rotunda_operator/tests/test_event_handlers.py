"""What is enqueued when something has changed."""

from rotunda_kube import Key, Manifest
from rotunda_operator.cache import Cache
from rotunda_operator.clock import system_clock
from rotunda_operator.context import Item, Kind
from rotunda_operator.event_handlers import EventHandlers
from rotunda_operator.load import NodeReport

CLUSTER = Item(Kind.CLUSTER, Key("calls", "default"))
ASSIGNMENT = {"mediaNode": "a", "epoch": 1, "since": "2026-01-01T00:00:00Z"}


def test_a_room_that_changes_the_demand_enqueues_its_cluster() -> None:
    enqueued: list[Item] = []
    handlers = EventHandlers(Cache(), system_clock, lambda item, _, **__: enqueued.append(item))

    def enqueues(**status: object) -> bool:
        enqueued.clear()
        handlers.on_room(_room(status))
        return CLUSTER in enqueued

    assert enqueues(phase="Idle")
    assert not enqueues(phase="Idle", participants=0)
    assert enqueues(phase="Pending"), "somebody wants it, and there may be no node at all"
    assert enqueues(phase="Assigned", assignment=ASSIGNMENT)
    assert not enqueues(phase="Active", assignment=ASSIGNMENT, participants=2)
    assert enqueues(phase="Idle")


def test_a_changed_load_of_a_node_enqueues_its_cluster() -> None:
    enqueued: list[Item] = []
    handlers = EventHandlers(Cache(), system_clock, lambda item, _, **__: enqueued.append(item))
    metadata = {"name": "a", "namespace": "calls", "uid": "1"}
    handlers.on_node({"metadata": metadata, "spec": {"clusterRef": "default"}, "status": {"phase": "Ready"}})

    def enqueues(utilization: float) -> bool:
        enqueued.clear()
        handlers.on_report(Key("calls", "a"), NodeReport(utilization))
        return CLUSTER in enqueued

    assert [enqueues(load) for load in (0.1, 0.12, 0.7, 0.7, 0.2)] == [True, False, True, False, True]


def _room(status: dict[str, object]) -> Manifest:
    metadata = {"name": "standup", "namespace": "calls", "uid": "1"}
    return {"metadata": metadata, "spec": {"clusterRef": "default"}, "status": status}
