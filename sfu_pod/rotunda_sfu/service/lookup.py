"""From what a request names to what the node has."""

from rotunda_contract.errors import BadRequest
from rotunda_contract.ids import ProcessId, RoomName
from rotunda_contract.pb import media_node_pb2 as pb
from rotunda_sfu.node import Assignment, Node
from rotunda_sfu.participant import Participant
from rotunda_sfu.room import Room


def assignment(key: pb.RoomKey) -> Assignment:
    """Raises BadRequest for a key without a room."""
    if not key.room:
        raise BadRequest("must name a room", field="roomKey.room")
    return Assignment(RoomName(key.room), key.epoch, ProcessId(key.process_id))


def room(node: Node, key: pb.RoomKey) -> Room:
    """The room of exactly this assignment. Raises a StaleAssignment where there is none."""
    return node.room(assignment(key))


def participant(node: Node, actor: pb.Actor) -> Participant:
    """Whose action it is. Raises NotFound besides."""
    return room(node, actor.room_key).participant(actor.participant_id)
