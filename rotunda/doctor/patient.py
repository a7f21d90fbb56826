"""What is examined: the URL that people open, or the very link they were sent."""

import ipaddress
import secrets
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from urllib.parse import parse_qs, urlsplit

_PORTS = {"http": 80, "https": 443}


class PatientError(ValueError):
    """What was given is no address of a system; the message says what is accepted."""


@dataclass(frozen=True, slots=True)
class Patient:
    """`context` checks certificates; None: the system's authorities do. `clock`: seconds since 1970 here."""

    scheme: str
    host: str
    port: int
    room: str
    token: str = ""
    context: ssl.SSLContext | None = None
    clock: Callable[[], float] = time.time
    careful: "Patient | None" = None
    """As it was before it came to trust anybody."""

    @classmethod
    def parse(
        cls, url: str, *, room: str = "", token: str = "", context: ssl.SSLContext | None = None
    ) -> "Patient":
        """`url` may be a whole link, whose room and token count where none are given. Raises PatientError."""
        parts = urlsplit(url)
        try:
            port = parts.port
        except ValueError:
            raise PatientError(f"{url!r} has a port that is none: give 1 to 65535") from None
        if parts.scheme not in _PORTS or not parts.hostname:
            raise PatientError(f"{url!r} is no URL of a system: give such as https://meet.example.org")
        where = parts.path.strip("/")
        if where and not where.startswith("r/"):
            raise PatientError(
                f"{url!r}: Rotunda serves at the root of a host: give https://{parts.netloc}, or a room's "
                "link such as https://meet.example.org/r/standup"
            )
        told = parse_qs(parts.fragment).get("token", [""])[0]
        return cls(
            scheme=parts.scheme,
            host=parts.hostname,
            port=port or _PORTS[parts.scheme],
            room=room or where.removeprefix("r/"),
            token=token or told,
            context=context,
        )

    def in_room(self, room: str) -> "Patient":
        """Whoever is given none takes a room of its own, which joining makes."""
        return replace(self, room=room or f"doctor-{secrets.token_hex(4)}")

    def with_token(self, token: str) -> "Patient":
        """Where none was given."""
        return self if self.token else replace(self, token=token)

    @property
    def origin(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        default = self.port == _PORTS[self.scheme]
        return f"{self.scheme}://{host}" + ("" if default else f":{self.port}")

    @property
    def is_secure(self) -> bool:
        return self.scheme == "https"

    @property
    def tls(self) -> ssl.SSLContext:
        return self.context if self.context is not None else ssl.create_default_context()

    def trusting_anybody(self) -> "Patient":
        """For what may be looked at although the certificate is wrong."""
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return replace(self, context=context, careful=self)

    @property
    def turn_tls(self) -> ssl.SSLContext | None:
        """TURN servers have certificates of their own, which are checked all the same."""
        return self.careful.context if self.careful is not None else self.context


def is_loopback(address: str) -> bool:
    return ipaddress.ip_address(address).is_loopback
