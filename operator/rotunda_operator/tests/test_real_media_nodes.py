"""The whole chain with real media nodes: processes of this machine that report what they really carry."""

import signal
from collections.abc import Iterator
from contextlib import ExitStack, closing

import grpc
import pytest

from rotunda_contract.pb import media_node_pb2 as pb
from rotunda_contract.pb import media_node_pb2_grpc as rpc
from rotunda_operator.testing import Stage
from rotunda_operator.testing.operator_process import free_port
from rotunda_operator.testing.stage import Object

pytestmark = pytest.mark.timeout(400)
WATCHER = "signaling-1"
FEW = {"expectedParticipants": 2}


class Caller:
    """What signaling does for people of a room, without their media."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._open = ExitStack()

    def close(self) -> None:
        self._open.close()

    def join(self, room: str, people: int) -> None:
        """They join the room on the node where it is."""
        key, stub = self._at(room)
        stub.OpenRoom(pb.OpenRoomRequest(room_key=key), timeout=60)
        events = stub.WatchRoom(pb.WatchRoomRequest(room_key=key, watcher_id=WATCHER))
        self._open.callback(events.cancel)
        next(events)
        for number in range(people):
            request = pb.JoinRequest(
                room_key=key, watcher_id=WATCHER, connection_id=f"{room}-{number}", display_name="Ada"
            )
            stub.Join(request, timeout=60)

    def refusal(self, room: str, epoch: int) -> str:
        """What the room's node says to a call with this epoch."""
        key, stub = self._at(room)
        key.epoch = epoch
        with pytest.raises(grpc.RpcError) as refused:
            stub.OpenRoom(pb.OpenRoomRequest(room_key=key), timeout=60)
        details = refused.value.details()
        return str(details)

    def _at(self, room: str) -> tuple[pb.RoomKey, rpc.MediaNodeStub]:
        assignment = self._stage.get("room", room)["status"]["assignment"]
        node = self._stage.get("mn", assignment["mediaNode"])["status"]
        channel = self._open.enter_context(grpc.insecure_channel(node["grpcAddress"]))
        key = pb.RoomKey(room=room, epoch=assignment["epoch"], process_id=node["processID"])
        return key, rpc.MediaNodeStub(channel)


@pytest.fixture
def caller(stage: Stage) -> Iterator[Caller]:
    with closing(Caller(stage)) as caller:
        yield caller


def test_rooms_follow_the_load_that_real_media_nodes_report(stage: Stage, caller: Caller) -> None:
    kubelet = stage.process_kubelet()
    stage.apply("MediaCluster", "default", _two_nodes())
    stage.until("mc", "default", lambda found: found["status"]["readyMediaNodes"] == 2, 120)

    stage.apply("Room", "first")
    busy = stage.placed("first")
    caller.join("first", 10)
    stage.until("mn", busy, lambda found: found["status"]["load"]["utilizationPercent"] >= 50)
    stage.until(
        "room", "first", lambda r: (r["status"]["phase"], r["status"]["participants"]) == ("Active", 10)
    )
    stage.apply("Room", "second", FEW)
    quiet = stage.placed("second")
    assert quiet != busy, "the less loaded one takes it"

    kubelet.signal(_pod(stage, quiet), signal.SIGSTOP)
    stage.until("mn", quiet, lambda found: _reason(found, "Reporting") == "Silent")
    stage.apply("Room", "third", FEW)
    assert stage.placed("third") == busy, "who is silent gets no new rooms"
    assert stage.placed("second") == quiet, "and keeps those that it has"
    kubelet.signal(_pod(stage, quiet), signal.SIGCONT)
    stage.until("mn", quiet, lambda found: _reason(found, "Reporting") == "Reporting")

    lost = _pod(stage, busy)
    kubelet.signal(lost, signal.SIGKILL)
    stage.placed("first", epoch=2)
    caller.join("first", 1)
    assert "epoch 1" in caller.refusal("first", epoch=1)
    replaced = stage.until("mn", busy, lambda found: found["status"]["phase"] == "Ready", 120)
    assert replaced["status"]["podName"] != lost


def _two_nodes() -> Object:
    first = free_port()
    first = first if first < 60_000 else first - 10_000
    return {
        "mediaNodes": {
            "min": 2,
            "max": 2,
            "network": {"portFrom": first, "portTo": first + 20},
            "capacity": {"participants": 20},
        },
        "signaling": {"replicas": 0},
        "turn": {"enabled": False},
    }


def _pod(stage: Stage, node: str) -> str:
    name: str = stage.get("mn", node)["status"]["podName"]
    return name


def _reason(found: Object, type: str) -> str:
    return next((str(c["reason"]) for c in found["status"]["conditions"] if c["type"] == type), "")
