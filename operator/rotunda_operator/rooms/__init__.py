"""What becomes of a Room."""

from rotunda_operator.rooms.decide import RoomDecision, RoomView, decide

__all__ = ["RoomDecision", "RoomView", "decide"]
