"""Placement of Rooms with the operator as a process, a real API server and real load reports; pods are
faked."""

from datetime import UTC, datetime, timedelta

import pytest

from rotunda_operator.testing import Stage
from rotunda_operator.testing.stage import Object

pytestmark = pytest.mark.timeout(900)

CLUSTER = {"publicURL": "https://meet.example.org", "mediaNodes": {"min": 0}}


@pytest.fixture
def rooms(stage: Stage) -> Stage:
    stage.kubelet()
    stage.apply("MediaCluster", "default", CLUSTER)
    return stage


def test_rooms_go_to_the_least_loaded_node_that_fits(rooms: Stage) -> None:
    rooms.serve("a", utilization=0.7)
    rooms.serve("b", utilization=0.2)

    rooms.apply("Room", "standup", {"expectedParticipants": 2})
    room = rooms.until("room", "standup", lambda found: found["status"]["phase"] == "Assigned")

    assert room["status"]["assignment"]["mediaNode"] == "b"
    assert room["status"]["assignment"]["epoch"] == 1
    assert room["status"]["joinURL"] == "https://meet.example.org/r/standup"
    assert _conditions(room) == {"Placed": ("True", "Placed"), "Ready": ("True", "Ready")}


def test_a_room_waits_with_a_reason_until_a_node_comes(rooms: Stage) -> None:
    rooms.apply("Room", "early")
    early = rooms.until(
        "room", "early", lambda found: _conditions(found)["Placed"] == ("False", "NoMediaNodes")
    )
    assert early["status"]["participants"] == 0, "a column that is blank is not known"

    rooms.serve("a")

    assert rooms.placed("early") == "a"
    events = rooms.until_items("events", lambda found: {"Placed"} <= _reasons(found, "early"))
    assert _reasons(events, "early") == {"NoMediaNodes", "Placed"}


def test_silence_moves_nothing_and_gets_no_new_rooms(rooms: Stage) -> None:
    rooms.serve("quiet", utilization=0.1)
    rooms.apply("Room", "settled")
    assert rooms.placed("settled") == "quiet"
    rooms.serve("talks", utilization=0.8)

    rooms.reporter.silence("quiet")
    rooms.until("mn", "quiet", lambda found: _conditions(found)["Reporting"] == ("False", "Silent"))
    rooms.apply("Room", "second")
    assert rooms.placed("second") == "talks"

    rooms.reporter.silence()
    rooms.until("mn", "talks", lambda found: _conditions(found)["Reporting"] == ("False", "Silent"))
    rooms.apply("Room", "third")
    third = rooms.until("room", "third", lambda found: found["status"]["phase"] == "Pending")
    assert "2 have not reported their load lately" in third["status"]["conditions"][0]["message"]
    assert rooms.placed("settled") == "quiet"
    assert rooms.placed("second") == "talks"

    rooms.reporter.report("talks", 0.8)
    assert rooms.placed("third") == "talks"


def test_reports_that_come_in_two_messages_end_no_call(rooms: Stage) -> None:
    rooms.serve("a")
    for name in ("standup", "retro"):
        rooms.apply("Room", name, {"emptyTTLSeconds": 1})
        rooms.reporter.report("a", rooms={"standup": 3, "retro": 2})
        rooms.until("room", name, lambda found: found["status"]["phase"] == "Active")
    before = {name: rooms.get("room", name)["status"] for name in ("standup", "retro")}

    rooms.reporter.halves = True
    sent = rooms.reporter.sent
    rooms.reporter.wait_for(sent + 12)

    assert {name: rooms.get("room", name)["status"] for name in ("standup", "retro")} == before
    rooms.reporter.report("a", rooms={"standup": 3})
    rooms.until("room", "retro", lambda found: found["status"]["phase"] == "Idle")


def test_a_lost_pod_is_replaced_and_its_rooms_get_a_higher_epoch(rooms: Stage) -> None:
    rooms.serve("a", utilization=0.1)
    rooms.apply("Room", "standup")
    assert rooms.placed("standup") == "a"
    first = rooms.get("mn", "a")["status"]
    rooms.serve("b", utilization=0.5)

    rooms.kubectl("delete", "pod", first["podName"], "--grace-period=0", "--force")

    assert rooms.placed("standup", epoch=2) == "b"
    rooms.until("mn", "a", lambda found: found["status"]["phase"] == "Ready")
    second = rooms.get("mn", "a")["status"]
    assert second["processID"] != first["processID"]
    assert second["ports"] == first["ports"]
    rooms.until_items("events", lambda found: "Lost" in _reasons(found, "a"))
    assert rooms.placed("standup", epoch=2) == "b"


