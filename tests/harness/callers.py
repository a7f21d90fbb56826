"""People without browsers for tests and benches: `rotunda.caller`'s, on this machine and patient with it."""

from rotunda.caller import CallerTransport, OnPacket, Patience, Person

PATIENCE = Patience(connect=60.0, answer=300.0, check=60.0, handshake=60.0)
LOOPBACK = "127.0.0.1"


async def enter(url: str, room: str, name: str) -> Person:
    """Connects and joins. Raises CallError; Refused with the code of what stood in the way."""
    return await Person.enter(url, room, name, patience=PATIENCE)


async def open_transport(
    person: Person, direction: str, on_packet: OnPacket | None = None
) -> CallerTransport:
    """A transport over loopback with ICE and DTLS done."""
    return await person.transport(direction, on_packet=on_packet, host=LOOPBACK)
