"""The whole chain with real parts: people send real RTP through media nodes, which report what they carry.

Media nodes and signaling are processes of this machine. What makes a node busy is its egress against a small
capacity, which is the same however fast the machine is.
"""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from harness.cluster import signaling_of
from harness.talk import BITRATE, talk

from rotunda_contract.pb import media_node_pb2 as pb
from rotunda_contract.pb import media_node_pb2_grpc as rpc
from rotunda_operator.testing import ControlPlane, Relay, Stage
from rotunda_operator.testing.ports import free_network
from rotunda_operator.testing.process_kubelet import ProcessKubelet
from rotunda_operator.testing.stage import Object

pytestmark = pytest.mark.timeout(900)

NODES = ("default-media-0", "default-media-1")
ROOM = {"expectedParticipants": 1, "emptyTTLSeconds": 600}
"""One expected person reserves no consumers, so only the reported media decides."""
TALK_KBPS = BITRATE // 1000
"""A talk to two listeners sends twice as much. Half of it is required, as a busy machine may delay
packets."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A namespace with an operator, media nodes that come when they are made, and signaling at `url`."""

    stage: Stage
    kubelet: ProcessKubelet
    relays: dict[str, Relay]
    folder: Path
    open: AsyncExitStack

    async def cluster(self, egress_mbps: int, **media_nodes: Any) -> str:
        """Applies it; the answer is the URL of its signaling."""
        spec = {"network": free_network(20), "capacity": {"egressMbps": egress_mbps}, **media_nodes}
        rest = {"signaling": {"replicas": 0}, "turn": {"enabled": False}}
        await self.apply("MediaCluster", "default", {"mediaNodes": spec, **rest})
        return (await self.open.enter_async_context(signaling_of(self.stage, self.folder))).url

    async def apply(self, kind: str, name: str, spec: Object) -> None:
        await asyncio.to_thread(self.stage.apply, kind, name, spec)

    async def place(self, room: str) -> str:
        """Applies a Room; the answer is where it went."""
        await self.apply("Room", room, ROOM)
        return await asyncio.to_thread(self.stage.placed, room)

    async def until(self, kind: str, name: str, holds: Callable[[Object], Any]) -> Object:
        return await asyncio.to_thread(self.stage.until, kind, name, holds)

    async def until_items(self, kind: str, holds: Callable[[list[Object]], Any]) -> list[Object]:
        return await asyncio.to_thread(self.stage.until_items, kind, holds)

    async def where(self, *rooms: str) -> dict[str, tuple[str, int]]:
        """Media node and epoch of each."""
        found = {item["metadata"]["name"]: item for item in await self.until_items("rooms", bool)}
        assignments = {room: found[room]["status"]["assignment"] for room in rooms}
        return {room: (each["mediaNode"], each["epoch"]) for room, each in assignments.items()}


@asynccontextmanager
async def scene_on(stage: Stage, folder: Path) -> AsyncIterator[Scene]:
    async with AsyncExitStack() as open:
        relays = {node: await open.enter_async_context(Relay(stage.operator.otlp_port)) for node in NODES}
        ports = {node: relay.port for node, relay in relays.items()}
        kubelet = await asyncio.to_thread(stage.process_kubelet, ports)
        yield Scene(stage, kubelet, relays, folder, open)


@pytest.fixture
async def scene(stage: Stage, tmp_path: Path) -> AsyncIterator[Scene]:
    async with scene_on(stage, tmp_path) as scene:
        yield scene


@pytest.fixture
async def whole_scene(full_plane: ControlPlane, tmp_path: Path) -> AsyncIterator[Scene]:
    """With the controllers of Kubernetes, which delete the pods of nodes that are gone."""
    stage = await asyncio.to_thread(Stage, full_plane, tmp_path, "fleet")
    with stage:
        async with scene_on(stage, tmp_path) as scene:
            yield scene


async def test_rooms_go_where_media_leaves_the_most_room(scene: Scene) -> None:
    url = await scene.cluster(8, min=2, max=2)
    await scene.until("mc", "default", _has_two_ready)
    busy = await scene.place("loud")
    async with talk(url, "loud"):
        load = (await scene.until("mn", busy, _is_busy))["status"]["load"]
        assert load["utilizationPercent"] >= load["egressKbps"] // 80, "of 8 Mbit/s"
        quiet = {await scene.place(f"quiet-{number}") for number in range(4)}
        assert quiet == {node for node in NODES if node != busy}
    await scene.until("mn", busy, _is_idle)

    (other,) = quiet
    async with talk(url, "quiet-0"):
        await scene.until("mn", other, _is_busy)
        assert {await scene.place(f"late-{number}") for number in range(4)} == {busy}


