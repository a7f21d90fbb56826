"""Placement: which media node a room goes to. A pure function of the room, the nodes, their loads and a
seed."""

from rotunda_operator.placement.reservation import Reservations
from rotunda_operator.placement.select import place
from rotunda_operator.placement.strategy import LeastLoaded, Strategy
from rotunda_operator.placement.types import (
    Candidate,
    Placed,
    Rejection,
    RoomRequest,
    Shares,
    Unplaceable,
    consumers_of,
)

__all__ = [
    "Candidate",
    "LeastLoaded",
    "Placed",
    "Rejection",
    "Reservations",
    "RoomRequest",
    "Shares",
    "Strategy",
    "Unplaceable",
    "consumers_of",
    "place",
]
