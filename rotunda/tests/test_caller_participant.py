"""What a participant without a browser can do in a room, against one machine."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from rotunda.caller import (
    NumberedPicture,
    NumberedSilence,
    PacketTrace,
    Participant,
    PictureDecoder,
    SignalingUnreachable,
    Transport,
)
from rotunda.caller.ways import Way, open_udp
from rotunda.serve import single_machine
from rotunda_sfu.settings import NodeSettings
from rotunda_signaling.settings import SignalingSettings

DEADLINE = 60.0
ROOM = "standup"


@pytest.fixture
async def url() -> AsyncIterator[str]:
    node = NodeSettings(listen_addresses=("127.0.0.1",), media_port=0, workers=1)
    async with single_machine(SignalingSettings(port=0), node) as http:
        yield f"http://127.0.0.1:{http.port}"


@pytest.fixture
async def people(url: str) -> AsyncIterator[list[Participant]]:
    """Ada and Ben."""
    entered = [await Participant.enter(url, ROOM, name) for name in ("Ada", "Ben")]
    yield entered
    for participant in entered:
        await participant.leave()


class Speech:
    """Ada speaks, and Ben hears her."""

    def __init__(self) -> None:
        self.trace = PacketTrace()
        self.sending: Transport
        self.receiving: Transport

    async def begin(self, ada: Participant, ben: Participant) -> "Speech":
        self.sending, self.receiving = await ada.transport("send"), await ben.transport("recv")
        publication = await ada.publish(self.sending, NumberedSilence(), self.trace.on_sent)
        await ben.consume(self.receiving, publication.id, self.trace.on_received)
        publication.start()
        await self.goes_on()
        return self

    async def goes_on(self) -> None:
        """Packets that are sent from now on arrive."""
        async with asyncio.timeout(DEADLINE):
            await self.trace.departures.reach(self.trace.departures.value + 1)
            newest = max(self.trace.sent)
            while max(self.trace.received, default=-1) <= newest:
                await self.trace.arrivals.reach(self.trace.arrivals.value + 1)


async def test_attributes_and_reactions(people: list[Participant]) -> None:
    ada, ben = people
    async with asyncio.timeout(DEADLINE):
        await ada.set_attributes(hand="now", mood="fine")
        await ada.set_attributes(mood=None)
        await ada.react("heart")
        told = await ben.event("participantUpdated", lambda payload: payload["attributes"] == {"mood": None})
        assert told["participantId"] == ada.id
        assert await ben.event("reaction") == {"participantId": ada.id, "name": "heart"}
    updates = [payload["attributes"] for name, payload in ben.events if name == "participantUpdated"]
    assert updates == [{"hand": "now", "mood": "fine"}, {"mood": None}]


async def test_media_goes_on_while_the_seat_waits_for_a_new_socket(people: list[Participant]) -> None:
    ada, ben = people
    speech = await Speech().begin(ada, ben)
    before = ada.id
    told: asyncio.Queue[str] = asyncio.Queue()
    ada.listen(lambda name, payload: told.put_nowait(name))
    await ada.lose_connection()
    with pytest.raises(SignalingUnreachable):
        await ada.request("react", name="heart")
    async with asyncio.timeout(DEADLINE):
        await ben.event("participantConnection", lambda payload: payload["state"] == "lost")
    await speech.goes_on()
    await ada.resume()
    assert ada.joined["resumed"] is True
    assert ada.id == before
    own = ada.joined["self"]
    assert [each["transportId"] for each in own["transports"]] == [speech.sending.id]
    await ada.react("heart")
    await ben.react("laugh")
    async with asyncio.timeout(DEADLINE):
        await ben.event("reaction")
        while await told.get() != "reaction":
            pass
    await speech.goes_on()


async def test_who_waits_for_an_event_is_told_that_the_connection_is_lost(people: list[Participant]) -> None:
    ada, _ = people
    waiting = asyncio.create_task(ada.event("roomClosed"))
    await ada.request("setAttributes", attributes={"hand": "now"})
    await ada.lose_connection()
    with pytest.raises(SignalingUnreachable, match="roomClosed did not come"):
        await waiting
    with pytest.raises(SignalingUnreachable, match="roomClosed did not come"):
        await ada.event("roomClosed")


async def test_both_transports_change_their_way_while_media_goes_on(
    people: list[Participant], opened: list[Way], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With new credentials: each is on a new socket, and what was sent meanwhile has all arrived."""
    monkeypatch.setattr("rotunda.caller.ice.LINGER_SECONDS", DEADLINE)
    ada, ben = people
    speech = await Speech().begin(ada, ben)
    ways = list(opened)
    await ada.restart_ice(speech.sending)
    await speech.goes_on()
    await ben.restart_ice(speech.receiving)
    await speech.goes_on()
    sent = [number for number in speech.trace.sent if number <= max(speech.trace.received)]
    async with asyncio.timeout(DEADLINE):
        await speech.trace.received_all(sent[sent.index(min(speech.trace.received)) :])
    assert len(opened) == 2 * len(ways) == 4


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Way]:
    """Every way over UDP that is opened."""
    ways: list[Way] = []

    async def open_and_keep(host: str, port: int) -> Way:
        ways.append(await open_udp(host, port))
        return ways[-1]

    monkeypatch.setattr("rotunda.caller.ice.open_udp", open_and_keep)
    return ways