async def test_silence_moves_nothing_and_people_talk_on(scene: Scene) -> None:
    url = await scene.cluster(8, min=2, max=2)
    await scene.until("mc", "default", _has_two_ready)
    busy = await scene.place("loud")
    async with talk(url, "loud") as loud:
        await scene.until("mn", busy, _is_busy)
        quiet = await scene.place("calm")
        assert quiet != busy
        async with talk(url, "calm", onlookers=1) as calm:
            scene.relays[quiet].cut()
            await scene.until("mn", quiet, _is_silent)
            assert await scene.place("second") == busy, "who is silent gets no new rooms, whatever it carried"

            scene.relays[busy].cut()
            await scene.until("mn", busy, _is_silent)
            await scene.apply("Room", "third", ROOM)
            waiting = await scene.until("room", "third", lambda room: room["status"]["phase"] == "Pending")
            assert "2 have not reported their load lately" in waiting["status"]["conditions"][0]["message"]
            await asyncio.gather(loud.goes_on(), calm.goes_on())

            scene.relays[quiet].mend()
            assert await asyncio.to_thread(scene.stage.placed, "third") == quiet
            await asyncio.gather(loud.goes_on(), calm.goes_on())
    assert await scene.where("loud", "calm", "second") == {
        "loud": (busy, 1),
        "calm": (quiet, 1),
        "second": (busy, 1),
    }


async def test_a_killed_node_is_lost_and_its_room_goes_on_elsewhere_with_a_higher_epoch(scene: Scene) -> None:
    url = await scene.cluster(8, min=2, max=2)
    await scene.until("mc", "default", _has_two_ready)
    victim = await scene.place("call")
    kept = await scene.place("kept")
    assert kept != victim
    pod = (await scene.until("mn", victim, bool))["status"]["podName"]
    async with talk(url, "call") as before:
        await before.goes_on()
        scene.kubelet.signal(pod, signal.SIGKILL)
        await asyncio.to_thread(scene.stage.placed, "call", 2)
    await scene.until_items("events", lambda events: _tells(events, victim, "Lost"))
    assert await scene.where("call", "kept") == {"call": (kept, 2), "kept": (kept, 1)}

    async with talk(url, "call") as again:
        await again.goes_on()
        assert "epoch 1" in await asyncio.to_thread(_refusal, scene.stage, "call", 1)
        await again.goes_on()
    replaced = await scene.until("mn", victim, lambda node: node["status"]["phase"] == "Ready")
    assert replaced["status"]["podName"] != pod
    assert await scene.where("call", "kept") == {"call": (kept, 2), "kept": (kept, 1)}


async def test_a_port_that_another_program_uses_is_avoided(scene: Scene) -> None:
    network = free_network(20)
    first = network["portFrom"]
    with socket.socket(type=socket.SOCK_DGRAM) as stranger:
        stranger.bind(("127.0.0.1", first))
        await scene.cluster(8, min=1, max=1, network=network)
        node = await scene.until("mn", NODES[0], lambda node: node["status"].get("phase") == "Ready")
    assert node["status"]["ports"]["media"] > first

    def names_the_port(events: list[Object]) -> bool:
        return any(event["reason"] == "Lost" and f":{first}" in event["message"] for event in events)

    await scene.until_items("events", names_the_port)


async def test_the_fleet_follows_the_media_to_zero_and_back(whole_scene: Scene) -> None:
    scene = whole_scene
    scaling = {"scaleDownDelaySeconds": 1, "spareRooms": 0, "targetUtilizationPercent": 40}
    url = await scene.cluster(4, min=0, max=2, scaling=scaling)
    first = await scene.place("first")
    async with talk(url, "first"):
        await scene.until("mn", first, _is_busy)
        (second,) = {node for node in NODES if node != first}
        await scene.until("mn", second, lambda node: node["status"]["phase"] == "Ready")
        assert await scene.place("second") == second

    for room in ("first", "second"):
        await scene.apply("Room", room, {"emptyTTLSeconds": 1})
        await scene.until("room", room, lambda room: room["status"]["phase"] == "Idle")
    await scene.until_items("mn", lambda nodes: not nodes)
    await scene.until_items("pods", lambda pods: not pods)
    assert scene.kubelet.running == set()

    await scene.apply("Room", "first", ROOM)
    async with talk(url, "first") as woken:
        await woken.goes_on()
        assert (await scene.where("first"))["first"][1] > 1


def _refusal(stage: Stage, room: str, epoch: int) -> str:
    """What the room's node says to a call with this epoch."""
    assignment = stage.get("room", room)["status"]["assignment"]
    node = stage.get("mn", assignment["mediaNode"])["status"]
    key = pb.RoomKey(room=room, epoch=epoch, process_id=node["processID"])
    uid = stage.get("room", room)["metadata"]["uid"]
    with grpc.insecure_channel(node["grpcAddress"]) as channel:
        stub = rpc.MediaNodeStub(channel)
        with pytest.raises(grpc.RpcError) as refused:
            stub.OpenRoom(pb.OpenRoomRequest(room_key=key, room_uid=uid), timeout=60)
    return str(refused.value.details())


def _has_two_ready(cluster: Object) -> bool:
    ready: int = cluster["status"]["readyMediaNodes"]
    return ready == 2


def _is_busy(node: Object) -> bool:
    egress: int = node["status"]["load"]["egressKbps"]
    return egress >= TALK_KBPS


def _is_idle(node: Object) -> bool:
    egress: int = node["status"]["load"]["egressKbps"]
    return egress < TALK_KBPS // 10


def _is_silent(node: Object) -> bool:
    reasons = {each["type"]: each["reason"] for each in node["status"]["conditions"]}
    return reasons.get("Reporting") == "Silent"


def _tells(events: list[Object], name: str, reason: str) -> bool:
    return any(each["involvedObject"]["name"] == name and each["reason"] == reason for each in events)
