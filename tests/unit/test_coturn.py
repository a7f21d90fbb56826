"""coturn with our configuration and our script: what it refuses, and what it learns while relays are open."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import cast

import pytest
from harness.guest import eventually
from harness.turn import (
    FORBIDDEN,
    HOST,
    UNAUTHORIZED,
    Transport,
    TurnClient,
    TurnRefused,
    TurnServer,
    turn_server,
    until_accepted,
    until_refused,
    write_certificate,
)

from rotunda_signaling.turn import credentials

API_SERVER = "127.0.0.2"
"""Stands for an address where something listens that is no media node."""


class Peer(asyncio.DatagramProtocol):
    """Sends back what comes, and keeps it."""

    def __init__(self) -> None:
        self.received: list[bytes] = []
        self.address = ("", 0)

    @classmethod
    async def listen(cls, host: str) -> "Peer":
        loop = asyncio.get_running_loop()
        _, peer = await loop.create_datagram_endpoint(cls, local_addr=(host, 0))
        return peer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)
        self.address = transport.get_extra_info("sockname")

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.received.append(data)
        self._transport.sendto(data, addr)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[TurnServer]:
    async with turn_server(tmp_path / "turn") as running:
        yield running


async def refusal(asked: Awaitable[object]) -> int | None:
    with pytest.raises(TurnRefused) as refused:
        await asked
    return refused.value.code


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
async def test_a_relay_over_each_transport(server: TurnServer, transport: Transport) -> None:
    peer = await Peer.listen(HOST)
    client = await TurnClient.open(server, transport=transport)
    assert await client.echo(peer.address) == b"ping"
    await client.close()


async def test_on_ipv6_a_relay_is_of_ipv6(tmp_path: Path) -> None:
    """Clients do not say which family they want, and the standard's default would be IPv4."""
    async with turn_server(tmp_path / "turn", host="::1") as server:
        peer = await Peer.listen("::1")
        client = await TurnClient.open(server)
        assert await client.echo(peer.address[:2]) == b"ping"
        assert await refusal(client.allow("fd00::7")) == FORBIDDEN
        await client.close()


async def test_on_both_families_each_client_gets_its_own(tmp_path: Path) -> None:
    async with turn_server(tmp_path / "turn", host=f"{HOST},::1", peers=[HOST, "::1"]) as server:
        for host in (HOST, "::1"):
            server.host = host
            peer = await Peer.listen(host)
            client = await TurnClient.open(server)
            assert await client.echo(peer.address[:2]) == b"ping"
            await client.close()


async def test_ready_is_who_listens_itself(server: TurnServer) -> None:
    async def listening() -> bool | None:
        return True if server.listening else None

    await eventually(listening, "the script finds that coturn listens")


