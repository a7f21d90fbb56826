"""The state of a room by the media node's event stream, and the events that clients get about changes.

Pure: it takes events and snapshots of the media node, and answers with deliveries to clients.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from rotunda_contract.ids import ParticipantId
from rotunda_contract.kinds import KINDS, KindRules
from rotunda_contract.pb import events_pb2
from rotunda_contract.rtp import ContractModel
from rotunda_contract.signaling import events
from rotunda_contract.signaling.common import DataProducer, Participant, ParticipantKind, Producer
from rotunda_signaling.service import messages
from rotunda_signaling.service.client import Event
from rotunda_signaling.service.removed import Removed

_FOR_THE_OTHERS = frozenset(
    {
        "participantJoined",
        "participantLeft",
        "participantConnection",
        "newProducer",
        "newDataProducer",
        "dataProducerClosed",
    }
)
"""Events that the participant whom they are about does not get, whoever caused them."""
_FOR_EVERYBODY = frozenset({"participantUpdated"})
"""Events that also the participant who caused them gets."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event for clients. `recipient`: the only participant who gets it. Without one everybody gets it
    except `cause`, the participant who caused it."""

    event: Event
    cause: ParticipantId | None = None
    recipient: ParticipantId | None = None


@dataclass(slots=True)
class ParticipantState:
    """One participant and what they publish, by id."""

    display_name: str
    kind: ParticipantKind = "person"
    producers: dict[str, Producer] = field(default_factory=dict)
    data_producers: dict[str, DataProducer] = field(default_factory=dict)
    attributes: dict[str, str] = field(default_factory=dict)
    connection_lost: bool = False

    @property
    def rules(self) -> KindRules:
        """What follows from the kind."""
        return KINDS[self.kind]


def active_speaker(participant_id: ParticipantId | None) -> Event:
    """The event with the active speaker; None: nobody speaks."""
    return Event("activeSpeaker", events.ActiveSpeakerEvent(participant_id=participant_id))


class RoomState:
    """The room as of the last event. Clients are told nothing of participants who are not listed."""

    def __init__(self) -> None:
        self.participants: dict[ParticipantId, ParticipantState] = {}
        self.active_speaker: ParticipantId | None = None
        self.removed = Removed()

    @property
    def listed(self) -> Mapping[ParticipantId, ParticipantState]:
        """Those whom clients see."""
        return _listed(self.participants)

    @property
    def count(self) -> int:
        """How many participants count as such: see `rotunda_contract.kinds`."""
        return sum(each.rules.counted for each in self.participants.values())

    def apply(self, event: events_pb2.RoomEvent) -> Delivery | None:
        """Applies one event of the media node. None where clients get no event about it, or the room view
        sends it."""
        changed = self._take(event)
        if changed is None:
            return None
        name, body = changed
        recipient = ParticipantId(event.recipient) if event.HasField("recipient") else None
        about = self.participants.get(getattr(body, "participant_id", None) or ParticipantId(""))
        if recipient is None and about is not None and not about.rules.listed:
            return None
        cause = ParticipantId(event.cause) if event.HasField("cause") else None
        if name in _FOR_EVERYBODY:
            cause = None
        if name in _FOR_THE_OTHERS:
            cause = ParticipantId(getattr(body, "participant_id"))  # noqa: B009
        return Delivery(Event(name, body), cause, recipient)

    def reset(self, snapshot: events_pb2.RoomSnapshot) -> list[Delivery]:
        """Replaces the state by a snapshot. The deliveries tell clients the differences to the state
        before."""
        before, speaker_before = self.participants, self.active_speaker
        self.removed = Removed(snapshot.removed)
        self.participants = {
            ParticipantId(info.participant_id): _state(messages.participant(info))
            for info in snapshot.participants
        }
        speaker = snapshot.active_speaker if snapshot.HasField("active_speaker") else None
        self.active_speaker = ParticipantId(speaker) if speaker is not None else None
        deliveries = list(_differences(_listed(before), self.listed))
        if self.active_speaker != speaker_before:
            deliveries.append(Delivery(active_speaker(self.active_speaker)))
        return deliveries

    def _take(self, event: events_pb2.RoomEvent) -> tuple[str, ContractModel] | None:
        kind = event.WhichOneof("event")
        reason = event.reason if event.HasField("reason") else None
        match kind:
            case "participant_joined":
                return self._joined(messages.participant(event.participant_joined))
            case "participant_left":
                return self._left(event.participant_left)
            case "participant_updated":
                return self._updated(event.participant_updated)
            case "participant_connection":
                return self._connection(event.participant_connection)
            case "producer_added":
                return self._produced(event.producer_added)
            case "producer_paused":
                return self._paused(event.producer_paused, True, reason)
            case "producer_resumed":
                return self._paused(event.producer_resumed, False, reason)
            case "producer_closed":
                closed = event.producer_closed
                self._of(closed.participant_id).producers.pop(closed.producer_id, None)
                return "producerClosed", _producer_event(closed, reason)
            case "data_producer_added":
                return self._data_produced(event.data_producer_added)
            case "data_producer_closed":
                ref = event.data_producer_closed
                self._of(ref.participant_id).data_producers.pop(ref.data_producer_id, None)
                return "dataProducerClosed", events.DataProducerClosedEvent(
                    participant_id=ref.participant_id, data_producer_id=ref.data_producer_id
                )
            case "active_speaker":
                speaker = event.active_speaker
                who = speaker.participant_id if speaker.HasField("participant_id") else None
                self.active_speaker = ParticipantId(who) if who is not None else None
                return "activeSpeaker", events.ActiveSpeakerEvent(participant_id=who)
            case _:
                return _passing(event, reason)

    def _of(self, participant_id: str) -> ParticipantState:
        return self.participants.get(ParticipantId(participant_id)) or ParticipantState("")

    def _joined(self, who: Participant) -> tuple[str, ContractModel]:
        self.participants[ParticipantId(who.participant_id)] = _state(who)
        return "participantJoined", messages.participant_joined(who)

    def _left(self, left: events_pb2.ParticipantLeft) -> tuple[str, ContractModel] | None:
        gone = self.participants.pop(ParticipantId(left.participant_id), None)
        if gone is not None and not gone.rules.listed:
            return None
        return "participantLeft", messages.participant_left(left)

    def _updated(self, updated: events_pb2.ParticipantUpdated) -> tuple[str, ContractModel]:
        changes = {each.name: each.value if each.HasField("value") else None for each in updated.attributes}
        attributes = self._of(updated.participant_id).attributes
        for name, value in changes.items():
            if value is None:
                attributes.pop(name, None)
            else:
                attributes[name] = value
        who = ParticipantId(updated.participant_id)
        return "participantUpdated", messages.participant_updated(who, changes)

    def _connection(self, connection: events_pb2.ParticipantConnection) -> tuple[str, ContractModel]:
        lost = connection.state == "lost"
        self._of(connection.participant_id).connection_lost = lost
        who = ParticipantId(connection.participant_id)
        return "participantConnection", messages.participant_connection(who, lost=lost)

    def _produced(self, added: events_pb2.ProducerAdded) -> tuple[str, ContractModel]:
        made = messages.producer(added.producer)
        self._of(added.participant_id).producers[made.producer_id] = made
        return "newProducer", messages.new_producer(ParticipantId(added.participant_id), made)

    def _data_produced(self, added: events_pb2.DataProducerAdded) -> tuple[str, ContractModel]:
        made = messages.data_producer(added.data_producer)
        self._of(added.participant_id).data_producers[made.data_producer_id] = made
        return "newDataProducer", messages.new_data_producer(ParticipantId(added.participant_id), made)

    def _paused(
        self, ref: events_pb2.ProducerRef, paused: bool, reason: str | None
    ) -> tuple[str, ContractModel]:
        producers = self._of(ref.participant_id).producers
        known = producers.get(ref.producer_id)
        if known is not None:
            producers[ref.producer_id] = known.model_copy(update={"paused": paused})
        return "producerPaused" if paused else "producerResumed", _producer_event(ref, reason)


def _passing(event: events_pb2.RoomEvent, reason: str | None) -> tuple[str, ContractModel] | None:
    """Events that leave nothing to remember."""
    match event.WhichOneof("event"):
        case "consumer_closed":
            closed = event.consumer_closed
            return "consumerClosed", events.ConsumerClosedEvent(
                consumer_id=closed.consumer_id, producer_id=closed.producer_id
            )
        case "data_consumer_closed":
            ended = event.data_consumer_closed
            return "dataConsumerClosed", events.DataConsumerClosedEvent(
                data_consumer_id=ended.data_consumer_id, data_producer_id=ended.data_producer_id
            )
        case "consumer_layers_changed":
            return "consumerLayersChanged", messages.layers_changed(event.consumer_layers_changed)
        case "reaction":
            reaction = event.reaction
            return "reaction", events.ReactionEvent(
                participant_id=reaction.participant_id, name=reaction.name
            )
        case "connection_quality":
            quality = event.connection_quality
            return "connectionQuality", events.ConnectionQualityEvent(
                participant_id=quality.participant_id, score=quality.score, reason=reason
            )
        case "transport_closed":
            return "transportClosed", events.TransportClosedEvent(
                transport_id=event.transport_closed.transport_id, reason=reason or "closed"
            )
        case "data_limited":
            limited = event.data_limited
            return "dataLimited", events.DataLimitedEvent(
                transport_id=limited.transport_id,
                refused_datagrams=limited.refused_datagrams,
                limit_bytes_per_second=limited.limit_bytes_per_second,
            )
        case "media_limited":
            refused = event.media_limited
            return "mediaLimited", events.MediaLimitedEvent(
                transport_id=refused.transport_id,
                refused_packets=refused.refused_packets,
                max_video_kbps=refused.max_video_kbps,
            )
        case _:
            return None


def _listed(participants: Mapping[ParticipantId, ParticipantState]) -> dict[ParticipantId, ParticipantState]:
    return {who: state for who, state in participants.items() if state.rules.listed}


def _differences(
    before: Mapping[ParticipantId, ParticipantState], after: Mapping[ParticipantId, ParticipantState]
) -> Iterator[Delivery]:
    for participant_id in before.keys() - after.keys():
        yield _delivery(
            "participantLeft",
            events.ParticipantLeftEvent(participant_id=participant_id, reason="disconnected"),
        )
    for participant_id, state in after.items():
        known = before.get(participant_id)
        if known is None:
            yield _delivery("participantJoined", _joined_event(participant_id, state), participant_id)
        else:
            yield from _participant_differences(participant_id, known, state)
            yield from _producer_differences(participant_id, known, state)
            yield from _data_producer_differences(participant_id, known, state)


def _participant_differences(
    who: ParticipantId, before: ParticipantState, after: ParticipantState
) -> Iterator[Delivery]:
    changes: dict[str, str | None] = dict.fromkeys(before.attributes.keys() - after.attributes.keys())
    changes |= {
        name: value for name, value in after.attributes.items() if before.attributes.get(name) != value
    }
    if changes:
        yield _delivery("participantUpdated", messages.participant_updated(who, changes))
    if before.connection_lost != after.connection_lost:
        body = messages.participant_connection(who, lost=after.connection_lost)
        yield _delivery("participantConnection", body, who)


def _producer_differences(
    owner: ParticipantId, before: ParticipantState, after: ParticipantState
) -> Iterator[Delivery]:
    """The owner gets events about closed and paused producers too: somebody else may have closed or paused
    them."""
    for producer_id in before.producers.keys() - after.producers.keys():
        yield _delivery("producerClosed", events.ProducerEvent(participant_id=owner, producer_id=producer_id))
    for producer_id, made in after.producers.items():
        known = before.producers.get(producer_id)
        if known is None:
            yield _delivery("newProducer", messages.new_producer(owner, made), owner)
        elif known.paused != made.paused:
            name = "producerPaused" if made.paused else "producerResumed"
            yield _delivery(name, events.ProducerEvent(participant_id=owner, producer_id=producer_id))


def _data_producer_differences(
    owner: ParticipantId, before: ParticipantState, after: ParticipantState
) -> Iterator[Delivery]:
    for gone in before.data_producers.keys() - after.data_producers.keys():
        event = events.DataProducerClosedEvent(participant_id=owner, data_producer_id=gone)
        yield _delivery("dataProducerClosed", event, owner)
    for data_producer_id, made in after.data_producers.items():
        if data_producer_id not in before.data_producers:
            yield _delivery("newDataProducer", messages.new_data_producer(owner, made), owner)


def _joined_event(participant_id: ParticipantId, state: ParticipantState) -> ContractModel:
    return events.ParticipantJoinedEvent.model_construct(
        participant_id=participant_id,
        kind=state.kind,
        display_name=state.display_name,
        producers=tuple(state.producers.values()),
        data_producers=tuple(state.data_producers.values()),
        attributes=dict(state.attributes),
        connection_lost=state.connection_lost,
    )


def _state(who: Participant) -> ParticipantState:
    return ParticipantState(
        who.display_name,
        who.kind,
        {made.producer_id: made for made in who.producers},
        {made.data_producer_id: made for made in who.data_producers},
        dict(who.attributes),
        who.connection_lost,
    )


def _producer_event(ref: events_pb2.ProducerRef, reason: str | None) -> events.ProducerEvent:
    return events.ProducerEvent(participant_id=ref.participant_id, producer_id=ref.producer_id, reason=reason)


def _delivery(name: str, body: ContractModel, cause: ParticipantId | None = None) -> Delivery:
    return Delivery(Event(name, body), cause)
