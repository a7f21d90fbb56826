"""A person without a browser: to try a running system from where its users are, and as a load for tests.

One Caller joins a room over Socket.IO as the contract says, or comes back to its seat, opens transports along
a way that is chosen (UDP, TCP, or a TURN relay), and sends and receives sound and pictures. What fails is
told by the class of the error, which names the hop:

    CallError
    ├── SignalingUnreachable   no connection to the URL, or it was lost
    ├── Refused                signaling's answer was an error; `code` is the contract's
    ├── NoWay                  no connectivity check was answered, or TURN allocated nothing
    ├── HandshakeFailed        DTLS did not come to an end
    └── NoMedia                what one sent did not reach the other
"""

from rotunda.caller.call import CallReport, call
from rotunda.caller.errors import (
    CallError,
    HandshakeFailed,
    NoMedia,
    NoWay,
    Refused,
    SignalingUnreachable,
)
from rotunda.caller.patience import Patience
from rotunda.caller.person import Person
from rotunda.caller.transport import CallerTransport, OnPacket
from rotunda.caller.ways import IceServer, Way, WayKind

__all__ = [
    "CallError",
    "CallReport",
    "CallerTransport",
    "HandshakeFailed",
    "IceServer",
    "NoMedia",
    "NoWay",
    "OnPacket",
    "Patience",
    "Person",
    "Refused",
    "SignalingUnreachable",
    "Way",
    "WayKind",
    "call",
]
