"""A participant without a browser: to try a running system from where its users are, and to load one.

It is the one client of this repository that is not a web page: `rotunda check-call`, `rotunda doctor`, the
stories in tests/ and the benchmarks use it. Its layers, each of which knows only those below it:

    call          a call of two, told in one report
    participant   joins, resumes by its seat, publishes, consumes, opens data channels
    publication, consumer, data   what is sent, what is received, and messages
    transport     one WebRTC transport: which may change its way while it is in use
    ice, dtls     which way datagrams take; keys, by aiortc's parts
    ways, checks  UDP, TCP or a TURN relay; connectivity checks
    connection, signaling_socket   requests with their answers, events; Socket.IO on a WebSocket

Sources of media are `sound` and `picture`; whoever has packets of its own gives them to `Transport.send_rtp`.
What fails is told by the class of the error, which names the hop:

    CallError
    ├── SignalingUnreachable   no connection to the URL, or it was lost
    ├── Refused                signaling's answer was an error; `code` is the contract's
    ├── NoWay                  no connectivity check was answered, or TURN allocated nothing
    ├── HandshakeFailed        DTLS did not come to an end
    └── NoMedia                what one sent did not reach the other
"""

from rotunda.caller.call import CallReport, PictureReport, call
from rotunda.caller.connection import Connection
from rotunda.caller.consumer import Consumer
from rotunda.caller.data import DataChannel
from rotunda.caller.errors import (
    CallError,
    HandshakeFailed,
    NoMedia,
    NoWay,
    Refused,
    SignalingUnreachable,
)
from rotunda.caller.participant import Participant
from rotunda.caller.patience import Patience
from rotunda.caller.picture import NumberedPicture, PictureDecoder
from rotunda.caller.publication import Publication, Source
from rotunda.caller.sound import NumberedSilence
from rotunda.caller.trace import PacketTrace
from rotunda.caller.transport import Transport
from rotunda.caller.ways import IceServer, Way, WayKind

__all__ = [
    "CallError",
    "CallReport",
    "Connection",
    "Consumer",
    "DataChannel",
    "HandshakeFailed",
    "IceServer",
    "NoMedia",
    "NoWay",
    "NumberedPicture",
    "NumberedSilence",
    "PacketTrace",
    "Participant",
    "Patience",
    "PictureDecoder",
    "PictureReport",
    "Publication",
    "Refused",
    "SignalingUnreachable",
    "Source",
    "Transport",
    "Way",
    "WayKind",
    "call",
]