def test_an_empty_room_becomes_idle_and_the_next_join_wakes_it(rooms: Stage) -> None:
    rooms.serve("a")
    rooms.apply("Room", "siesta", {"emptyTTLSeconds": 1})
    _visit(rooms, "a", "siesta")
    rooms.until("room", "siesta", lambda found: found["status"]["phase"] == "Idle")
    assert "assignment" not in rooms.get("room", "siesta")["status"]
    # This alone does not place the room. Without it the room might become Idle again before the test sees it.
    rooms.apply("Room", "siesta", {"emptyTTLSeconds": 600})

    # As signaling does on a join. Times have whole seconds, so it must be later by more than one.
    wanted = (datetime.now(UTC) + timedelta(seconds=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    rooms.kubectl("annotate", "room", "siesta", f"rotunda.dev/wanted-at={wanted}")
    assert rooms.placed("siesta", epoch=2) == "a"

    rooms.reporter.report("a", rooms={"siesta": 3})
    active = rooms.until("room", "siesta", lambda found: found["status"]["phase"] == "Active")
    assert active["status"]["participants"] == 3


def test_a_room_made_by_a_join_is_deleted_when_it_is_empty(rooms: Stage) -> None:
    rooms.serve("a")
    rooms.apply("Room", "adhoc", {"emptyTTLSeconds": 1}, labels={"rotunda.dev/made-on-join": "true"})
    _visit(rooms, "a", "adhoc")

    rooms.until("room", "adhoc", lambda found: not found)
    rooms.until_items("events", lambda found: "Deleted" in _reasons(found, "adhoc"))


def test_a_cordoned_node_drains_behind_its_budget(rooms: Stage) -> None:
    rooms.serve("a")
    rooms.apply("Room", "standup", {"emptyTTLSeconds": 600})
    assert rooms.placed("standup") == "a"
    rooms.reporter.report("a", rooms={"standup": 2})
    rooms.until("room", "standup", lambda found: found["status"]["phase"] == "Active")
    rooms.until("pdb", "a", lambda found: found["spec"]["minAvailable"] == 1)

    rooms.kubectl("patch", "mn", "a", "--type=merge", "-p", '{"spec": {"cordoned": true}}')
    rooms.until("mn", "a", lambda found: found["status"]["phase"] == "Draining")
    rooms.apply("Room", "second")
    second = rooms.until("room", "second", lambda found: found["status"]["phase"] == "Pending")
    assert "1 is cordoned" in second["status"]["conditions"][0]["message"]

    assert rooms.placed("standup") == "a"

    rooms.reporter.report("a")
    rooms.until("room", "standup", lambda found: found["status"]["phase"] == "Idle")
    rooms.until("pdb", "a", lambda found: found["spec"]["minAvailable"] == 0)


def test_empty_rooms_of_a_node_that_drains_go_elsewhere_at_once(rooms: Stage) -> None:
    rooms.serve("a", utilization=0.1)
    rooms.apply("Room", "asleep", {"emptyTTLSeconds": 600})
    assert rooms.placed("asleep") == "a"
    rooms.serve("b", utilization=0.5)

    rooms.kubectl("patch", "mn", "a", "--type=merge", "-p", '{"spec": {"cordoned": true}}')

    assert rooms.placed("asleep", epoch=2) == "b"
    rooms.until("pdb", "a", lambda found: found["spec"]["minAvailable"] == 0)
    idle = rooms.get("room", "asleep")
    assert _conditions(idle) == {"Placed": ("True", "Placed"), "Ready": ("True", "Ready")}


def test_a_room_that_no_node_could_take_fails_and_says_what_to_change(rooms: Stage) -> None:
    rooms.serve("a")
    rooms.apply("Room", "stadium", {"maxParticipants": 5000, "expectedParticipants": 5000})

    failed = rooms.until("room", "stadium", lambda found: found["status"]["phase"] == "Failed")

    assert "lower expectedParticipants" in failed["status"]["conditions"][0]["message"]


def _visit(rooms: Stage, node: str, room: str) -> None:
    """Somebody comes and goes: a room in which nobody ever was is kept until its join deadline."""
    rooms.placed(room)
    rooms.reporter.report(node, rooms={room: 1})
    rooms.until("room", room, lambda found: found["status"]["phase"] == "Active")
    rooms.reporter.report(node)


def _conditions(found: Object) -> dict[str, tuple[str, str]]:
    return {c["type"]: (c["status"], c["reason"]) for c in found["status"]["conditions"]}


def _reasons(events: list[Object], name: str) -> set[str]:
    return {event["reason"] for event in events if event["involvedObject"]["name"] == name}
