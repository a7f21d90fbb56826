"""A client's end of a connection, as the service sees it."""

from functools import cached_property
from typing import Protocol

from pydantic_core import to_json

from rotunda_contract.rtp import ContractModel
from rotunda_contract.signaling import EVENTS


class Event:
    """One message to one or many clients; its JSON is made once, however many get it."""

    def __init__(self, name: str, body: ContractModel) -> None:
        assert isinstance(body, EVENTS[name]), f"{name} takes {EVENTS[name].__name__}"
        self.name = name
        self.body = body

    @cached_property
    def text(self) -> str:
        """`2["name",{…}]`, which is how Socket.IO spells an event. All recipients share it."""
        return f"2{to_json([self.name, self.body.to_json()]).decode()}"

    def __repr__(self) -> str:
        return f"Event({self.text})"


class Client(Protocol):
    """Whoever is at the other end. Neither method waits or raises; a gone client ignores both."""

    def send(self, event: Event) -> None:
        """Puts the event behind all that was sent before."""

    def disconnect(self) -> None:
        """Ends the connection once everything sent before is out."""
