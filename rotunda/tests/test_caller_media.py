"""What a caller sends and how it knows it again: RTP, numbered sound, a picture with a number in it."""

import asyncio
import struct

import av
import pytest
from aiortc.rtp import RTCP_PSFB_FIR, RTCP_PSFB_PLI, RtcpPsfbPacket, RtpPacket
from hypothesis import assume, given
from hypothesis import strategies as st

from rotunda.caller import HandshakeFailed, NumberedPicture, NumberedSilence, PacketTrace, PictureDecoder
from rotunda.caller.dtls import Dtls, split_records
from rotunda.caller.picture import BITS, draw, read
from rotunda.caller.rtp import is_rtcp, rtp_packet, ssrc_of, wished_key_frames
from rotunda.caller.trace import number_of, numbered

DEADLINE = 60.0


@given(
    ssrc=st.integers(0, 2**32 - 1),
    payload_type=st.integers(0, 127),
    sequence=st.integers(0, 2**40),
    timestamp=st.integers(0, 2**40),
    payload=st.binary(max_size=1200),
    marker=st.booleans(),
    padding=st.integers(0, 255),
)
def test_packets_read_as_they_were_written(
    ssrc: int, payload_type: int, sequence: int, timestamp: int, payload: bytes, marker: bool, padding: int
) -> None:
    packet = rtp_packet(
        ssrc=ssrc,
        payload_type=payload_type,
        sequence=sequence,
        timestamp=timestamp,
        payload=payload,
        marker=marker,
        padding=padding,
    )
    parsed = RtpPacket.parse(packet)
    assert (parsed.ssrc, parsed.payload_type, parsed.marker) == (ssrc, payload_type, marker)
    assert (parsed.sequence_number, parsed.timestamp) == (sequence % 2**16, timestamp % 2**32)
    assert (parsed.payload, parsed.padding_size) == (payload, padding)
    assert ssrc_of(packet) == ssrc
    assert is_rtcp(packet) is (marker and 64 <= payload_type <= 95)


def test_too_short_for_a_header() -> None:
    assert ssrc_of(b"\x80" + bytes(10)) is None
    assert not is_rtcp(b"\x80")


def test_wishes_for_key_frames_are_found_among_other_reports() -> None:
    receiver_report = struct.pack("!BBHI", 0x80, 201, 1, 7)
    entries = b"".join(struct.pack("!IB3x", ssrc, 1) for ssrc in (5, 6))
    feedback = (
        RtcpPsfbPacket(fmt=RTCP_PSFB_PLI, ssrc=7, media_ssrc=4),
        RtcpPsfbPacket(fmt=15, ssrc=7, media_ssrc=0, fci=b"REMB" + bytes(8)),
        RtcpPsfbPacket(fmt=RTCP_PSFB_FIR, ssrc=7, media_ssrc=0, fci=entries),
    )
    compound = receiver_report + b"".join(bytes(each) for each in feedback)
    assert list(wished_key_frames(compound)) == [4, 5, 6]


@given(st.binary(max_size=200))
def test_whatever_comes_as_rtcp_is_borne(datagram: bytes) -> None:
    list(wished_key_frames(datagram))


@given(number=st.integers(0, 2**64 - 1), before=st.binary(max_size=20), after=st.binary(max_size=20))
def test_payloads_tell_their_number(number: int, before: bytes, after: bytes) -> None:
    assume(b"r" not in before)  # what could begin a mark
    payload = before + numbered(number) + after
    assert number_of(payload) == number
    assert number_of(payload[: len(before) + len(numbered(number)) - 1]) is None


async def test_a_trace_counts_each_packet_once_and_only_if_it_was_sent() -> None:
    trace = PacketTrace()
    first, second, third = [NumberedSilence(first=1000).packets(count)[0] for count in range(3)]
    waiting = asyncio.create_task(trace.received_all([1000, 1001]))
    for at, packet in enumerate((first, second)):
        trace.on_sent(packet, at * 10**9)
    for packet in (third, second, second, b"\x80 of others"):
        trace.on_received(packet, 3 * 10**9)
    assert trace.arrivals.value == 1
    await asyncio.sleep(0)
    assert not waiting.done()
    trace.on_received(first, 5 * 10**9)
    async with asyncio.timeout(DEADLINE):
        await waiting
    assert trace.take([1000, 1001]) == [5.0, 2.0]
    assert (trace.sent, trace.received) == ({}, {})


@given(number=st.integers(0, 2**BITS - 1), width=st.integers(16, 700), height=st.integers(4, 400))
def test_a_drawn_number_can_be_read(number: int, width: int, height: int) -> None:
    assert read(draw(number, width & ~1, height & ~1)) == number


def test_a_picture_of_something_else_has_no_number() -> None:
    frame = av.VideoFrame(width=320, height=180, format="yuv420p")
    for plane in frame.planes:
        plane.update(b"\x80" * plane.buffer_size)
    assert read(frame) is None


async def test_pictures_are_read_after_decoding_and_again_after_loss_once_a_key_frame_comes() -> None:
    source, decoder = NumberedPicture(), PictureDecoder()

    def show(count: int) -> int | None:
        for packet in source.packets(count):
            decoder.on_packet(packet, 0)
        return decoder.last.number if decoder.last is not None else None

    for count in range(5):
        seen = show(count)
    assert seen == 3, "the newest is complete once the next begins"
    decoder = PictureDecoder()
    for count in range(5, 10):
        seen = show(count)
    assert (seen, decoder.numbered.value) == (None, 0), "what came before is missing"
    source.request_key_frame()
    for count in range(10, 15):
        seen = show(count)
    assert seen == 13


async def test_a_decoder_bears_what_is_no_picture() -> None:
    decoder = PictureDecoder()
    for sequence, payload in enumerate(
        (b"", b"\x80", b"\x10garbage", b"\x10\x10\x00\x00\x9d\x01\x2a", b"\x90\x80")
    ):
        packet = rtp_packet(ssrc=1, payload_type=96, sequence=sequence, timestamp=sequence, payload=payload)
        decoder.on_packet(packet, 0)
    decoder.on_packet(b"\x80", 0)
    assert decoder.decoded == 0


@given(bodies=st.lists(st.binary(min_size=1, max_size=300), max_size=5), rest=st.binary(max_size=13))
def test_each_record_of_a_datagram_is_read_by_itself(bodies: list[bytes], rest: bytes) -> None:
    records = [struct.pack("!BHHHLH", 22, 0xFEFD, 0, 0, 1, len(body)) + body for body in bodies]
    assert list(split_records(b"".join(records) + rest)) == records


async def test_without_keys_nothing_is_opened_and_without_a_way_there_is_no_handshake() -> None:
    dtls = Dtls(lambda datagram: None)
    assert dtls.unprotect(bytes(40)) is None
    assert dtls.unprotect_rtcp(bytes(40)) is None
    dtls.lose()
    with pytest.raises(HandshakeFailed, match="over nothing ended failed"):
        await dtls.start(dtls.parameters, "nothing", DEADLINE)
