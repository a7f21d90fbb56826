"""Placing Rooms on media nodes, and reconciling their status."""

from rotunda_operator.rooms.decide import RoomDecision, RoomView, decide

__all__ = ["RoomDecision", "RoomView", "decide"]
