"""What a request is acknowledged with: the answer itself, or `ErrorAnswer`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from rotunda_contract.rtp import (
    ContractModel,
    DtlsParameters,
    IceCandidate,
    IceParameters,
    Kind,
    RtpCapabilities,
    RtpParameters,
    SctpParameters,
    SctpStreamParameters,
)
from rotunda_contract.signaling.common import (
    AppData,
    IceServer,
    Id,
    Participant,
    Permission,
    Producer,
    Timestamp,
    TransportDirection,
)

ErrorCode = Literal[
    "bad_request",
    "unknown_request",
    "not_joined",
    "already_joined",
    "not_found",
    "invalid_state",
    "unsupported",
    "too_large",
    "unauthorized",
    "forbidden",
    "room_full",
    "limit_exceeded",
    "rate_limited",
    "unavailable",
    "internal",
]


class ErrorBody(ContractModel):
    """What went wrong. The message is for people; `retryAfterMs` where waiting helps."""

    code: ErrorCode
    message: str
    retry_after_ms: int | None = None


class ErrorAnswer(ContractModel):
    """The acknowledgement of a request that failed."""

    error: ErrorBody


class EmptyAnswer(ContractModel):
    """Done; nothing to tell."""


class CreatedAnswer(ContractModel):
    """`produce` and `produceData`."""

    id: Id


class JoinedRoom(ContractModel):
    """The room as its people see it."""

    name: str
    display_name: str
    max_participants: int


class OwnTransport(ContractModel):
    """A transport that waited for its owner."""

    transport_id: Id
    direction: TransportDirection


class OwnConsumer(ContractModel):
    """A consumer that waited for its owner."""

    consumer_id: Id
    producer_id: Id
    paused: bool


class OwnDataProducer(ContractModel):
    """A data producer that waited for its owner."""

    data_producer_id: Id
    label: str


class OwnDataConsumer(ContractModel):
    """A data consumer that waited for its owner."""

    data_consumer_id: Id
    data_producer_id: Id


class OwnState(ContractModel):
    """What a resumed participant still has."""

    transports: tuple[OwnTransport, ...]
    producers: tuple[Producer, ...]
    consumers: tuple[OwnConsumer, ...]
    data_producers: tuple[OwnDataProducer, ...]
    data_consumers: tuple[OwnDataConsumer, ...]
    attributes: dict[str, str]


class JoinAnswer(ContractModel):
    """Where one has come to. `reconnectGrace` in seconds; `participants` is everyone else."""

    participant_id: Id
    seat: Id
    resumed: bool
    reconnect_grace: int
    room: JoinedRoom
    router_rtp_capabilities: RtpCapabilities
    ice_servers: tuple[IceServer, ...]
    participants: tuple[Participant, ...]
    own: Annotated[OwnState | None, Field(alias="self")] = None
    permissions: tuple[Permission, ...]
    token: str | None = None
    protocol: Literal[1]


class CreateWebRtcTransportAnswer(ContractModel):
    """All that RTCPeerConnection needs to reach us."""

    id: Id
    ice_parameters: IceParameters
    ice_candidates: tuple[IceCandidate, ...]
    dtls_parameters: DtlsParameters
    sctp_parameters: SctpParameters


class RestartIceAnswer(ContractModel):
    """New credentials; the old ones work until the first valid check with the new."""

    ice_parameters: IceParameters
    ice_servers: tuple[IceServer, ...] | None = None


class ConsumeAnswer(ContractModel):
    """A paused consumer; `participantId` is the producer's owner."""

    id: Id
    producer_id: Id
    participant_id: Id
    kind: Kind
    rtp_parameters: RtpParameters
    type: Literal["simple", "simulcast", "svc"]
    producer_paused: bool
    app_data: AppData


class ConsumeDataAnswer(ContractModel):
    """A data consumer."""

    id: Id
    data_producer_id: Id
    sctp_stream_parameters: SctpStreamParameters
    label: str
    protocol: str
    app_data: AppData


class ChatAnswer(ContractModel):
    """The message as it was sent on. `delayed` people will get it only once the servers reach each other.

    `stored` is false where the history could not take it in time: who comes later may miss it.
    """

    id: Id
    sent_at: Timestamp
    delayed: int | None = None
    stored: Literal[False] | None = None
