"""What a hostile peer may send as SCTP: nothing of it raises, hangs or grows without bound."""

import asyncio
import random
import struct
from collections.abc import Awaitable, Callable, Iterable

import pytest
from aiortc.rtcsctptransport import (
    AbortChunk,
    Chunk,
    DataChunk,
    ForwardTsnChunk,
    HeartbeatChunk,
    InitChunk,
    ReconfigChunk,
    RTCSctpCapabilities,
    RTCSctpTransport,
    SackChunk,
    serialize_packet,
)
from google_crc32c import value as crc32c

from rotunda_contract.rtp import SctpStreamParameters
from rotunda_sfu.data.association import MAX_MESSAGE_BYTES, STREAMS, TEXT, Association, PeerMisbehaved
from rotunda_sfu.data.packet_check import is_sound
from rotunda_sfu.virtual_time import run_virtual, until

FIRST, LAST, UNORDERED = 2, 1, 4


class Victim:
    """An established association, and the means to forge packets of its peer."""

    def __init__(self) -> None:
        self.messages: list[tuple[int, int, bytes]] = []
        self.sent: list[bytes] = []
        self.init = b""
        self.association = Association(
            "server", send=self._send, on_message=lambda *message: self.messages.append(message)
        )

    async def _send(self, packet: bytes) -> None:
        self.sent.append(packet)

    async def establish(self) -> None:
        await self.association.listen()
        init = InitChunk()
        init.initiate_tag, init.advertised_rwnd = 77, 1 << 20
        init.outbound_streams = init.inbound_streams = STREAMS
        init.initial_tsn = 1000
        self.init = serialize_packet(5000, 5000, 0, init)
        await self.association.receive(self.init)
        cookie = self.sent[-1].index(struct.pack("!HH", 7, 28)) + 4
        await self.receive(_chunk(10, self.sent[-1][cookie : cookie + 24]))
        assert self.association.established

    async def receive(self, *chunks: bytes) -> None:
        await self.association.receive(self.packet(*chunks))

    async def receive_each(self, chunks: Iterable[bytes]) -> None:
        for chunk in chunks:
            await self.receive(chunk)

    def packet(self, *chunks: bytes) -> bytes:
        """A packet with a good checksum, whatever is in it."""
        header = struct.pack("!HHL", 5000, 5000, self.association._local_verification_tag)
        body = b"".join(chunks)
        return header + struct.pack("<L", crc32c(header + bytes(4) + body)) + body

    async def still_works(self, tsn: int, stream: int = 9) -> None:
        """A whole message that is next in order arrives."""
        before = len(self.messages)
        await self.receive(data(tsn, FIRST | LAST | UNORDERED, b"fine", stream=stream))
        assert self.messages[before:] == [(stream, TEXT, b"fine")]


def _chunk(kind: int, body: bytes, flags: int = 0, length: int | None = None) -> bytes:
    stated = len(body) + 4 if length is None else length
    return struct.pack("!BBH", kind, flags, stated) + body + bytes(-len(body) % 4)


def data(tsn: int, flags: int, payload: bytes, *, stream: int = 0, sequence: int = 0) -> bytes:
    chunk = DataChunk(flags=flags)
    chunk.tsn, chunk.stream_id, chunk.stream_seq = tsn % 2**32, stream, sequence
    chunk.protocol, chunk.user_data = TEXT, payload
    return bytes(chunk)


def victim_story(story: Callable[[Victim], Awaitable[None]]) -> Callable[[], None]:
    """Runs `story(victim)` in virtual time with an established association."""

    def test() -> None:
        async def main() -> None:
            victim = Victim()
            await victim.establish()
            await story(victim)
            await victim.association.stop()

        run_virtual(main())

    test.__doc__ = story.__doc__
    return test


@pytest.mark.parametrize(
    "body",
    [
        _chunk(9, struct.pack("!HH", 1, 0)),
        _chunk(6, struct.pack("!HH", 1, 3)),
        _chunk(130, struct.pack("!HH", 13, 400)),
        _chunk(1, bytes(16) + struct.pack("!HH", 0x8008, 0)),
        _chunk(4, b"", length=3),
        _chunk(4, b"", length=400),
        bytes(SackChunk()) * 2,
        bytes(ForwardTsnChunk()) * 2,
    ],
)
def test_unsound_packets_never_reach_the_parser(body: bytes) -> None:
    assert not is_sound(bytes(12) + body)


@pytest.mark.parametrize("chunk", [InitChunk(), AbortChunk(), HeartbeatChunk(), ReconfigChunk(), SackChunk()])
def test_ordinary_chunks_are_sound(chunk: Chunk) -> None:
    assert is_sound(serialize_packet(5000, 5000, 0, chunk))


@victim_story
async def test_short_chunks_are_counted(victim: Victim) -> None:
    for kind in (0, 1, 2, 3, 130, 192):
        for length in range(4):
            await victim.receive(_chunk(kind, bytes(length)))
    await victim.receive(bytes(InitChunk()), bytes(HeartbeatChunk()))
    assert victim.association.refused_chunks > 0
    await victim.still_works(1000)


