"""Participants without browsers for tests and benches: `rotunda.caller`'s, patient with a busy machine."""

from rotunda.caller import Participant, Patience

PATIENCE = Patience(connect=60.0, answer=300.0, check=60.0, handshake=60.0)


async def enter(url: str, room: str, name: str) -> Participant:
    """Connects and joins. Raises CallError; Refused with the code of what stood in the way."""
    return await Participant.enter(url, room, name, patience=PATIENCE)
