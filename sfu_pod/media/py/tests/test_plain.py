"""Plain RTP through the binding: an encoder and a recorder that are nothing but UDP sockets."""

import socket
import struct

from rotunda_media import (
    CommandFailed,
    ConsumerPayload,
    Encoding,
    ExtensionIds,
    ListenAddress,
    PayloadMapping,
    RemoteHeard,
    Worker,
)

from .media_peer import PATIENCE, take_until

ENCODER = 1
RECORDER = 2
SOURCE = 5000
COPY = 7000


def open_socket(ip: str = "127.0.0.1") -> socket.socket:
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    opened.settimeout(PATIENCE)
    opened.bind((ip, 0))
    return opened


def add_sound(worker: Worker) -> None:
    """Sound goes from the encoder's transport to the recorder's."""
    worker.add_producer(
        1,
        router=1,
        transport=ENCODER,
        kind="audio",
        mid=None,
        payloads=[PayloadMapping("opus", 111, clock_rate=48_000)],
        extensions=ExtensionIds(),
        encodings=[Encoding(ssrc=SOURCE)],
        cname="encoder",
    )
    worker.add_consumer(
        1,
        transport=RECORDER,
        producer=1,
        mid="0",
        ssrc=COPY,
        rtx_ssrc=None,
        payloads=[ConsumerPayload("opus", 100)],
        extensions=ExtensionIds(),
        cname="encoder",
        paused=False,
    )


def sound(number: int) -> bytes:
    return struct.pack("!BBHIIH", 0x80, 111, number, number * 960, SOURCE, number)


def receive_rtp(recorder: socket.socket) -> tuple[int, int, int]:
    """Payload type, SSRC and payload of the next packet that is no RTCP (RFC 5761 section 4)."""
    while True:
        datagram = recorder.recv(2048)
        if not 192 <= datagram[1] <= 223:
            _, payload_type, _, _, ssrc, payload = struct.unpack("!BBHIIH", datagram)
            return payload_type, ssrc, payload


def test_sound_of_an_encoder_reaches_a_recorder() -> None:
    worker = Worker([ListenAddress("::1", 0), ListenAddress("127.0.0.1", 0), ListenAddress("127.0.0.2", 0)])
    first, second = worker.addresses[1:]
    with open_socket() as encoder, open_socket() as recorder:
        worker.add_plain_transport(ENCODER, *encoder.getsockname())
        worker.add_plain_transport(RECORDER, *recorder.getsockname(), "127.0.0.2")
        add_sound(worker)
        encoder.sendto(sound(1), (first.ip, first.port))
        heard = take_until(worker, RemoteHeard)
        assert (heard.transport, heard.remote_ip, heard.remote_port) == (ENCODER, *encoder.getsockname())
        assert receive_rtp(recorder) == (100, COPY, 1)
        recorder.connect((second.ip, second.port))
        encoder.sendto(sound(2), (first.ip, first.port))
        assert receive_rtp(recorder) == (100, COPY, 2)
    worker.close()


def test_a_port_may_be_told_by_the_first_packet() -> None:
    worker = Worker([ListenAddress("127.0.0.1", 0)])
    (address,) = worker.addresses
    with open_socket() as encoder, open_socket("127.0.0.3") as stranger, open_socket() as recorder:
        worker.add_plain_transport(ENCODER, "127.0.0.1", 0)
        worker.add_plain_transport(RECORDER, *recorder.getsockname())
        add_sound(worker)
        stranger.sendto(sound(1), (address.ip, address.port))
        encoder.sendto(sound(2), (address.ip, address.port))
        assert receive_rtp(recorder) == (100, COPY, 2)
        assert take_until(worker, RemoteHeard).remote_port == encoder.getsockname()[1]
    worker.close()


def test_one_address_is_one_transports() -> None:
    worker = Worker([ListenAddress("127.0.0.1", 0)])
    worker.add_plain_transport(ENCODER, "127.0.0.1", 5004)
    worker.add_plain_transport(RECORDER, "127.0.0.1", 5004)
    assert "127.0.0.1:5004 is another one's" in take_until(worker, CommandFailed).message
    worker.close()
