"""API keys from a directory, such as a mounted Secret: a file is named after its key and holds its secret."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import structlog

from rotunda_signaling.auth.keys import MAX_SECRET_BYTES, KeyProblem, KeyRing, parse_keys

LOOK_SECONDS = 2.0
"""How old an answer may be: a key that was taken away signs for so long at most."""

_log = structlog.get_logger(__name__)

_Stamp = tuple[tuple[str, int, int, int], ...]


class KeySource(Protocol):
    """Where keys come from. `configured`: there should be some, even while there are none."""

    @property
    def configured(self) -> bool: ...

    def ring(self) -> KeyRing:
        """Those that count now; empty where there are none."""


class FixedKeys:
    """Implements KeySource with keys that never change."""

    def __init__(self, keys: KeyRing | None = None) -> None:
        self._keys = keys or KeyRing()

    @property
    def configured(self) -> bool:
        return bool(self._keys)

    def ring(self) -> KeyRing:
        return self._keys


class KeyDirectory:
    """Implements KeySource. Reads the directory again when it has changed, looking when it is asked.

    Making one raises KeyProblem where a key is wrong or there is none. Later a wrong key is left out and
    logged, and the others count: whoever takes a key away must be able to rely on it.
    """

    def __init__(self, directory: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._directory = directory
        self._clock = clock
        self._stamp = self._look()
        found, problems = parse_keys(self._read())
        if problems:
            raise problems[0]
        if not found:
            raise KeyProblem(f"{directory} has no API keys: put a file into it whose name is the key's id")
        self._keys = KeyRing().updated(found)
        self._looked = clock()

    @property
    def configured(self) -> bool:
        return True

    def ring(self) -> KeyRing:
        now = self._clock()
        if now - self._looked >= LOOK_SECONDS:
            self._looked = now
            self._refresh()
        return self._keys

    def _refresh(self) -> None:
        try:
            stamp = self._look()
            if stamp == self._stamp:
                return
            found, problems = parse_keys(self._read())
        except KeyProblem as error:
            _log.error("the API keys could not be read again; the known ones count", error=str(error))
            return
        for problem in problems:
            _log.error("an API key is left out", error=str(problem))
        self._stamp = stamp
        self._keys = self._keys.updated(found)
        _log.info("API keys read again", keys=[key.id for key in self._keys])

    def _files(self) -> list[Path]:
        """A mounted Secret has hidden entries of its own beside the keys."""
        try:
            visible = (path for path in self._directory.iterdir() if not path.name.startswith("."))
            return sorted(path for path in visible if path.is_file())
        except OSError as error:
            raise KeyProblem(f"{self._directory} cannot be read: {error.strerror}") from None

    def _look(self) -> _Stamp:
        try:
            found = [(path.name, path.stat()) for path in self._files()]
        except OSError as error:  # changed while it was read: the next call reads it again
            raise KeyProblem(f"{self._directory} cannot be read: {error.strerror}") from None
        return tuple((name, stat.st_mtime_ns, stat.st_size, stat.st_ino) for name, stat in found)

    def _read(self) -> dict[str, bytes]:
        contents: dict[str, bytes] = {}
        for path in self._files():
            try:
                with path.open("rb") as file:
                    contents[path.name] = file.read(MAX_SECRET_BYTES + 3)
            except OSError as error:
                raise KeyProblem(f"API key {path.name!r} cannot be read: {error.strerror}") from None
        return contents
