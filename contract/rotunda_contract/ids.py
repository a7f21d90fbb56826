"""Names of things that cross a process boundary: opaque strings, distinct types.

Nobody may read meaning into an id; whoever owns the thing draws it at random.
"""

from typing import NewType

RoomName = NewType("RoomName", str)
"""A DNS label (RFC 1123): what stands in the join URL."""

ProcessId = NewType("ProcessId", str)
"""One run of one media process: in a cluster its pod UID."""

WatcherId = NewType("WatcherId", str)
"""One signaling process's stream of a room's events."""

ConnectionId = NewType("ConnectionId", str)
"""One client's connection, unique over all signaling processes."""

ParticipantId = NewType("ParticipantId", str)
TransportId = NewType("TransportId", str)
ProducerId = NewType("ProducerId", str)
ConsumerId = NewType("ConsumerId", str)
DataProducerId = NewType("DataProducerId", str)
DataConsumerId = NewType("DataConsumerId", str)

SeatToken = NewType("SeatToken", str)
"""Whoever shows it resumes the seat: a secret of 128 random bits."""