async def test_who_comes_late_to_a_picture_gets_a_key_frame(people: list[Participant]) -> None:
    """The media node wishes one of the sender, by RTCP; the picture's own first one was long ago."""
    ada, ben = people
    publication = await ada.publish(await ada.transport("send"), NumberedPicture())
    receiving = await ben.transport("recv")
    early, late = PictureDecoder(), PictureDecoder()
    await ben.consume(receiving, publication.id, early.on_packet)
    publication.start()
    async with asyncio.timeout(DEADLINE):
        await early.numbered.reach(3)
        consumer = await ben.consume(receiving, publication.id, late.on_packet)
        await late.numbered.reach(3)
        await consumer.pause()
        await consumer.resume()
        await consumer.request_key_frame()
        await late.numbered.reach(late.numbered.value + 3)
    assert consumer.packets.value >= 6
    assert late.last is not None
    await consumer.close()
    await publication.close()
    async with asyncio.timeout(DEADLINE):
        await ben.event("producerClosed", lambda payload: payload["producerId"] == publication.id)


@pytest.mark.parametrize(
    ("ordered", "max_retransmits"), [(True, None), (False, 0)], ids=["reliable", "unreliable"]
)
async def test_messages_go_through_data_channels(
    people: list[Participant], ordered: bool, max_retransmits: int | None
) -> None:
    ada, ben = people
    sending, receiving = await ada.transport("send"), await ben.transport("recv")
    async with asyncio.timeout(DEADLINE):
        first, second = [
            await ada.produce_data(sending, label, ordered=ordered, max_retransmits=max_retransmits)
            for label in ("first", "second")
        ]
        ears = [await ben.consume_data(receiving, channel.id) for channel in (first, second)]
        second.send("to the second")
        for message in ("text", b"\x00\x7f\xff", ""):
            first.send(message)
        heard = [await ears[0].receive() for _ in range(3)]
        assert sorted(map(repr, heard)) == sorted(map(repr, ("text", b"\x00\x7f\xff", "")))
        assert await ears[1].receive() == "to the second"
    assert [channel.missed for channel in ears] == [0, 0]


async def test_who_only_signals_has_no_transport(people: list[Participant]) -> None:
    """And sees what the others do."""
    ada, ben = people
    publication = await ada.publish(await ada.transport("send"), NumberedSilence())
    async with asyncio.timeout(DEADLINE):
        told = await ben.event("newProducer")
    assert told["producerId"] == publication.id
    assert told["source"] == "microphone"
