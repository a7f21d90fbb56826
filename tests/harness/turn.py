"""coturn as a process of its own on free ports, configured as the operator does it, and a client of it.

The client is aioice's. It asks for one thing at a time, so that a test sees what the server says to it.
"""

import asyncio
import base64
import hashlib
import os
import signal
import ssl
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Literal, TypeVar

from aioice import stun, turn
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from harness.guest import eventually

from rotunda_operator.specs.turn_config import turn_config
from rotunda_operator.testing.ports import free_port
from rotunda_signaling.turn import credentials

HOST = "127.0.0.1"
SCRIPT = Path(__file__).parents[2] / "coturn" / "rotunda-coturn"
START_SECONDS = 300
STOP_SECONDS = 60
LIFETIME = 600
UNAUTHORIZED, FORBIDDEN = 401, 403
"""Codes of refusals: because of the credentials, because of the address."""

Answer = TypeVar("Answer")
Transport = Literal["udp", "tcp", "tls"]


@dataclass(slots=True)
class TurnServer:
    """A running server. `directory` is what a pod mounts: `write` changes it in place."""

    directory: Path
    port: int
    tls_port: int
    log_file: Path
    process: asyncio.subprocess.Process
    host: str = HOST

    @property
    def listening(self) -> bool:
        """Whether its script says so, as Kubernetes asks it."""
        return (self.directory / "state" / "listening").exists()

    @property
    def urls(self) -> Mapping[Transport, str]:
        return {
            "udp": f"turn:{HOST}:{self.port}?transport=udp",
            "tcp": f"turn:{HOST}:{self.port}?transport=tcp",
            "tls": f"turns:{HOST}:{self.tls_port}?transport=tcp",
        }

    @property
    def key_file(self) -> Path:
        return self.directory / "secret"

    @property
    def key_fingerprint(self) -> str:
        """Of the certificate's public key, as Chromium's --ignore-certificate-errors-spki-list takes it."""
        certificate = x509.load_pem_x509_certificate((self.directory / "tls.crt").read_bytes())
        key = certificate.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return base64.b64encode(hashlib.sha256(key).digest()).decode()

    def environment(self, *transports: Transport, ttl: float = 3600.0) -> dict[str, str]:
        """The settings of a signaling process that tells clients of this server."""
        return {
            "ROTUNDA_TURN_URLS": ",".join(self.urls[transport] for transport in transports),
            "ROTUNDA_TURN_SECRET_FILE": str(self.key_file),
            "ROTUNDA_TURN_TTL": str(ttl),
        }

    def write(self, **files: str) -> None:
        """Changes what is mounted: `secret`, `next`, `previous`, `peers`."""
        for name, content in files.items():
            fresh = self.directory / f".{name}"
            fresh.write_text(content)
            fresh.replace(self.directory / name)

    def log(self) -> str:
        return self.log_file.read_text(errors="replace")

    def count(self, text: str) -> int:
        """How often it said so."""
        return self.log().count(text)


@asynccontextmanager
async def turn_server(
    directory: Path,
    *,
    host: str = HOST,
    port: int = 0,
    key: str = "north",
    peers: Sequence[str] | None = None,
    files: Mapping[str, str] | None = None,
) -> AsyncIterator[TurnServer]:
    """Starts one with TLS on loopback, waits until it listens, and ends it.

    `files` win over those that it is given; peers are its own address where none are given.
    Raises RuntimeError with what it wrote where it ends by itself.
    """
    state = directory / "state"
    state.mkdir(parents=True)
    port, tls_port = port or free_port(), free_port()
    config = turn_config(
        realm="meet.example.org",
        tls_directory=str(directory),
        loopback=True,
        port=port,
        tls_port=tls_port,
        state_directory=str(state),
    )
    write_certificate(directory)
    log_file = directory / "coturn.log"
    mounted = {"turnserver.conf": config, "secret": key, "peers": "\n".join(peers or [host]), **(files or {})}
    for name, content in mounted.items():
        (directory / name).write_text(content)
    with log_file.open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(SCRIPT, directory, "--verbose"),
            env=os.environ | {"ROTUNDA_COTURN_LOOK_EVERY": "0.2", "ROTUNDA_COTURN_ADDRESSES": host},
            stdout=log,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
    server = TurnServer(directory, port, tls_port, log_file, process, host.partition(",")[0])
    try:
        await _listens(server)
        yield server
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(STOP_SECONDS):
            await process.wait()
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()


class TurnRefused(Exception):
    """The server said no; `code` is STUN's."""

    def __init__(self, code: int | None) -> None:
        super().__init__(f"refused with {code}")
        self.code = code