async def test_a_port_that_another_program_has_is_named(tmp_path: Path) -> None:
    with socket.create_server((HOST, 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(RuntimeError, match=f"port {port} is in use by another program of this machine"):
            async with turn_server(tmp_path / "turn", port=port):
                pass
        assert not (tmp_path / "turn" / "state" / "listening").exists()


async def test_expired_and_forged_credentials_are_refused(server: TurnServer) -> None:
    assert await refusal(TurnClient.open(server, expires_in=-2)) == UNAUTHORIZED
    assert await refusal(TurnClient.open(server, key="a guess")) == UNAUTHORIZED
    assert await refusal(TurnClient.open_with(server, "4102444800:ada", "bm90IGEgbWFj")) == UNAUTHORIZED
    assert await refusal(TurnClient.open_with(server, "ada", "")) == UNAUTHORIZED
    await (await TurnClient.open(server)).close()


async def test_nothing_but_media_nodes_is_relayed_to(server: TurnServer) -> None:
    media_node, api_server = await Peer.listen(HOST), await Peer.listen(API_SERVER)
    client = await TurnClient.open(server)
    for address in (
        API_SERVER,
        "169.254.169.254",  # metadata of a cloud's machines
        "10.96.0.1",  # a Service
        "10.244.1.7",  # a pod
        "192.168.1.1",
        "172.18.0.2",
        "198.51.100.7",  # anything on the Internet
        "0.0.0.0",
        "224.0.0.1",
    ):
        assert await refusal(client.allow(address)) == FORBIDDEN, address

    client.send(api_server.address)
    assert await client.echo(media_node.address) == b"ping"
    assert api_server.received == []
    await client.close()


async def test_a_relay_outlives_its_credential(server: TurnServer) -> None:
    peer = await Peer.listen(HOST)
    short = credentials("north", "ada", int(time.time()) + 10)
    client = await TurnClient.open_with(server, *short)

    await until_refused(server, *short)
    await client.refresh()
    assert await client.echo(peer.address) == b"ping"
    await client.close()


async def test_a_key_is_changed_while_relays_stay(server: TurnServer) -> None:
    peer = await Peer.listen(HOST)
    old = await TurnClient.open(server, key="north")
    assert await old.echo(peer.address) == b"ping"

    server.write(secret="north", next="south")
    await until_accepted(server, key="south")
    await (await TurnClient.open(server, key="north")).close()

    server.write(secret="south", next="", previous="north")
    await until_accepted(server, key="north")

    server.write(previous="")
    await until_refused(server, *credentials("north", "ada", int(time.time()) + 600))
    new = await TurnClient.open(server, key="south")
    await old.refresh()
    for client in (old, new):
        assert await client.echo(peer.address) == b"ping"
        await client.close()
    assert server.process.returncode is None


async def test_media_nodes_come_and_go_while_relays_stay(server: TurnServer) -> None:
    first, second = await Peer.listen(HOST), await Peer.listen(API_SERVER)
    client = await TurnClient.open(server)
    assert await client.echo(first.address) == b"ping"
    assert await refusal(client.allow(API_SERVER)) == FORBIDDEN

    # What would open everything, or is no address, opens nothing.
    server.write(peers=f"0.0.0.0\n::\n10.0.0.0-10.255.255.255\n10.0.0.0/8\nmeet.example.org\n{API_SERVER}")

    async def allowed() -> bool | None:
        try:
            await client.allow(API_SERVER)
        except TurnRefused:
            return None
        return True

    await eventually(allowed, "the new media node is relayed to")
    assert await client.echo(second.address) == b"ping"
    assert await client.echo(first.address) == b"ping"  # a call that goes on
    for address in ("10.0.0.1", "169.254.169.254", HOST):
        assert await refusal(client.allow(address)) == FORBIDDEN, address
    await client.close()


async def test_an_empty_or_damaged_key_changes_nothing(server: TurnServer) -> None:
    for damaged in ("", "no'key"):
        before = server.count("there is no key in")
        server.write(secret=damaged)
        await eventually(said_again(server, "there is no key in", before), "the script complains")
        await (await TurnClient.open(server, key="north")).close()
    assert "no'key" not in server.log()


async def test_a_renewed_certificate_is_served_while_relays_stay(server: TurnServer) -> None:
    peer = await Peer.listen(HOST)
    old = await TurnClient.open(server, transport="tls")
    write_certificate(server.directory)

    async def served() -> bool | None:
        try:
            await (await TurnClient.open(server, transport="tls")).close()
        except OSError:  # still the one before, which the new authority did not issue
            return None
        return True

    await eventually(served, "the new certificate is served")
    assert await old.echo(peer.address) == b"ping"
    await old.close()


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"secret": ""}, "there is no key in"),
        ({"turnserver.conf": "userdb=/tmp/x\n"}, "realm in"),
        ({"turnserver.conf": "realm=meet\n"}, "userdb is missing"),
    ],
)
async def test_what_cannot_run_says_why(tmp_path: Path, files: dict[str, str], said: str) -> None:
    with pytest.raises(RuntimeError, match=said):
        async with turn_server(tmp_path / "turn", files=files):
            pass


def said_again(server: TurnServer, text: str, before: int) -> Callable[[], Awaitable[bool | None]]:
    async def poll() -> bool | None:
        return True if server.count(text) > before else None

    return poll
