"""From the media node's messages to those that clients get. Pure.

The node has checked its messages, so most models are made without validating again.
"""

from functools import lru_cache
from typing import cast

from rotunda_contract.ids import ParticipantId
from rotunda_contract.kinds import parse_kind
from rotunda_contract.pb import events_pb2, rtp_pb2
from rotunda_contract.pb import media_node_pb2 as pb
from rotunda_contract.rtp import Kind, RtpCapabilities
from rotunda_contract.signaling import answers, common, events
from rotunda_contract.signaling.common import Participant
from rotunda_contract.wire import from_message, from_struct


def producer(info: events_pb2.ProducerInfo) -> common.Producer:
    """A producer in events of its room."""
    return common.Producer.model_construct(
        producer_id=info.producer_id,
        kind=cast(Kind, info.kind),
        source=cast(common.Source, info.source),
        paused=info.paused,
        app_data=from_struct(info.app_data),
    )


def data_producer(info: events_pb2.DataProducerInfo) -> common.DataProducer:
    """A data producer in events of its room."""
    return common.DataProducer.model_construct(
        data_producer_id=info.data_producer_id,
        label=info.label,
        protocol=info.protocol,
        app_data=from_struct(info.app_data),
    )


def participant(info: events_pb2.ParticipantInfo) -> Participant:
    """A participant with all that they publish."""
    return Participant.model_construct(
        participant_id=info.participant_id,
        kind=parse_kind(info.kind),
        display_name=info.display_name,
        producers=tuple(producer(item) for item in info.producers),
        data_producers=tuple(data_producer(item) for item in info.data_producers),
        attributes=dict(info.attributes),
        connection_lost=info.connection_lost,
    )


def capabilities(message: rtp_pb2.RtpCapabilities) -> RtpCapabilities:
    """A router's capabilities, which are the same for everybody who joins the room."""
    return _capabilities(message.SerializeToString(deterministic=True))


@lru_cache(maxsize=64)
def _capabilities(serialized: bytes) -> RtpCapabilities:
    return from_message(RtpCapabilities, rtp_pb2.RtpCapabilities.FromString(serialized))


def own_state(state: pb.OwnState) -> answers.OwnState:
    """What a resumed participant still has."""
    return answers.OwnState(
        transports=tuple(from_message(answers.OwnTransport, item) for item in state.transports),
        producers=tuple(producer(item) for item in state.producers),
        consumers=tuple(from_message(answers.OwnConsumer, item) for item in state.consumers),
        data_producers=tuple(from_message(answers.OwnDataProducer, item) for item in state.data_producers),
        data_consumers=tuple(from_message(answers.OwnDataConsumer, item) for item in state.data_consumers),
        attributes=dict(state.attributes),
    )


def new_producer(owner: ParticipantId, made: common.Producer) -> events.NewProducerEvent:
    """Sent when somebody publishes."""
    return events.NewProducerEvent.model_construct(participant_id=owner, **dict(made))


def new_data_producer(owner: ParticipantId, made: common.DataProducer) -> events.NewDataProducerEvent:
    """Sent when somebody publishes a data channel."""
    return events.NewDataProducerEvent.model_construct(participant_id=owner, **dict(made))


def participant_joined(who: Participant) -> events.ParticipantJoinedEvent:
    """Sent when somebody joins."""
    return events.ParticipantJoinedEvent.model_construct(**dict(who))


def layers_changed(change: events_pb2.ConsumerLayersChanged) -> events.ConsumerLayersChangedEvent:
    """Sent to the owner of a consumer. No layers: nothing is forwarded."""
    layers = None
    if change.HasField("layers"):
        layers = common.Layers(
            spatial_layer=change.layers.spatial_layer, temporal_layer=change.layers.temporal_layer
        )
    return events.ConsumerLayersChangedEvent(consumer_id=change.consumer_id, layers=layers)


def participant_updated(who: ParticipantId, changes: dict[str, str | None]) -> events.ParticipantUpdatedEvent:
    """Sent when attributes changed. A value None: the attribute was removed."""
    return events.ParticipantUpdatedEvent.model_construct(participant_id=who, attributes=changes)


def participant_connection(who: ParticipantId, *, lost: bool) -> events.ParticipantConnectionEvent:
    """Sent when somebody's socket is lost, and when it is back."""
    return events.ParticipantConnectionEvent(participant_id=who, state="lost" if lost else "back")


def participant_left(left: events_pb2.ParticipantLeft) -> events.ParticipantLeftEvent:
    """Sent when somebody has left."""
    return events.ParticipantLeftEvent.model_validate(
        {"participantId": left.participant_id, "reason": left.reason}
    )