@victim_story
async def test_a_late_init_changes_nothing(victim: Victim) -> None:
    """A copy of it would begin to count anew: what comes twice would be heard twice."""
    first, second = (data(tsn, FIRST | LAST | UNORDERED, b"%d" % tsn) for tsn in (1000, 1001))
    await victim.receive(first)
    sent = len(victim.sent)
    await victim.association.receive(victim.init)
    assert len(victim.sent) == sent
    await victim.receive_each([first, second])
    assert [payload for _, _, payload in victim.messages] == [b"1000", b"1001"]


@victim_story
async def test_a_sack_acknowledges_only_what_was_sent(victim: Victim) -> None:
    highest = victim.association._local_tsn - 1
    for cumulative, gaps in ((highest + 5, []), (highest, [(1, 65535)]), (highest - 3, [(2, 1)])):
        before = victim.association.refused_chunks
        sack = SackChunk()
        sack.cumulative_tsn, sack.gaps = cumulative % 2**32, gaps
        await victim.receive(bytes(sack))
        assert victim.association.refused_chunks == before + 1
    await victim.still_works(1000)


@victim_story
async def test_what_waits_behind_a_gap_is_bounded(victim: Victim) -> None:
    """And what fills the gap is welcome at any time, so that nothing gets stuck."""
    for tsn in range(1001, 4000):
        await victim.receive(data(tsn, FIRST | LAST | UNORDERED, b"x", stream=tsn % 7))
    assert len(victim.association._sack_misordered) == 256
    await victim.receive(data(1000, FIRST | LAST | UNORDERED, b"x"))
    assert victim.association._sack_misordered == set()
    await victim.still_works(1257)


@victim_story
async def test_tiny_fragments_end_the_session(victim: Victim) -> None:
    with pytest.raises(PeerMisbehaved, match="fragments"):
        await victim.receive_each(
            data(tsn, 0 if tsn > 1000 else FIRST, b"x") for tsn in range(1000, 1000 + MAX_MESSAGE_BYTES)
        )


@victim_story
async def test_unfinished_messages_on_many_streams_end_the_session(victim: Victim) -> None:
    with pytest.raises(PeerMisbehaved):
        await victim.receive_each(
            data(tsn, FIRST, bytes(1000), stream=tsn % STREAMS) for tsn in range(1000, 1000 + 4096)
        )


@victim_story
async def test_streams_beyond_the_agreed_ones_are_refused(victim: Victim) -> None:
    await victim.receive(data(1000, FIRST | LAST, b"x", stream=STREAMS))
    forward = ForwardTsnChunk()
    forward.cumulative_tsn, forward.streams = 1000, [(stream, 1) for stream in range(STREAMS, STREAMS + 200)]
    await victim.receive(bytes(forward))
    assert victim.messages == []
    assert victim.association._inbound_streams == {}
    await victim.still_works(1001)


@victim_story
async def test_noise_with_good_checksums(victim: Victim) -> None:
    noise = random.Random(11)
    for _ in range(3000):
        kinds = [
            noise.choice((0, 3, 4, 9, 130, 192, noise.randrange(256))) for _ in range(noise.randrange(1, 4))
        ]
        chunks = [_chunk(kind, noise.randbytes(noise.randrange(40)), noise.randrange(8)) for kind in kinds]
        try:
            await victim.receive(*chunks)
        except PeerMisbehaved:
            return
    assert len(victim.association._sack_misordered) <= 256


def test_a_real_association_over_a_bad_link() -> None:
    """The bounds do not stand in the way of a peer that behaves: one packet in five is lost."""

    async def story() -> None:
        loop, chance = asyncio.get_running_loop(), random.Random(2)
        messages: list[bytes] = []

        async def to_peer(packet: bytes) -> None:
            if chance.random() > 0.2:
                loop.call_later(0.02, lambda: loop.create_task(peer._handle_data(packet)))

        async def to_us(packet: bytes) -> None:
            if chance.random() > 0.2:
                loop.call_later(0.02, lambda: loop.create_task(ours.receive(packet)))

        ours = Association("server", send=to_peer, on_message=lambda *message: messages.append(message[2]))
        peer = Association("client", send=to_us, on_message=lambda *_: None)
        await ours.listen()
        await peer.listen()
        await peer.initiate()
        channel = peer.open_stream(SctpStreamParameters(stream_id=1))
        expected = [bytes([number]) * (number * 900 + 1) for number in range(40)]
        for message in expected:
            await peer.send_message(channel, TEXT, message)
        await until(lambda: len(messages) == len(expected), seconds=2000)
        assert messages == expected
        await peer.stop()
        await ours.stop()

    run_virtual(story())


def test_aiortc_is_still_what_the_overrides_expect() -> None:
    """The private names that `Association` overrides, so that a new aiortc fails here and not in a call."""
    for name in (
        "_init",
        "_t1_expired",
        "_receive",
        "_receive_chunk",
        "_receive_data_chunk",
        "_receive_forward_tsn_chunk",
        "_receive_sack_chunk",
        "_handle_data",
        "_data_channel_flush",
    ):
        assert callable(getattr(RTCSctpTransport, name))
    assert RTCSctpCapabilities(maxMessageSize=1).maxMessageSize == 1
