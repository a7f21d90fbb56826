"""A person without a browser, to try a running system from where its users are.

One Caller joins a room over Socket.IO as the contract says, opens transports along a way that is chosen (UDP,
TCP, or a TURN relay), and sends or receives sound. What fails is told by the class of the error, which names
the hop:

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
from rotunda.caller.person import Person
from rotunda.caller.transport import CallerTransport
from rotunda.caller.ways import IceServer, Way, WayKind

__all__ = [
    "CallError",
    "CallReport",
    "CallerTransport",
    "HandshakeFailed",
    "IceServer",
    "NoMedia",
    "NoWay",
    "Person",
    "Refused",
    "SignalingUnreachable",
    "Way",
    "WayKind",
    "call",
]
