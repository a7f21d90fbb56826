"""Whatever numbers a client sends, it is refused with words or the real media worker takes them."""

import asyncio
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from rotunda_contract.errors import RotundaError
from rotunda_contract.ids import ConnectionId
from rotunda_contract.rtp import RtpParameters
from rotunda_sfu.clock import VirtualClock
from rotunda_sfu.fake_node import PROCESS, WATCHER, assignment
from rotunda_sfu.native_worker import open_workers
from rotunda_sfu.node import Node, RoomOptions
from rotunda_sfu.participant import Connection
from rotunda_sfu.publishing import ProduceOptions, produce
from rotunda_sfu.room import JoinOptions, Room
from rotunda_sfu.sessions import FakeSessions
from rotunda_sfu.settings import NodeSettings
from rotunda_sfu.transports.transport import Transport

URIS = (
    "urn:ietf:params:rtp-hdrext:sdes:mid",
    "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
    "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
    "urn:3gpp:video-orientation",
)
EDGES = (-1, 0, 1, 2, 9, 14, 15, 16, 63, 95, 96, 97, 127, 128, 255, 256, 2**32 - 1, 2**32)


def _numbers(*usual: int) -> st.SearchStrategy[int]:
    """Mostly what is right, as else nothing would get far."""
    return st.one_of(*[st.sampled_from(usual)] * 4, st.sampled_from(EDGES))


_names = st.sampled_from((None, "", "0", "1", "m" * 16, "m" * 64, "m" * 65))
_ssrcs = _numbers(1111, 2222, 3333)
_encodings = st.fixed_dictionaries(
    {},
    optional={
        "ssrc": _ssrcs,
        "rid": _names,
        "rtx": st.none() | st.fixed_dictionaries({"ssrc": _ssrcs}),
        "codecPayloadType": st.none() | _numbers(96),
    },
)
_extensions = st.fixed_dictionaries(
    {"uri": st.sampled_from(URIS), "id": _numbers(1, 2, 3, 4)}, optional={"encrypt": st.booleans()}
)


def _codec(name: str, payload_type: int, **parameters: Any) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "mimeType": st.just(f"video/{name}"),
            "payloadType": _numbers(payload_type),
            "clockRate": _numbers(90_000),
            "parameters": st.fixed_dictionaries({key: _numbers(value) for key, value in parameters.items()}),
        }
    )


_parameters = st.fixed_dictionaries(
    {
        "mid": _names,
        "codecs": st.tuples(_codec("VP8", 96), _codec("rtx", 97, apt=96)).map(list)
        | st.lists(_codec("VP8", 96) | _codec("rtx", 97, apt=96) | _codec("AV1", 45), max_size=4),
        "headerExtensions": st.lists(_extensions, max_size=4),
        "encodings": st.lists(_encodings, max_size=5),
    }
)


@given(everything=st.lists(_parameters, min_size=1, max_size=3))
def test_random_parameters_are_refused_with_words_or_taken(everything: list[dict[str, Any]]) -> None:
    with structlog.testing.capture_logs() as logs:
        answers = asyncio.run(_produce_all(everything))
    assert set(answers) <= {"taken", "bad_request", "unsupported"}
    assert [entry for entry in logs if entry["log_level"] in ("warning", "error")] == []


@pytest.mark.parametrize(
    "changes",
    [
        {"encodings": [{"ssrc": 0}]},
        {"encodings": [{"ssrc": 1, "rtx": {"ssrc": 0}}]},
        {"headerExtensions": [{"uri": URIS[0], "id": 15}]},
        {"codecs": [{"mimeType": "video/VP8", "payloadType": 128, "clockRate": 90_000}]},
        {"codecs": [{"mimeType": "video/VP8", "payloadType": 96, "clockRate": 0}]},
    ],
)
def test_numbers_that_nothing_can_have_are_a_bad_request(changes: dict[str, Any]) -> None:
    right = {
        "mid": "1",
        "codecs": [{"mimeType": "video/VP8", "payloadType": 96, "clockRate": 90_000}],
        "encodings": [{"ssrc": 1}],
    }
    assert asyncio.run(_produce_all([right])) == ["taken"]
    assert asyncio.run(_produce_all([{**right, **changes}])) == ["bad_request"]


async def _produce_all(everything: list[dict[str, Any]]) -> list[str]:
    """One producer after the other on one transport of a real media worker; what became of each."""
    settings = NodeSettings(
        process_id=PROCESS, listen_addresses=("127.0.0.1",), media_port=0, media_tcp=False, workers=1
    )
    (worker,) = open_workers(settings)
    try:
        node = Node(settings, [worker], FakeSessions(), VirtualClock())
        room = node.open_room(assignment(), RoomOptions())
        room.watch(WATCHER)
        joined = room.join(Connection(ConnectionId("c"), WATCHER), JoinOptions("Ada", ("publish",)))
        transport = joined.participant.create_transport("send")
        answers = [_produce(room, transport, each) for each in everything]
        await worker.collect_stats()  # Answered after all commands: one that failed is in the log by now.
        return answers
    finally:
        worker.close()


def _produce(room: Room, transport: Transport, parameters: dict[str, Any]) -> str:
    try:
        options = ProduceOptions("video", RtpParameters.model_validate(parameters))
        produce(room.context, transport, options)
    except ValidationError:
        return "bad_request"
    except RotundaError as error:
        return error.code
    return "taken"
