"""API keys: shared secrets with names. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

MIN_SECRET_BYTES = 32
"""As many as the hash has (RFC 7518 section 3.2)."""
MAX_SECRET_BYTES = 4096
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_ASYMMETRIC = (b"-----BEGIN", b"ssh-", b"ecdsa-sha2-")


class KeyProblem(ValueError):
    """A key cannot be used; the message names it and says what is accepted, never its secret."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """`id` stands in the header of every token that it signed, as `kid`."""

    id: str
    secret: bytes = field(repr=False)


class KeyRing:
    """Keys by id. The first is the one that this server signs with."""

    def __init__(self, keys: Iterable[ApiKey] = ()) -> None:
        self._keys = {key.id: key for key in keys}

    def __bool__(self) -> bool:
        return bool(self._keys)

    def __iter__(self) -> Iterator[ApiKey]:
        return iter(self._keys.values())

    def find(self, id: str) -> ApiKey | None:
        return self._keys.get(id)

    @property
    def first(self) -> ApiKey:
        """Raises StopIteration where there are none."""
        return next(iter(self))

    def updated(self, keys: Iterable[ApiKey]) -> "KeyRing":
        """These keys and no others. Those known longest come first, because other processes that read
        the same keys a little later know them too; new ones follow by name."""
        now = {key.id: key for key in keys}
        kept = [key for key in self if now.get(key.id) == key]
        added = sorted((key for key in now.values() if key not in kept), key=lambda key: key.id)
        return KeyRing((*kept, *added))


def parse_key(id: str, content: bytes) -> ApiKey:
    """A key from a file's name and content; line ends after the secret do not count. Raises KeyProblem."""
    if not _ID.fullmatch(id):
        raise KeyProblem(
            f"API key {id[:80]!r}: an id is 1 to 63 letters, digits, '.', '_' and '-', "
            "and begins with a letter or a digit"
        )
    secret = content.rstrip(b"\r\n")
    if secret.lstrip().startswith(_ASYMMETRIC):
        raise KeyProblem(
            f"API key {id!r} is a public or private key; a shared secret is wanted, such as the output "
            "of `openssl rand -base64 48`"
        )
    if not MIN_SECRET_BYTES <= len(secret) <= MAX_SECRET_BYTES:
        raise KeyProblem(
            f"API key {id!r} has {len(secret)} bytes, but needs {MIN_SECRET_BYTES} to {MAX_SECRET_BYTES}: "
            "`openssl rand -base64 48` makes a good one"
        )
    return ApiKey(id, secret)


def parse_keys(files: Mapping[str, bytes]) -> tuple[list[ApiKey], list[KeyProblem]]:
    """The keys by name, and what is wrong with the others."""
    keys: list[ApiKey] = []
    problems: list[KeyProblem] = []
    for id in sorted(files):
        try:
            keys.append(parse_key(id, files[id]))
        except KeyProblem as problem:
            problems.append(problem)
    return keys, problems
