"""What clients ask: the payload of each Socket.IO request. Unknown fields are ignored, null means absent."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, StrictBool, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from rotunda_contract.rtp import (
    ContractModel,
    DtlsParameters,
    Kind,
    RtpCapabilities,
    RtpParameters,
    SctpStreamParameters,
)
from rotunda_contract.signaling.common import (
    SOURCES,
    AppData,
    AttributeChanges,
    ChatText,
    DisplayName,
    Id,
    ReactionName,
    RoomLabel,
    Source,
    TransportDirection,
)

Label = Annotated[str, Field(max_length=256)]
"""A data channel's label or protocol."""
LayerIndex = Annotated[int, Field(ge=0, le=255, strict=True)]


class EmptyRequest(ContractModel):
    """`leave` and `closeRoom`: nothing to say."""


class JoinRequest(ContractModel):
    """Enter a room; with the `seat` of an earlier join, resume it. One that nobody has is no error."""

    room: RoomLabel
    display_name: DisplayName
    seat: str | None = None


class CreateWebRtcTransportRequest(ContractModel):
    """`direction` is the client's own: `send` to publish, `recv` to subscribe."""

    direction: TransportDirection


class ConnectWebRtcTransportRequest(ContractModel):
    """Start DTLS. The role is the client's own word."""

    transport_id: Id
    dtls_parameters: DtlsParameters


class TransportRequest(ContractModel):
    """`restartIce` and `closeTransport`."""

    transport_id: Id


class ProduceRequest(ContractModel):
    """Publish one stream. `appData.source` says what it shows, by default after the kind."""

    transport_id: Id
    kind: Kind
    rtp_parameters: RtpParameters
    paused: StrictBool = False
    app_data: AppData = Field(default_factory=dict)

    @property
    def source(self) -> Source:
        """What the stream shows: a microphone, a camera, a screen or its sound."""
        given: Source | None = self.app_data.get("source")
        return SOURCES[self.kind][0] if given is None else given

    @field_validator("app_data")
    @classmethod
    def _source_fits_kind(cls, value: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        kind = info.data.get("kind")
        source = value.get("source")
        if kind is not None and source is not None and source not in SOURCES[kind]:
            raise PydanticCustomError(
                "source",
                "source should be {accepted} for kind {kind}",
                {"accepted": " or ".join(f"'{name}'" for name in SOURCES[kind]), "kind": kind},
            )
        return value


class ProducerRequest(ContractModel):
    """`pauseProducer`, `resumeProducer`, `closeProducer` and a moderator's `muteProducer`."""

    producer_id: Id


class ConsumeRequest(ContractModel):
    """Subscribe to somebody's producer. The consumer starts paused."""

    transport_id: Id
    producer_id: Id
    rtp_capabilities: RtpCapabilities


class ConsumerRequest(ContractModel):
    """`pauseConsumer`, `resumeConsumer`, `closeConsumer` and `requestKeyFrame`."""

    consumer_id: Id


class SetConsumerPreferredLayersRequest(ContractModel):
    """The highest layers wanted; too high ones are clamped. An absent temporal layer is the highest."""

    consumer_id: Id
    spatial_layer: LayerIndex
    temporal_layer: LayerIndex | None = None


class ProduceDataRequest(ContractModel):
    """Publish a data channel."""

    transport_id: Id
    sctp_stream_parameters: SctpStreamParameters
    label: Label = ""
    protocol: Label = ""
    app_data: AppData = Field(default_factory=dict)


class ConsumeDataRequest(ContractModel):
    """Subscribe to somebody's data channel."""

    transport_id: Id
    data_producer_id: Id


class DataProducerRequest(ContractModel):
    """`closeDataProducer`."""

    data_producer_id: Id


class DataConsumerRequest(ContractModel):
    """`closeDataConsumer`."""

    data_consumer_id: Id


class ChatRequest(ContractModel):
    """Say something to everyone, or with `to` to one participant alone."""

    text: ChatText
    to: Id | None = None


class SetAttributesRequest(ContractModel):
    """Change one's own attributes: what everybody sees of a participant beside the name.

    Those that are not named stay; null removes one.
    """

    attributes: AttributeChanges


class ReactRequest(ContractModel):
    """Show the others a reaction, which is kept nowhere."""

    name: ReactionName


class RemoveParticipantRequest(ContractModel):
    """Send somebody out of the room; needs the permission `moderate`."""

    participant_id: Id
