"""Which way a caller takes to a media node, and how it changes it: towards ICE-lite agents made for this."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, cast

import pytest
from aioice import stun

from rotunda.caller import NoWay
from rotunda.caller.checks import NOT_OURS, ConnectivityCheck, refusal
from rotunda.caller.ice import IceAgent, RemoteIce

DEADLINE = 60.0
PARAMETERS = {"usernameFragment": "node", "password": "a-password-of-22-chars"}
PROBE = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
"""A request without credentials, as a media node asks whether a way is real."""


class LiteAgent(asyncio.DatagramProtocol):
    """Answers checks. `nominations` counts those that nominate; `others` are datagrams that are no STUN."""

    def __init__(self, key: str = PARAMETERS["password"]) -> None:
        self.nominations = 0
        self.checked = asyncio.Event()
        self.probe_answer: asyncio.Future[stun.Message] = asyncio.get_running_loop().create_future()
        self.others: asyncio.Queue[bytes] = asyncio.Queue()
        self.peer: tuple[str, int] = ("", 0)
        self._key = key.encode()
        self._transport: asyncio.DatagramTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def candidate(self, *, priority: int = 1) -> dict[str, Any]:
        host, port = self._transport.get_extra_info("sockname")
        return {"address": host, "port": port, "protocol": "udp", "priority": priority}

    def send(self, datagram: bytes) -> None:
        self._transport.sendto(datagram, self.peer)

    def close(self) -> None:
        self._transport.close()

    def datagram_received(self, data: bytes, addr: Any) -> None:
        if data[0] > 3:
            self.others.put_nowait(data)
            return
        message = stun.parse_message(data)
        if message.message_class is not stun.Class.REQUEST:
            self.probe_answer.set_result(message)
            return
        self.nominations += "USE-CANDIDATE" in message.attributes
        self.peer = addr
        answer = stun.Message(stun.Method.BINDING, stun.Class.RESPONSE, message.transaction_id)
        answer.attributes["XOR-MAPPED-ADDRESS"] = addr
        answer.add_message_integrity(self._key)
        self._transport.sendto(bytes(answer), addr)
        self.checked.set()


@asynccontextmanager
async def lite_agents(count: int, **options: Any) -> AsyncIterator[list[LiteAgent]]:
    loop = asyncio.get_running_loop()
    async with AsyncExitStack() as opened:
        agents = []
        for _ in range(count):
            _, agent = await loop.create_datagram_endpoint(
                lambda: LiteAgent(**options), local_addr=("127.0.0.1", 0)
            )
            opened.callback(agent.close)
            agents.append(agent)
        yield agents


class Caller:
    """The agent under test; `received` is what came that is no STUN."""

    def __init__(self) -> None:
        self.received: asyncio.Queue[bytes] = asyncio.Queue()
        self.agent = IceAgent("udp", (), None, lambda datagram, at: self.received.put_nowait(datagram))

    async def connect(self, *agents: LiteAgent) -> None:
        await self.agent.connect(RemoteIce(PARAMETERS, [each.candidate() for each in agents]))


@pytest.fixture
async def caller() -> AsyncIterator[Caller]:
    made = Caller()
    yield made
    made.agent.close()


async def test_only_the_way_that_is_taken_is_nominated(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both answer; a media node that is nominated twice would send to the last one, where nobody reads."""
    monkeypatch.setattr("rotunda.caller.ice.PACE_SECONDS", 0.0)
    async with lite_agents(2) as agents:
        await caller.connect(*agents)
        nominated = [agent for agent in agents if agent.nominations]
        assert len(nominated) == 1
        caller.agent.send(b"\x80 media")
        async with asyncio.timeout(DEADLINE):
            assert await nominated[0].others.get() == b"\x80 media"


async def test_the_candidate_of_the_highest_priority_is_tried_first(caller: Caller) -> None:
    async with lite_agents(3) as agents:
        candidates = [
            agent.candidate(priority=priority) for agent, priority in zip(agents, (1, 9, 5), strict=True)
        ]
        await caller.agent.connect(RemoteIce(PARAMETERS, candidates))
        assert [bool(agent.nominations) for agent in agents] == [False, True, False]


async def test_a_new_way_is_taken_and_the_old_one_is_still_read(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rotunda.caller.ice.LINGER_SECONDS", DEADLINE)
    async with lite_agents(2) as (old, new):
        await caller.connect(old)
        await caller.connect(new)
        caller.agent.send(b"\x80 to the new")
        old.send(b"\x80 was under way")
        new.send(b"\x80 from the new")
        async with asyncio.timeout(DEADLINE):
            assert await new.others.get() == b"\x80 to the new"
            came = {await caller.received.get() for _ in range(2)}
        assert came == {b"\x80 was under way", b"\x80 from the new"}
        assert old.others.empty()


async def test_who_finds_no_new_way_keeps_the_old_one(caller: Caller) -> None:
    async with lite_agents(1) as (old,), lite_agents(1, key="another-password") as (stranger,):
        await caller.connect(old)
        with pytest.raises(NoWay, match=f"connectivity checks: {NOT_OURS}"):
            await caller.connect(stranger)
        caller.agent.send(b"\x80 media")
        async with asyncio.timeout(DEADLINE):
            assert await old.others.get() == b"\x80 media"
        assert stranger.nominations == 0


async def test_a_probe_of_the_media_node_is_refused_with_its_number(caller: Caller) -> None:
    """RFC 8489 section 9.1.3: that tells it that the way is real."""
    async with lite_agents(1) as (node,):
        await caller.connect(node)
        node.send(bytes(PROBE))
        async with asyncio.timeout(DEADLINE):
            answer = await node.probe_answer
        assert answer.transaction_id == PROBE.transaction_id
        assert answer.message_class is stun.Class.ERROR
        assert answer.attributes["ERROR-CODE"][0] == 400
        assert caller.received.empty()


async def test_what_is_no_answer_of_ours_is_left_out() -> None:
    check = ConnectivityCheck(PARAMETERS, nominate=False)
    for datagram in (
        b"",
        b"\0",
        bytes(20),
        bytes(PROBE),
        struct.pack("!HHI", 0x0101, 0, 0x2112A442) + bytes(12),
    ):
        check.take(datagram)
        assert not check.outcome.done()
    assert refusal(b"\0\1 garbage") is None
    check.fail("told")
    check.fail("told again")
    assert check.outcome.result().problem == "told"
