"""What can go wrong in a call, by the hop where it does. The tree is drawn in the package's docstring."""


class CallError(Exception):
    """The message names the hop and what was tried."""


class SignalingUnreachable(CallError):
    """No connection to the URL, or it was lost."""


class Refused(CallError):
    """Signaling's answer was an error; `code` is the contract's."""

    def __init__(self, request: str, code: str, message: str) -> None:
        super().__init__(f"{request} was refused: {code}: {message}")
        self.code = code


class NoWay(CallError):
    """No connectivity check was answered, or TURN allocated nothing."""


class HandshakeFailed(CallError):
    """DTLS did not come to an end."""


class NoMedia(CallError):
    """What one sent did not reach the other."""
