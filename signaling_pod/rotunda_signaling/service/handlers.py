"""Which function answers which request of a client that has joined, and what permission it needs."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from rotunda_contract.rtp import ContractModel
from rotunda_contract.signaling.common import Permission
from rotunda_signaling.service import media_requests as media
from rotunda_signaling.service import people_requests as people
from rotunda_signaling.service.session import Session


@dataclass(frozen=True, slots=True)
class Handler:
    """`answer` takes the request model that the contract gives for the name."""

    answer: Callable[[Session, Any], Awaitable[ContractModel]]
    needs: Permission | None = None


HANDLERS: Mapping[str, Handler] = MappingProxyType(
    {
        "createWebRtcTransport": Handler(media.create_web_rtc_transport),
        "connectWebRtcTransport": Handler(media.connect_web_rtc_transport),
        "restartIce": Handler(media.restart_ice),
        "closeTransport": Handler(media.close_transport),
        "produce": Handler(media.produce, "publish"),
        "pauseProducer": Handler(media.pause_producer),
        "resumeProducer": Handler(media.resume_producer),
        "closeProducer": Handler(media.close_producer),
        "consume": Handler(media.consume, "subscribe"),
        "pauseConsumer": Handler(media.pause_consumer),
        "resumeConsumer": Handler(media.resume_consumer),
        "closeConsumer": Handler(media.close_consumer),
        "requestKeyFrame": Handler(media.request_key_frame),
        "setConsumerPreferredLayers": Handler(media.set_consumer_preferred_layers),
        "produceData": Handler(media.produce_data, "publish"),
        "consumeData": Handler(media.consume_data, "subscribe"),
        "closeDataProducer": Handler(media.close_data_producer),
        "closeDataConsumer": Handler(media.close_data_consumer),
        "chat": Handler(people.chat, "chat"),
        "setAttributes": Handler(people.set_attributes),
        "react": Handler(people.react),
        "muteProducer": Handler(people.mute_producer, "moderate"),
        "removeParticipant": Handler(people.remove_participant, "moderate"),
        "closeRoom": Handler(people.close_room, "moderate"),
    }
)
"""Every request of the contract but `join` and `leave`."""
