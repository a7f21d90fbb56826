"""What clients publish and subscribe to, through signaling to the node and back as events."""

from typing import Any

from rotunda_signaling.testing import Guest, Stage

CODEC = {
    "mimeType": "audio/opus",
    "payloadType": 111,
    "clockRate": 48000,
    "channels": 2,
    "parameters": {"useinbandfec": 1, "sprop-stereo": "x"},
    "rtcpFeedback": [{"type": "transport-cc"}],
}
CAPABILITIES = {
    "codecs": [
        {
            "kind": "audio",
            "mimeType": "audio/opus",
            "preferredPayloadType": 111,
            "clockRate": 48000,
            "channels": 2,
        }
    ],
    "headerExtensions": [],
}


async def transport(guest: Guest, direction: str) -> str:
    answer = await guest.ask("createWebRtcTransport", {"direction": direction})
    return str(answer["id"])


async def publish(guest: Guest, **more: Any) -> str:
    payload = {
        "transportId": await transport(guest, "send"),
        "kind": "audio",
        "rtpParameters": {"mid": "0", "codecs": [CODEC], "encodings": [{"ssrc": 1234}]},
        **more,
    }
    return str((await guest.ask("produce", payload))["id"])


async def test_a_transport_is_described_in_mediasoups_words(stage: Stage) -> None:
    ada = await stage.joined()
    answer = await ada.ask("createWebRtcTransport", {"direction": "send", "sctpCapabilities": {"x": 1}})
    assert set(answer) == {"id", "iceParameters", "iceCandidates", "dtlsParameters", "sctpParameters"}
    assert answer["iceParameters"]["iceLite"] is True
    candidate = answer["iceCandidates"][0]
    assert candidate["ip"] == candidate["address"] == "127.0.0.1"
    assert "tcpType" not in candidate
    assert answer["sctpParameters"]["OS"] == 1024
    dtls = {"role": "client", "fingerprints": [{"algorithm": "sha-256", "value": ":".join(["AB"] * 32)}]}
    connect = {"transportId": answer["id"], "dtlsParameters": dtls}
    assert await ada.ask("connectWebRtcTransport", connect) == {}
    assert (await ada.ask("connectWebRtcTransport", connect))["error"]["code"] == "invalid_state"
    restarted = await ada.ask("restartIce", {"transportId": answer["id"]})
    assert set(restarted) == {"iceParameters"}
    assert await ada.ask("closeTransport", {"transportId": answer["id"]}) == {}


async def test_what_is_published_is_told_paused_resumed_and_closed(stage: Stage) -> None:
    ada, bob = await stage.joined("Ada"), await stage.joined("Bob")
    producer = await publish(ada, appData={"source": "screen-audio", "label": "é", "n": 3}, paused=True)
    ref = {"participantId": ada.id, "producerId": producer}
    assert await bob.expect("newProducer") == {
        **ref,
        "kind": "audio",
        "source": "screen-audio",
        "paused": True,
        "appData": {"source": "screen-audio", "label": "é", "n": 3},
    }
    assert await ada.ask("resumeProducer", {"producerId": producer}) == {}
    assert await bob.expect("producerResumed") == ref
    assert await ada.ask("pauseProducer", {"producerId": producer}) == {}
    assert await bob.expect("producerPaused") == ref
    late = await stage.joined("Eve")
    (seen,) = [person for person in late.joined["participants"] if person["participantId"] == ada.id]
    assert [(made["producerId"], made["paused"]) for made in seen["producers"]] == [(producer, True)]
    assert await ada.ask("closeProducer", {"producerId": producer}) == {}
    assert await bob.expect("producerClosed") == ref
    await ada.settle()
    assert [name for name, _ in ada.events] == ["participantJoined", "participantJoined"]


async def test_the_source_comes_from_the_kind_where_none_is_given(stage: Stage) -> None:
    ada, bob = await stage.joined("Ada"), await stage.joined("Bob")
    await publish(ada)
    told = await bob.expect("newProducer")
    assert (told["source"], told["paused"], told["appData"]) == ("microphone", False, {})


async def test_rtp_parameters_reach_the_node_as_they_were_sent(stage: Stage) -> None:
    ada = await stage.joined("Ada")
    await publish(ada)
    request: Any = next(request for name, request in stage.node.calls if name == "produce")
    (codec,) = request.rtp_parameters.codecs
    assert (codec.mime_type, codec.payload_type, codec.clock_rate, codec.channels) == (
        "audio/opus",
        111,
        48000,
        2,
    )
    assert codec.parameters["useinbandfec"].number_value == 1
    assert codec.parameters["sprop-stereo"].string_value == "x"
    assert request.rtp_parameters.encodings[0].ssrc == 1234


async def test_consuming(stage: Stage) -> None:
    ada, bob = await stage.joined("Ada"), await stage.joined("Bob")
    producer = await publish(ada)
    receive = await transport(bob, "recv")
    answer = await bob.ask(
        "consume", {"transportId": receive, "producerId": producer, "rtpCapabilities": CAPABILITIES}
    )
    assert {key: answer[key] for key in answer if key not in ("id", "rtpParameters")} == {
        "producerId": producer,
        "participantId": ada.id,
        "kind": "audio",
        "type": "simple",
        "producerPaused": False,
        "appData": {},
    }
    assert answer["rtpParameters"]["codecs"][0]["parameters"] == {"useinbandfec": 1}
    ref = {"consumerId": answer["id"]}
    for name in ("resumeConsumer", "pauseConsumer", "requestKeyFrame"):
        assert await bob.ask(name, ref) == {}
    assert await bob.ask("setConsumerPreferredLayers", {**ref, "spatialLayer": 2}) == {}
    assert await bob.ask("setConsumerPreferredLayers", {**ref, "spatialLayer": 2, "temporalLayer": 0}) == {}
    assert (await ada.ask("resumeConsumer", ref))["error"]["code"] == "not_found"
    await ada.ask("closeProducer", {"producerId": producer})
    assert await bob.expect("consumerClosed") == {"consumerId": answer["id"], "producerId": producer}
    await ada.settle()
    assert ada.named("consumerClosed") == []


async def test_data_channels(stage: Stage) -> None:
    ada, bob = await stage.joined("Ada"), await stage.joined("Bob")
    made = await ada.ask(
        "produceData",
        {
            "transportId": await transport(ada, "send"),
            "sctpStreamParameters": {"streamId": 0, "ordered": False, "maxRetransmits": 0},
            "label": "cursor",
            "protocol": "json",
            "appData": {"a": [1, None, 2.5]},
        },
    )
    told = {
        "dataProducerId": made["id"],
        "label": "cursor",
        "protocol": "json",
        "appData": {"a": [1, None, 2.5]},
    }
    assert await bob.expect("newDataProducer") == {"participantId": ada.id, **told}
    late = await stage.joined("Eve")
    assert late.joined["participants"][0]["dataProducers"] == [told]
    answer = await bob.ask(
        "consumeData", {"transportId": await transport(bob, "recv"), "dataProducerId": made["id"]}
    )
    assert answer["sctpStreamParameters"]["streamId"] == 1
    assert {key: answer[key] for key in told} == told
    assert await bob.ask("closeDataConsumer", {"dataConsumerId": answer["id"]}) == {}
    assert await ada.ask("closeDataProducer", {"dataProducerId": made["id"]}) == {}
    assert await bob.expect("dataProducerClosed") == {"participantId": ada.id, "dataProducerId": made["id"]}
    await ada.settle()
    assert ada.named("newDataProducer") == ada.named("dataProducerClosed") == []
