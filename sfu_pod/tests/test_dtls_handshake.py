"""Handshakes in virtual time: two of our ends, or one and a plain aiortc transport."""

import asyncio
import random
from typing import Any, cast

import pytest

from rotunda_contract.rtp import DtlsFingerprint, DtlsParameters, DtlsRole
from rotunda_sfu.dtls import MemoryPort, SessionLimits
from rotunda_sfu.dtls.certificate import Certificate
from rotunda_sfu.dtls.loopback import Loopback, loopback, sfu_end
from rotunda_sfu.dtls.plain_peer import PlainPeer, RsaCertificate
from rotunda_sfu.dtls.records import split_records
from rotunda_sfu.virtual_time import run_virtual


def assert_same_keys(pair: Loopback) -> None:
    server, client = pair.server.keys, pair.client.keys
    assert server is not None
    assert client is not None
    assert server.profile == client.profile == "AEAD_AES_128_GCM"
    assert (server.send, server.receive) == (client.receive, client.send)
    assert len(server.send) == 28
    assert server.send != server.receive


def test_two_ends_agree_on_keys() -> None:
    async def story() -> None:
        async with loopback() as pair:
            await pair.connected()
            assert_same_keys(pair)

    run_virtual(story())


def test_a_client_hello_before_connect_waits_in_the_port() -> None:
    async def story() -> None:
        async with loopback() as pair:
            pair.client.engine.connect(pair.server.parameters("server"))
            await asyncio.sleep(0.01)
            assert pair.client.port.sent
            assert pair.server.port.sent == []
            pair.server.engine.connect(pair.client.parameters("client"))
            await pair.finished()
            assert asyncio.get_running_loop().time() < 0.05
            assert_same_keys(pair)

    run_virtual(story())


@pytest.mark.parametrize("lost", [{0}, {1}, {0, 1}, {0, 1, 2}])
@pytest.mark.parametrize("who", ["server", "client"])
def test_lost_flights_cost_their_resends_only(who: str, lost: set[int]) -> None:
    """Resends come 60, 180 and 420 ms after a flight, long before OpenSSL's second."""

    async def story() -> None:
        count = iter(range(1000))

        def loses(_datagram: bytes) -> bool:
            return next(count) in lost

        ends: dict[str, Any] = {f"{who}_loses": loses}
        async with loopback(**ends) as pair:
            await pair.connected()
            assert_same_keys(pair)
            assert asyncio.get_running_loop().time() < 0.8

    run_virtual(story())


@pytest.mark.parametrize("seed", range(12))
def test_handshakes_survive_heavy_loss(seed: int) -> None:
    async def story() -> None:
        chance = random.Random(seed)

        def loses(_datagram: bytes) -> bool:
            return chance.random() < 0.3

        async with loopback(server_loses=loses, client_loses=loses) as pair:
            await pair.connected()
            assert_same_keys(pair)

    run_virtual(story())


def test_the_final_flight_is_resent_without_being_asked() -> None:
    """The client needs it, and would ask for it after a second only."""

    async def story() -> None:
        pair: Loopback

        def loses_the_first_final(_datagram: bytes) -> bool:
            first = pair.server.keys is None and len(pair.server.port.sent) == 2
            return first

        async with loopback(server_loses=loses_the_first_final) as pair:
            await pair.connected()
            assert asyncio.get_running_loop().time() == pytest.approx(0.06)
            await asyncio.sleep(10)
            assert len(pair.server.port.sent) <= 5

    run_virtual(story())


def test_a_peer_that_sends_media_is_not_sent_the_final_flight_again() -> None:
    async def story(confirmed: bool) -> int:
        async with loopback() as pair:
            await pair.connected()
            if confirmed:
                pair.server.engine.peer_has_keys()
            sent = len(pair.server.port.sent)
            await asyncio.sleep(10)
            return len(pair.server.port.sent) - sent

    assert run_virtual(story(confirmed=True)) == 0
    assert run_virtual(story(confirmed=False)) == 3


@pytest.mark.parametrize("role", ["server", "client"])
def test_another_certificate_than_announced_is_refused(role: DtlsRole) -> None:
    async def story() -> None:
        async with loopback() as pair:
            wrong = Certificate.generate().parameters
            victim, other = (pair.client, pair.server) if role == "server" else (pair.server, pair.client)
            victim.engine.connect(wrong.model_copy(update={"role": role}))
            other.engine.connect(victim.parameters("client" if role == "server" else "server"))
            await asyncio.sleep(2)
            assert victim.keys is None
            assert victim.closed == "the certificate is not the one whose fingerprint was announced"
            assert other.closed is not None

    run_virtual(story())


def test_every_known_fingerprint_has_to_match() -> None:
    async def story() -> None:
        async with loopback() as pair:
            right = pair.client.certificate.getFingerprints()
            wrong = DtlsFingerprint(algorithm="sha-512", value=":".join(["00"] * 64))
            both = (DtlsFingerprint(algorithm=right[0].algorithm, value=right[0].value), wrong)
            pair.server.engine.connect(DtlsParameters(role="client", fingerprints=both))
            pair.client.engine.connect(pair.server.parameters("server"))
            await pair.server.done.wait()
            assert pair.server.keys is None

    run_virtual(story())


