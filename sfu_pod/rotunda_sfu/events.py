"""The events that a room emits to its watchers, one method for each kind.

`cause` is whose request it was: the event is for everybody else. Without one it is for everybody.
`recipient` limits an event to one participant.
"""

from collections.abc import Iterable, Mapping
from typing import Literal

from rotunda_contract.ids import (
    ConnectionId,
    ConsumerId,
    DataConsumerId,
    DataProducerId,
    ParticipantId,
    ProducerId,
    TransportId,
)
from rotunda_contract.pb import events_pb2 as pb
from rotunda_sfu.event_log import EventLog
from rotunda_sfu.media_worker import Layers


class RoomEvents:
    """Writes a room's events into its log. Every method answers with the event's number."""

    def __init__(self, log: EventLog) -> None:
        self.log = log

    def participant_joined(self, info: pb.ParticipantInfo) -> int:
        return self._append(pb.RoomEvent(participant_joined=info), cause=ParticipantId(info.participant_id))

    def participant_left(self, participant: ParticipantId, reason: str, cause: ParticipantId | None) -> int:
        left = pb.ParticipantLeft(participant_id=participant, reason=reason)
        return self._append(pb.RoomEvent(participant_left=left), cause=cause)

    def participant_updated(self, participant: ParticipantId, changes: Mapping[str, str | None]) -> int:
        attributes = [pb.AttributeChange(name=name, value=value) for name, value in changes.items()]
        updated = pb.ParticipantUpdated(participant_id=participant, attributes=attributes)
        return self._append(pb.RoomEvent(participant_updated=updated), cause=participant)

    def reaction(self, participant: ParticipantId, name: str) -> int:
        reaction = pb.Reaction(participant_id=participant, name=name)
        return self._append(pb.RoomEvent(reaction=reaction), cause=participant)

    def participant_connection(self, participant: ParticipantId, state: Literal["lost", "back"]) -> int:
        connection = pb.ParticipantConnection(participant_id=participant, state=state)
        return self._append(pb.RoomEvent(participant_connection=connection))

    def connection_replaced(self, participant: ParticipantId, connection: ConnectionId) -> int:
        replaced = pb.ConnectionReplaced(participant_id=participant, connection_id=connection)
        event = pb.RoomEvent(connection_replaced=replaced)
        return self._append(event, recipient=participant, reason="taken_over")

    def participant_removed(self, removal: pb.Removal, connection: ConnectionId | None, reason: str) -> int:
        who = ParticipantId(removal.participant_id)
        removed = pb.ParticipantRemoved(participant_id=who, connection_id=connection or "", removal=removal)
        return self._append(pb.RoomEvent(participant_removed=removed), recipient=who, reason=reason)

    def producer_added(self, origin: ParticipantId, info: pb.ProducerInfo) -> int:
        added = pb.ProducerAdded(participant_id=origin, producer=info)
        return self._append(pb.RoomEvent(producer_added=added), cause=origin)

    def producer_paused(
        self, origin: ParticipantId, producer: ProducerId, cause: ParticipantId | None, reason: str | None
    ) -> int:
        ref = pb.ProducerRef(participant_id=origin, producer_id=producer)
        return self._append(pb.RoomEvent(producer_paused=ref), cause=cause, reason=reason)

    def producer_resumed(self, origin: ParticipantId, producer: ProducerId, cause: ParticipantId) -> int:
        ref = pb.ProducerRef(participant_id=origin, producer_id=producer)
        return self._append(pb.RoomEvent(producer_resumed=ref), cause=cause)

    def producer_closed(
        self, origin: ParticipantId, producer: ProducerId, cause: ParticipantId | None, reason: str | None
    ) -> int:
        ref = pb.ProducerRef(participant_id=origin, producer_id=producer)
        return self._append(pb.RoomEvent(producer_closed=ref), cause=cause, reason=reason)

    def consumer_closed(
        self,
        origin: ParticipantId,
        consumer: ConsumerId,
        producer: ProducerId,
        cause: ParticipantId | None,
        reason: str | None,
    ) -> int:
        closed = pb.ConsumerClosed(consumer_id=consumer, producer_id=producer)
        event = pb.RoomEvent(consumer_closed=closed)
        return self._append(event, recipient=origin, cause=cause, reason=reason)

    def consumer_layers_changed(
        self, origin: ParticipantId, consumer: ConsumerId, layers: Layers | None
    ) -> int:
        now = pb.Layers(spatial_layer=layers.spatial, temporal_layer=layers.temporal) if layers else None
        changed = pb.ConsumerLayersChanged(consumer_id=consumer, layers=now)
        return self._append(pb.RoomEvent(consumer_layers_changed=changed), recipient=origin)

    def data_producer_added(self, origin: ParticipantId, info: pb.DataProducerInfo) -> int:
        added = pb.DataProducerAdded(participant_id=origin, data_producer=info)
        return self._append(pb.RoomEvent(data_producer_added=added), cause=origin)

    def data_producer_closed(
        self,
        origin: ParticipantId,
        data_producer: DataProducerId,
        cause: ParticipantId | None,
        reason: str | None,
    ) -> int:
        ref = pb.DataProducerRef(participant_id=origin, data_producer_id=data_producer)
        return self._append(pb.RoomEvent(data_producer_closed=ref), cause=cause, reason=reason)

    def data_consumer_closed(
        self,
        origin: ParticipantId,
        data_consumer: DataConsumerId,
        data_producer: DataProducerId,
        cause: ParticipantId | None,
        reason: str | None,
    ) -> int:
        closed = pb.DataConsumerClosed(data_consumer_id=data_consumer, data_producer_id=data_producer)
        event = pb.RoomEvent(data_consumer_closed=closed)
        return self._append(event, recipient=origin, cause=cause, reason=reason)

    def data_limited(
        self, origin: ParticipantId, transport: TransportId, refused: int, bytes_per_second: int
    ) -> int:
        limited = pb.DataLimited(
            transport_id=transport, refused_datagrams=refused, limit_bytes_per_second=bytes_per_second
        )
        return self._append(pb.RoomEvent(data_limited=limited), recipient=origin)

    def media_limited(
        self, origin: ParticipantId, transport: TransportId, refused: int, max_video_kbps: int
    ) -> int:
        limited = pb.MediaLimited(
            transport_id=transport, refused_packets=refused, max_video_kbps=max_video_kbps
        )
        return self._append(pb.RoomEvent(media_limited=limited), recipient=origin)

    def transport_closed(self, origin: ParticipantId, transport: TransportId, reason: str) -> int:
        closed = pb.TransportClosed(transport_id=transport)
        return self._append(pb.RoomEvent(transport_closed=closed), recipient=origin, reason=reason)

    def active_speaker(self, participant: ParticipantId | None) -> int:
        return self._append(pb.RoomEvent(active_speaker=pb.ActiveSpeaker(participant_id=participant)))

    def connection_quality(self, participant: ParticipantId, score: int, reason: str | None) -> int:
        quality = pb.ConnectionQuality(participant_id=participant, score=score)
        return self._append(pb.RoomEvent(connection_quality=quality), reason=reason)

    def room_closed(self, reason: str, rejoin: bool) -> int:
        return self._append(pb.RoomEvent(room_closed=pb.RoomClosed(rejoin=rejoin)), reason=reason)

    def _append(
        self,
        event: pb.RoomEvent,
        *,
        cause: ParticipantId | None = None,
        recipient: ParticipantId | None = None,
        reason: str | None = None,
    ) -> int:
        if cause is not None:
            event.cause = cause
        if recipient is not None:
            event.recipient = recipient
        if reason is not None:
            event.reason = reason
        return self.log.append(event)


def snapshot(
    participants: Iterable[pb.ParticipantInfo],
    active_speaker: ParticipantId | None,
    removed: Iterable[pb.Removal] = (),
) -> pb.RoomSnapshot:
    """A room as it is now."""
    return pb.RoomSnapshot(participants=participants, active_speaker=active_speaker, removed=removed)
