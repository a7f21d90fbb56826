"""How much one client may ask, and how fast."""

from rotunda_base.rates import Rate

MAX_REQUEST_BYTES = 64 * 1024
"""One request, its name included, as JSON."""
MAX_FRAME_BYTES = 1_000_000
"""One frame; a larger one ends the connection."""
MAX_BODY_SECONDS = 10.0
"""How long the body of an HTTP request may take to arrive."""
MAX_WAITING_REQUESTS = 2_000
"""Requests of one socket that wait for their turn."""
MAX_WAITING_BYTES = 4 * 1024 * 1024
"""Together, as they came."""
MAX_UNREAD_BYTES = 4 * 1024 * 1024
"""What waits for a client to read it; a client further behind is disconnected."""
MAX_UNREAD_MESSAGES = 10_000
"""The same in messages, each of which takes a little besides its text."""
BETWEEN_YIELDS = 32
"""Packets of one client after which others have their turn."""
CONNECT_SECONDS = 20.0
"""From a connection's first packet to that with which it connects to Socket.IO."""


REQUEST_RATE = Rate(burst=2_000, per_second=200.0)
"""Enough to subscribe to 500 cameras and microphones in one go and resume them."""
CHAT_RATE = Rate(burst=200, per_second=10.0)
"""Of one socket, and of one seat over all of them."""
ROOM_CHAT_RATE = Rate(burst=500, per_second=50.0)
"""Of all people of a room together: each message goes to every one of them."""
REACTION_RATE = Rate(burst=20, per_second=2.0)
"""Of one participant."""
ROOM_REACTION_RATE = Rate(burst=100, per_second=20.0)
"""Of all people of a room together. One clap of each of 500 people would be 250,000 messages."""
ATTRIBUTES_RATE = Rate(burst=50, per_second=5.0)
"""Changes of one participant's attributes."""
ROOM_ATTRIBUTES_RATE = Rate(burst=500, per_second=50.0)
"""Of all people of a room together: everybody may raise a hand at once."""
SOCKET_JOIN_RATE = Rate(burst=50, per_second=1.0)
"""Of one socket, which may leave and join again."""
IDENTITY_JOIN_RATE = Rate(burst=50, per_second=2.0)
"""Of all tokens with one identity: a person with some devices, whose network fails again and again."""
ADDRESS_JOIN_RATE = Rate(burst=1_000, per_second=100.0)
"""Of guests who come from one address, behind which may be a whole office that comes back at once."""

ROOM_MAKING_RATE = Rate(burst=100, per_second=0.2)
"""Of rooms that guests of one address make by joining: with the usual time to live some 200 empty ones at a
time, a fiftieth of the rooms that there may be."""
