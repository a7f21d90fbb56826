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


def test_a_report_enqueues_the_rooms_of_which_it_says_something_new() -> None:
    enqueued: dict[str, bool] = {}

    def enqueue(item: Item, seconds: float, *, low_priority: bool = False) -> None:
        if item.kind is Kind.ROOM:
            enqueued[item.key.name] = low_priority

    handlers = EventHandlers(Cache(), system_clock, enqueue)
    metadata = {"name": "a", "namespace": "calls", "uid": "1"}
    handlers.on_node({"metadata": metadata, "spec": {"clusterRef": "default"}, "status": {"phase": "Ready"}})
    for name in ("standup", "retro", "quiet"):
        handlers.on_room(_room({"phase": "Active", "assignment": ASSIGNMENT}, name))

    def enqueued_by(*, names_all_rooms: bool = True, **people: int) -> dict[str, bool]:
        enqueued.clear()
        report = NodeReport(0.1, room_participants=people, names_all_rooms=names_all_rooms)
        handlers.on_report(Key("calls", "a"), report)
        return dict(enqueued)

    first = enqueued_by(standup=2, retro=1, names_all_rooms=False)
    assert first == {"standup": True, "retro": True, "quiet": True}, (
        "the first report is about all, and can wait"
    )
    assert enqueued_by(standup=2, retro=1, names_all_rooms=False) == {}
    assert enqueued_by(standup=3, retro=1, names_all_rooms=False) == {"standup": False}
    assert enqueued_by(standup=3, retro=1) == {"quiet": False}, "it is empty: only now all rooms are named"
    assert enqueued_by(standup=3) == {"retro": False}, "it is not named any more"
    assert enqueued_by(standup=3, quiet=1) == {"quiet": False}, "it is named for the first time"


def _room(status: dict[str, object], name: str = "standup") -> Manifest:
    metadata = {"name": name, "namespace": "calls", "uid": "1"}
    return {"metadata": metadata, "spec": {"clusterRef": "default"}, "status": status}