@pytest.mark.parametrize("algorithm", ["sha-256", "SHA-384", "sha-512"])
def test_fingerprints_of_any_known_length(algorithm: str) -> None:
    async def story() -> None:
        async with loopback() as pair:
            (value,) = (
                each.value
                for each in pair.client.certificate.getFingerprints()
                if each.algorithm == algorithm.lower()
            )
            only = (DtlsFingerprint(algorithm=algorithm, value=value.lower()),)
            pair.server.engine.connect(DtlsParameters(role="client", fingerprints=only))
            pair.client.engine.connect(pair.server.parameters("server"))
            await pair.finished()
            assert_same_keys(pair)

    run_virtual(story())


@pytest.mark.parametrize("role", ["client", "server", "auto"])
def test_a_silent_peer_fails_at_the_deadline(role: DtlsRole) -> None:
    async def story() -> None:
        async with loopback(limits=SessionLimits(handshake_deadline=7.5)) as pair:
            pair.server.engine.connect(pair.client.parameters(role))
            await pair.server.done.wait()
            assert asyncio.get_running_loop().time() == pytest.approx(7.5)
            assert pair.server.closed == "the DTLS handshake was not done within 7.5 s"

    run_virtual(story())


def test_several_records_in_one_datagram() -> None:
    """Each flight as one datagram, and each record as a datagram of its own."""

    async def story(merge: bool) -> None:
        async with loopback() as pair:
            for end, other in ((pair.server, pair.client), (pair.client, pair.server)):
                end.port.peer = cast(MemoryPort, _Reframer(other.port, merge))
            await pair.connected()
            assert_same_keys(pair)
            assert asyncio.get_running_loop().time() < 0.06

    run_virtual(story(True))
    run_virtual(story(False))


class _Reframer:
    """Between two ports: joins what is sent in one turn, or cuts it into records."""

    def __init__(self, port: MemoryPort, merge: bool) -> None:
        self._port = port
        self._merge = merge
        self._held = b""

    def arrive(self, datagram: bytes) -> None:
        if not self._merge:
            for record in split_records(datagram):
                self._port.arrive(record)
            return
        if not self._held:
            asyncio.get_running_loop().call_later(0.001, self._release)
        self._held += datagram

    def _release(self) -> None:
        held, self._held = self._held, b""
        self._port.arrive(held)


def test_noise_does_not_disturb() -> None:
    async def story() -> None:
        noise = random.Random(5)
        async with loopback() as pair:
            for end in (pair.server, pair.client):
                for _ in range(30):
                    end.port.arrive(bytes([noise.randrange(20, 64)]) + noise.randbytes(noise.randrange(80)))
            await pair.connected()
            assert_same_keys(pair)

    run_virtual(story())


def test_close_reaches_the_peer() -> None:
    async def story() -> None:
        async with loopback() as pair:
            await pair.connected()
            await pair.client.engine.close()
            await asyncio.sleep(0.1)
            assert pair.server.closed == "the peer closed the DTLS association"
            assert pair.client.closed is None

    run_virtual(story())


@pytest.mark.parametrize("plain_role", ["server", "client"])
def test_a_plain_aiortc_transport_as_the_peer(plain_role: DtlsRole) -> None:
    """pymediasoup's: with its own order of profiles and its sha-512 fingerprint."""

    async def story() -> None:
        async with sfu_end() as ours:
            plain = PlainPeer(ours, plain_role)
            await plain.connected()
            assert plain.dtls.state == "connected"
            assert ours.keys is not None
            assert ours.keys.profile in ("AEAD_AES_128_GCM", "AEAD_AES_256_GCM")
            await plain.dtls.stop()
            await asyncio.sleep(0.1)
            assert ours.closed == "the peer closed the DTLS association"

    run_virtual(story())


@pytest.mark.parametrize(
    "ciphers", [b"ECDHE-RSA-AES128-GCM-SHA256", b"ECDHE-RSA-CHACHA20-POLY1305", b"DEFAULT"]
)
def test_a_server_with_an_rsa_certificate(ciphers: bytes) -> None:
    async def story() -> None:
        async with sfu_end() as ours:
            certificate = RsaCertificate.generate()
            certificate.ciphers = ciphers
            plain = PlainPeer(ours, "server", certificate)
            await plain.connected()
            assert ours.closed is None
            assert ours.keys is not None
            assert plain.dtls.state == "connected"

    run_virtual(story())


def test_a_client_with_an_rsa_certificate() -> None:
    async def story() -> None:
        async with sfu_end() as ours:
            certificate = RsaCertificate.generate()
            certificate.ciphers = b"DEFAULT"
            plain = PlainPeer(ours, "client", certificate)
            await plain.connected()
            assert ours.keys is not None

    run_virtual(story())


def test_the_fingerprint_of_an_rsa_certificate_has_to_match() -> None:
    async def story() -> None:
        async with sfu_end() as ours:
            certificate = RsaCertificate.generate()
            plain = PlainPeer(ours, "server", certificate)
            certificate.getFingerprints = RsaCertificate.generate().getFingerprints  # type: ignore[method-assign]
            await plain.connected()
            assert ours.keys is None
            assert ours.closed == "the certificate is not the one whose fingerprint was announced"

    run_virtual(story())
