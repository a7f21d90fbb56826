"""Signaling in front of a real media node: what the fake of each side's tests cannot show."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import httpx
import pytest

from rotunda.serve import single_machine
from rotunda_sfu.settings import NodeSettings
from rotunda_signaling.media_node.grpc import GrpcMediaNodes
from rotunda_signaling.settings import SignalingSettings
from rotunda_signaling.testing import Guest

OPUS = {"mimeType": "audio/opus", "payloadType": 111, "clockRate": 48000, "channels": 2, "parameters": {}}
AUDIO = {
    "mid": "0",
    "codecs": [OPUS],
    "headerExtensions": [{"uri": "urn:ietf:params:rtp-hdrext:sdes:mid", "id": 4}],
    "encodings": [{"ssrc": 1111}],
    "rtcp": {"cname": "c"},
}
DTLS = {"role": "client", "fingerprints": [{"algorithm": "sha-256", "value": ":".join(["AB"] * 32)}]}


@dataclass
class Machine:
    url: str
    guests: list[Guest] = field(default_factory=list)

    async def guest(self) -> Guest:
        self.guests.append(Guest(self.url))
        return await self.guests[-1].connect()

    async def joined(self, name: str, **more: Any) -> Guest:
        return await (await self.guest()).join("standup", name, **more)


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls of the media node get more time: a crowd, signaling and node share one event loop here."""
    monkeypatch.setattr("rotunda.serve.GrpcMediaNodes", partial(GrpcMediaNodes, deadline=60.0))


@pytest.fixture
async def machine() -> AsyncIterator[Machine]:
    settings = SignalingSettings(port=0, max_participants=50)
    node = NodeSettings(listen_addresses=("127.0.0.1",), media_port=0, workers=1)
    async with single_machine(settings, node) as http:
        machine = Machine(f"http://127.0.0.1:{http.port}")
        yield machine
        await asyncio.gather(*(guest.sio.disconnect() for guest in machine.guests), return_exceptions=True)


async def publish(guest: Guest, **more: Any) -> tuple[str, str]:
    transport = await guest.ask("createWebRtcTransport", {"direction": "send"})
    payload = {"transportId": transport["id"], "kind": "audio", "rtpParameters": AUDIO, **more}
    return transport["id"], (await guest.ask("produce", payload))["id"]


async def test_publishing_pausing_consuming_and_leaving(machine: Machine) -> None:
    ada, bob = await machine.joined("Ada"), await machine.joined("Bob")
    transport, producer = await publish(ada, appData={"n": 1})
    connect = {"transportId": transport, "dtlsParameters": DTLS}
    assert await ada.ask("connectWebRtcTransport", connect) == {}
    assert (await ada.ask("connectWebRtcTransport", connect))["error"]["code"] == "invalid_state"
    ref = {"participantId": ada.id, "producerId": producer}
    told = await bob.expect("newProducer")
    assert told == {**ref, "kind": "audio", "source": "microphone", "paused": False, "appData": {"n": 1}}
    receive = await bob.ask("createWebRtcTransport", {"direction": "recv"})
    consumer = await bob.ask(
        "consume",
        {
            "transportId": receive["id"],
            "producerId": producer,
            "rtpCapabilities": bob.joined["routerRtpCapabilities"],
        },
    )
    assert (consumer["kind"], consumer["type"], consumer["producerPaused"]) == ("audio", "simple", False)
    assert consumer["rtpParameters"]["encodings"][0]["ssrc"]
    await ada.ask("pauseProducer", {"producerId": producer})
    assert await bob.expect("producerPaused") == ref
    assert (await bob.ask("pauseProducer", {"producerId": producer}))["error"]["code"] == "not_found"
    await ada.ask("leave", {})
    await bob.expect("participantLeft")
    assert await bob.expect("consumerClosed") == {"consumerId": consumer["id"], "producerId": producer}
    assert (await ada.join("standup", "Ada")).joined["participants"][0]["participantId"] == bob.id


async def test_a_seat_is_resumed_and_taken_over(machine: Machine) -> None:
    ada, bob = await machine.joined("Ada"), await machine.joined("Bob")
    transport, producer = await publish(bob)
    await bob.sio.eio.disconnect(abort=True)
    again = await machine.joined("Bob", seat=bob.joined["seat"])
    assert (again.joined["resumed"], again.id) == (True, bob.id)
    own = again.joined["self"]
    assert own["transports"] == [{"transportId": transport, "direction": "send"}]
    assert [made["producerId"] for made in own["producers"]] == [producer]
    third = await machine.joined("Bob", seat=bob.joined["seat"])
    assert await again.expect("removed") == {"reason": "taken_over"}
    await again.expect("disconnect")
    assert await third.ask("pauseProducer", {"producerId": producer}) == {}
    await ada.expect("producerPaused")
    assert ada.named("participantLeft") == []


async def test_a_deleted_room_can_be_joined_anew(machine: Machine) -> None:
    ada = await machine.joined("Ada")
    async with httpx.AsyncClient(base_url=machine.url, timeout=60) as http, asyncio.timeout(60):
        path = "/api/v1/rooms/standup"
        # It counts who the media node's stream tells of, later than the answer to the join.
        while (await http.get(path)).json()["participants"] != 1:  # noqa: ASYNC110 -- no event tells
            await asyncio.sleep(0.02)
        assert (await http.delete("/api/v1/rooms/standup")).status_code == 204
    assert await ada.expect("roomClosed") == {"reason": "deleted", "rejoin": False}
    first = ada.id
    assert (await ada.join("standup", "Ada", seat=ada.joined["seat"])).joined["resumed"] is False
    assert ada.id != first


async def test_at_the_end_people_are_told_before_anything_is_closed() -> None:
    node = NodeSettings(listen_addresses=("127.0.0.1",), media_port=0, workers=1)
    async with single_machine(SignalingSettings(port=0), node) as running:
        ada = await Guest(f"http://127.0.0.1:{running.port}").connect()
        await ada.join("standup", "Ada")
        await ada.ask("createWebRtcTransport", {"direction": "send"})
        (room,) = running.node.rooms
    assert await ada.expect("roomClosed") == {"reason": "stopping", "rejoin": True}
    await ada.expect("disconnect")
    names = [name for name, _ in ada.events]
    assert names.index("roomClosed") < names.index("disconnect")
    assert room.closed


async def test_two_hundred_join_four_rooms_at_once(machine: Machine) -> None:
    guests = await asyncio.gather(*(machine.guest() for _ in range(200)))
    rooms = [guests[start::4] for start in range(4)]
    joins = (guest.join(f"room-{number}") for number, room in enumerate(rooms) for guest in room)
    await asyncio.gather(*joins)
    for room in rooms:
        everyone = {guest.id for guest in room}
        assert len(everyone) == 50
        for guest in room:
            known = {person["participantId"] for person in guest.joined["participants"]}
            await guest.expect("participantJoined", 49 - len(known))
            told = [payload["participantId"] for payload in guest.named("participantJoined")]
            assert len(told) == len(set(told))
            assert known.isdisjoint(told)
            assert known | set(told) | {guest.id} == everyone
