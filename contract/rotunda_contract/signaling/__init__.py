"""The Socket.IO contract: which requests there are, what each is answered with, which events come.

`EXCHANGES` and `EVENTS` are the registry: signaling validates and dispatches by them, and the
TypeScript types of the web app come from the JSON Schema of the same models (`rotunda_contract.schema`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from rotunda_contract.rtp import ContractModel
from rotunda_contract.signaling import answers, events, requests

PROTOCOL = 1
"""Version of this contract, told in the answer to `join`."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request's payload and what it is acknowledged with when it succeeds."""

    request: type[ContractModel]
    answer: type[ContractModel]


EXCHANGES: Mapping[str, Exchange] = MappingProxyType(
    {
        "join": Exchange(requests.JoinRequest, answers.JoinAnswer),
        "leave": Exchange(requests.EmptyRequest, answers.EmptyAnswer),
        "createWebRtcTransport": Exchange(
            requests.CreateWebRtcTransportRequest, answers.CreateWebRtcTransportAnswer
        ),
        "connectWebRtcTransport": Exchange(requests.ConnectWebRtcTransportRequest, answers.EmptyAnswer),
        "restartIce": Exchange(requests.TransportRequest, answers.RestartIceAnswer),
        "closeTransport": Exchange(requests.TransportRequest, answers.EmptyAnswer),
        "produce": Exchange(requests.ProduceRequest, answers.CreatedAnswer),
        "pauseProducer": Exchange(requests.ProducerRequest, answers.EmptyAnswer),
        "resumeProducer": Exchange(requests.ProducerRequest, answers.EmptyAnswer),
        "closeProducer": Exchange(requests.ProducerRequest, answers.EmptyAnswer),
        "consume": Exchange(requests.ConsumeRequest, answers.ConsumeAnswer),
        "pauseConsumer": Exchange(requests.ConsumerRequest, answers.EmptyAnswer),
        "resumeConsumer": Exchange(requests.ConsumerRequest, answers.EmptyAnswer),
        "closeConsumer": Exchange(requests.ConsumerRequest, answers.EmptyAnswer),
        "requestKeyFrame": Exchange(requests.ConsumerRequest, answers.EmptyAnswer),
        "setConsumerPreferredLayers": Exchange(
            requests.SetConsumerPreferredLayersRequest, answers.EmptyAnswer
        ),
        "produceData": Exchange(requests.ProduceDataRequest, answers.CreatedAnswer),
        "consumeData": Exchange(requests.ConsumeDataRequest, answers.ConsumeDataAnswer),
        "closeDataProducer": Exchange(requests.DataProducerRequest, answers.EmptyAnswer),
        "closeDataConsumer": Exchange(requests.DataConsumerRequest, answers.EmptyAnswer),
        "chat": Exchange(requests.ChatRequest, answers.ChatAnswer),
        "setAttributes": Exchange(requests.SetAttributesRequest, answers.EmptyAnswer),
        "react": Exchange(requests.ReactRequest, answers.EmptyAnswer),
        "muteProducer": Exchange(requests.ProducerRequest, answers.EmptyAnswer),
        "removeParticipant": Exchange(requests.RemoveParticipantRequest, answers.EmptyAnswer),
        "closeRoom": Exchange(requests.EmptyRequest, answers.EmptyAnswer),
    }
)
"""Every request by its name."""

EVENTS: Mapping[str, type[ContractModel]] = MappingProxyType(
    {
        "participantJoined": events.ParticipantJoinedEvent,
        "participantLeft": events.ParticipantLeftEvent,
        "participantUpdated": events.ParticipantUpdatedEvent,
        "participantConnection": events.ParticipantConnectionEvent,
        "reaction": events.ReactionEvent,
        "newProducer": events.NewProducerEvent,
        "producerPaused": events.ProducerEvent,
        "producerResumed": events.ProducerEvent,
        "producerClosed": events.ProducerEvent,
        "newDataProducer": events.NewDataProducerEvent,
        "dataProducerClosed": events.DataProducerClosedEvent,
        "dataConsumerClosed": events.DataConsumerClosedEvent,
        "consumerClosed": events.ConsumerClosedEvent,
        "consumerLayersChanged": events.ConsumerLayersChangedEvent,
        "activeSpeaker": events.ActiveSpeakerEvent,
        "connectionQuality": events.ConnectionQualityEvent,
        "chat": events.ChatEvent,
        "roomPending": events.RoomPendingEvent,
        "transportClosed": events.TransportClosedEvent,
        "removed": events.RemovedEvent,
        "roomClosed": events.RoomClosedEvent,
        "dataLimited": events.DataLimitedEvent,
        "mediaLimited": events.MediaLimitedEvent,
        "migrate": events.MigrateEvent,
    }
)
"""Every event by its name."""
