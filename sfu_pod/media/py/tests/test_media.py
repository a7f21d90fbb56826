"""Media through the worker, protected by a library that is not ours."""

import struct
from collections.abc import Callable

import pytest
from pylibsrtp import Policy, Session

from rotunda_media import (
    Codec,
    ConsumerPayload,
    Encoding,
    ExtensionIds,
    Kind,
    MediaLimited,
    PayloadMapping,
    ProducerStarted,
    SrtpProfileName,
    Stats,
    Worker,
)

from .media_peer import Peer, take_all_until, take_until

NewPeer = Callable[[], Peer]

PROFILES: list[tuple[SrtpProfileName, int, int]] = [
    ("AEAD_AES_128_GCM", Policy.SRTP_PROFILE_AEAD_AES_128_GCM, 28),
    ("AEAD_AES_256_GCM", Policy.SRTP_PROFILE_AEAD_AES_256_GCM, 44),
    ("AES128_CM_HMAC_SHA1_80", Policy.SRTP_PROFILE_AES128_CM_SHA1_80, 30),
]


def session(profile: int, key: bytes, direction: int) -> Session:
    return Session(Policy(key=key, ssrc_type=direction, srtp_profile=profile))


def rtp(sequence: int, ssrc: int, payload: bytes) -> bytes:
    header = struct.pack("!BBHII", 0x80, 111, sequence, 48000 + 960 * sequence, ssrc)
    return header + payload


@pytest.mark.parametrize(("name", "profile", "length"), PROFILES)
def test_audio_is_forwarded(
    worker: Worker, new_peer: NewPeer, name: SrtpProfileName, profile: int, length: int
) -> None:
    keys = [bytes([number]) * length for number in range(1, 5)]
    speaker, listener = new_peer(), new_peer()
    worker.set_srtp(speaker.transport, name, receive=keys[0], send=keys[1])
    worker.set_srtp(listener.transport, name, receive=keys[2], send=keys[3])
    worker.add_producer(
        5,
        router=1,
        transport=speaker.transport,
        kind="audio",
        mid="0",
        payloads=[PayloadMapping("opus", 111, clock_rate=48000)],
        extensions=ExtensionIds(mid=4),
        encodings=[Encoding(ssrc=1234)],
        cname="speaker",
    )
    worker.add_consumer(
        6,
        transport=listener.transport,
        producer=5,
        mid="a7",
        ssrc=777,
        rtx_ssrc=None,
        payloads=[ConsumerPayload("opus", 100)],
        extensions=ExtensionIds(mid=9),
        cname="speaker",
        paused=False,
    )
    sender = session(profile, keys[0], Policy.SSRC_ANY_OUTBOUND)
    receiver = session(profile, keys[3], Policy.SSRC_ANY_INBOUND)

    sequences = []
    for sequence in (10, 11, 12):
        speaker.socket.send(sender.protect(rtp(sequence, 1234, b"opus %d" % sequence)))
        packet = receiver.unprotect(next_rtp(listener))
        first, second, out_sequence, _, ssrc = struct.unpack("!BBHII", packet[:12])
        assert (first & 0xC0, second & 0x7F, ssrc) == (0x80, 100, 777)
        assert b"a7" in packet[12:-7], "the mid of the consumer is in its extension"
        assert packet.endswith(b"opus %d" % sequence)
        sequences.append(out_sequence)
    assert [(number - sequences[0]) % 65536 for number in sequences] == [0, 1, 2]

    assert take_until(worker, ProducerStarted).producer == 5
    worker.collect_stats(1)
    stats = take_until(worker, Stats)
    assert [(one.producer, one.packets_received) for one in stats.producers] == [(5, 3)]
    assert [(one.consumer, one.packets_sent) for one in stats.consumers] == [(6, 3)]
    assert worker.load().packets_forwarded == 3


def test_video_beyond_the_limit_is_refused_counted_and_told(worker: Worker, new_peer: NewPeer) -> None:
    sender = new_peer()
    key = bytes(28)
    worker.set_srtp(sender.transport, "AEAD_AES_128_GCM", receive=key, send=key)
    # Its burst is 75 bytes: not even one of the packets is within it.
    worker.set_max_incoming_bitrate(sender.transport, 200)
    sources: list[tuple[int, Kind, Codec]] = [(5, "video", "vp8"), (6, "audio", "opus")]
    for producer, kind, codec in sources:
        worker.add_producer(
            producer,
            router=1,
            transport=sender.transport,
            kind=kind,
            mid=str(producer),
            payloads=[PayloadMapping(codec, 111, clock_rate=48000)],
            extensions=ExtensionIds(mid=4),
            encodings=[Encoding(ssrc=1000 + producer)],
            cname="sender",
        )
    protected = session(Policy.SRTP_PROFILE_AEAD_AES_128_GCM, key, Policy.SSRC_ANY_OUTBOUND)
    for sequence in range(20):
        for ssrc in (1006, 1005):
            sender.socket.send(protected.protect(rtp(sequence, ssrc, bytes(200))))

    told: list[MediaLimited] = []
    while sum(each.refused for each in told) < 20:
        events = take_all_until(worker, MediaLimited)
        told += [event for event in events if isinstance(event, MediaLimited)]
    assert {each.transport for each in told} == {sender.transport}
    worker.collect_stats(1)
    stats = take_until(worker, Stats)
    assert [one.packets_refused for one in stats.transports] == [20]
    assert {one.producer: one.packets_received for one in stats.producers} == {5: 0, 6: 20}
    assert worker.load().packets_refused == 20


def next_rtp(peer: Peer) -> bytes:
    """Past the reports that come when they are due (RFC 5761 section 4)."""
    while 192 <= (datagram := peer.receive())[1] <= 223:
        pass
    return datagram


def test_media_with_wrong_keys_is_dropped_and_counted(worker: Worker, new_peer: NewPeer) -> None:
    peer = new_peer()
    worker.set_srtp(peer.transport, "AEAD_AES_128_GCM", receive=bytes(28), send=bytes(28))
    stranger = session(Policy.SRTP_PROFILE_AEAD_AES_128_GCM, b"x" * 28, Policy.SSRC_ANY_OUTBOUND)
    peer.socket.send(stranger.protect(rtp(1, 1, b"noise")))
    peer.check()
    worker.collect_stats(1)
    (transport,) = take_until(worker, Stats).transports
    assert transport.srtp_rejected == 1
