"""What clients are told unasked. An event may come before an acknowledgement and repeat what it says."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from rotunda_contract.rtp import ContractModel, Kind, RtpCapabilities
from rotunda_contract.signaling.common import (
    AppData,
    Id,
    Layers,
    Participant,
    Source,
    Timestamp,
)


class _SendsNull(ContractModel):
    """An event whose null says something and is therefore sent."""

    def to_json(self) -> dict[str, Any]:
        return self.model_dump(mode="json", by_alias=True)


class ParticipantJoinedEvent(Participant):
    """Somebody came in."""


class ParticipantLeftEvent(ContractModel):
    """Somebody is gone, and their producers with them."""

    participant_id: Id
    reason: Literal["left", "disconnected", "removed"]


class ParticipantUpdatedEvent(_SendsNull):
    """Somebody's attributes changed: these did. Null: it is gone."""

    participant_id: Id
    attributes: dict[str, str | None]


class ReactionEvent(ContractModel):
    """Somebody else reacts."""

    participant_id: Id
    name: str


class ParticipantConnectionEvent(ContractModel):
    """Somebody else's socket is `lost`, or `back` after that. Their media may go on meanwhile."""

    participant_id: Id
    state: Literal["lost", "back"]


class NewProducerEvent(ContractModel):
    """Somebody publishes a stream."""

    participant_id: Id
    producer_id: Id
    kind: Kind
    source: Source
    paused: bool
    app_data: AppData


class ProducerEvent(ContractModel):
    """`producerPaused`, `producerResumed`, `producerClosed`; its owner is told a reason."""

    participant_id: Id
    producer_id: Id
    reason: str | None = None


class NewDataProducerEvent(ContractModel):
    """Somebody publishes a data channel."""

    participant_id: Id
    data_producer_id: Id
    label: str
    protocol: str
    app_data: AppData


class DataProducerClosedEvent(ContractModel):
    """A data channel's publisher closed it."""

    participant_id: Id
    data_producer_id: Id


class ConsumerClosedEvent(ContractModel):
    """A consumer went with its producer."""

    consumer_id: Id
    producer_id: Id


class DataConsumerClosedEvent(ContractModel):
    """A data consumer went with its data producer."""

    data_consumer_id: Id
    data_producer_id: Id


class ConsumerLayersChangedEvent(_SendsNull):
    """Which layers a consumer gets now; null: none."""

    model_config = ConfigDict(json_schema_extra={"required": ["consumerId", "layers"]})

    consumer_id: Id
    layers: Layers | None = None


class ActiveSpeakerEvent(_SendsNull):
    """Who speaks; null: nobody."""

    model_config = ConfigDict(json_schema_extra={"required": ["participantId"]})

    participant_id: Id | None = None


class ConnectionQualityEvent(ContractModel):
    """How well somebody is connected, from 0 (not at all) to 10."""

    participant_id: Id
    score: Annotated[int, Field(ge=0, le=10)]
    reason: str | None = None


class ChatEvent(ContractModel):
    """Somebody else said something; with `to` it is for this client alone."""

    id: Id
    sender: Annotated[Id, Field(alias="from")]
    display_name: str
    text: str
    to: Id | None = None
    sent_at: Timestamp


class RoomPendingEvent(ContractModel):
    """The room waits for a node, and `join` for the room."""

    reason: str


class TransportClosedEvent(ContractModel):
    """One of the client's transports is gone."""

    transport_id: Id
    reason: str


class RemovedEvent(ContractModel):
    """The client is out of the room: `taken_over` by another socket with its seat, or sent out."""

    reason: str


class RoomClosedEvent(ContractModel):
    """The room is gone. With `rejoin` it lives on elsewhere: join again with the seat."""

    reason: str
    rejoin: bool


class DataLimitedEvent(ContractModel):
    """The client sends data faster than its data channels may carry.

    `refusedDatagrams` counts what was thrown away since the last such event.
    """

    transport_id: Id
    refused_datagrams: Annotated[int, Field(ge=0)]
    limit_bytes_per_second: Annotated[int, Field(ge=0)]


class MediaLimitedEvent(ContractModel):
    """The client sends more video than its room's `maxVideoKbps`, and some of it goes to nobody.

    `refusedPackets` counts what was thrown away since the last such event.
    """

    transport_id: Id
    refused_packets: Annotated[int, Field(ge=0)]
    max_video_kbps: Annotated[int, Field(ge=0)]


class MigrateEvent(ContractModel):
    """The room moves to another node until `deadline`."""

    migration_id: Id
    deadline: Timestamp
    router_rtp_capabilities: RtpCapabilities