class TurnClient:
    """One relay at a server; its own answers to permissions, refreshes and data."""

    def __init__(self, protocol: turn.TurnClientProtocol, transport: asyncio.BaseTransport) -> None:
        self._protocol = protocol
        self._transport = transport
        self._echo = _Echo()
        protocol.receiver = self._echo

    @classmethod
    async def open(
        cls,
        server: TurnServer,
        *,
        key: str = "north",
        expires_in: float = 60,
        transport: Transport = "udp",
    ) -> "TurnClient":
        """Opens a relay with credentials made from the key. Raises TurnRefused."""
        now = datetime.now(UTC).timestamp()
        return await cls.open_with(server, *credentials(key, "ada", int(now + expires_in)), transport)

    @classmethod
    async def open_with(
        cls, server: TurnServer, username: str, credential: str, transport: Transport = "udp"
    ) -> "TurnClient":
        """Opens a relay with these very credentials. Raises TurnRefused."""
        loop = asyncio.get_running_loop()
        at = (server.host, server.tls_port if transport == "tls" else server.port)
        common = (at, username, credential, LIFETIME, turn.DEFAULT_CHANNEL_REFRESH_TIME)
        protocol: turn.TurnClientProtocol
        opened: asyncio.BaseTransport
        if transport == "udp":
            opened, protocol = await loop.create_datagram_endpoint(
                lambda: turn.TurnClientUdpProtocol(*common), remote_addr=at
            )
        else:
            authority = str(server.directory / "ca.crt")
            context = ssl.create_default_context(cafile=authority) if transport == "tls" else None
            opened, protocol = await loop.create_connection(
                lambda: turn.TurnClientTcpProtocol(*common), *at, ssl=context
            )
        client = cls(protocol, opened)
        try:
            await _answered(protocol.connect())
        except TurnRefused:
            opened.close()
            raise
        return client

    async def allow(self, address: str, port: int = 443) -> None:
        """Asks to send to an address and to hear from it. Raises TurnRefused."""
        request = stun.Message(message_method=stun.Method.CREATE_PERMISSION, message_class=stun.Class.REQUEST)
        request.attributes["XOR-PEER-ADDRESS"] = (address, port)
        await _answered(self._protocol.request_with_retry(request))

    async def refresh(self) -> None:
        """Keeps the relay for longer, as clients do all the time. Raises TurnRefused."""
        request = stun.Message(message_method=stun.Method.REFRESH, message_class=stun.Class.REQUEST)
        request.attributes["LIFETIME"] = LIFETIME
        await _answered(self._protocol.request_with_retry(request))

    def send(self, address: tuple[str, int], data: bytes = b"ping") -> None:
        """Sends without having asked; nobody answers to that."""
        indication = stun.Message(message_method=stun.Method.SEND, message_class=stun.Class.INDICATION)
        indication.attributes["XOR-PEER-ADDRESS"] = address
        indication.attributes["DATA"] = data
        self._protocol.send_stun(indication, address)

    async def echo(self, address: tuple[str, int], data: bytes = b"ping") -> bytes:
        """Sends to a peer and returns what comes back from it. Raises TurnRefused, TimeoutError."""
        async with asyncio.timeout(60):
            await _answered(self._protocol.send_data(data, address))
            return await self._echo.received.get()

    async def close(self) -> None:
        await self._protocol.delete()


async def until_accepted(server: TurnServer, *, key: str) -> None:
    """Waits until credentials made from the key open a relay."""

    async def poll() -> bool | None:
        try:
            await (await TurnClient.open(server, key=key)).close()
        except TurnRefused:
            return None
        return True

    await eventually(poll, "the TURN server accepts the key")


async def until_refused(server: TurnServer, username: str, credential: str) -> None:
    """Waits until these credentials open no relay any more."""

    async def poll() -> bool | None:
        try:
            await (await TurnClient.open_with(server, username, credential)).close()
        except TurnRefused as refused:
            return True if refused.code == UNAUTHORIZED else None
        return None

    await eventually(poll, "the TURN server refuses the credentials")


class _Echo(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.received: asyncio.Queue[bytes] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.received.put_nowait(data)


def write_certificate(directory: Path) -> None:
    """tls.crt and tls.key for HOST, issued by an authority of its own, whose certificate is ca.crt."""
    authority, server = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "stories")])
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "turn")])
    of_authority = x509.BasicConstraints(ca=True, path_length=0)
    of_server = x509.SubjectAlternativeName([x509.IPAddress(ip_address(HOST))])
    pairs = (
        ("ca", _builder(issuer, issuer, authority).add_extension(of_authority, critical=True)),
        ("tls", _builder(subject, issuer, server).add_extension(of_server, critical=False)),
    )
    for name, builder in pairs:
        signed = builder.sign(authority, hashes.SHA256())
        (directory / f"{name}.crt").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    key = server.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (directory / "tls.key").write_bytes(key)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
    )


async def _answered(asked: Awaitable[Answer]) -> Answer:
    try:
        return await asked
    except stun.TransactionFailed as error:
        raise TurnRefused(error.response.error_code) from None


async def _listens(server: TurnServer) -> None:
    """Returns once TCP is answered, on both ports; UDP is by then."""
    async with asyncio.timeout(START_SECONDS):
        for port in (server.port, server.tls_port):
            while True:
                if server.process.returncode is not None:
                    raise RuntimeError(f"coturn ended:\n{server.log()}")
                try:
                    _, writer = await asyncio.open_connection(server.host, port)
                except OSError:
                    await asyncio.sleep(0.1)  # another process listens, and tells nobody
                else:
                    writer.close()
                    break
