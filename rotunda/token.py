"""`rotunda token`: signs tokens on the machine of whoever has an API key. No server is asked."""

import argparse
import os
import re
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import TypeAdapter, ValidationError

from rotunda_contract.kinds import KINDS
from rotunda_contract.signaling.common import RoomLabel
from rotunda_signaling.auth.grants import GRANTS, GUEST_GRANTS, parse_grants
from rotunda_signaling.auth.keys import ApiKey, KeyProblem, parse_key

KEYS_DIRECTORY = "ROTUNDA_API_KEYS_DIRECTORY"
MAX_TTL = 366 * 24 * 3600
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}
_DESCRIPTION = """\
Print a token that lets one person into one room, or with --url the whole link that does.
The key is one that the server has too (ROTUNDA_API_KEYS_DIRECTORY there). No server is asked."""
_EPILOG = """\
  rotunda token --room standup --identity ada --name Ada --key-file keys/backend \\
      --url https://meet.example.org
  rotunda token --room standup --identity mo --grant publish subscribe chat moderate --ttl 8h …
  curl -H "Authorization: Bearer $(rotunda token --api --key-file keys/backend)" …/api/v1/rooms

docs/auth.md tells what a token says and when it is refused."""


class TokenError(ValueError):
    """What was asked for makes no token; the message names what is wrong and what is accepted."""


def add_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """`token` and its options."""
    command = commands.add_parser(
        "token",
        help="print a token for one person and one room",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = command.add_argument
    add("--room", metavar="NAME", help="the room it opens")
    add("--identity", metavar="ID", help="who it is for, as your own users are called")
    add("--kind", choices=list(KINDS), help="what joins by it; default: person (docs/auth.md tells the rest)")
    add("--name", metavar="NAME", help="what the others see; without it the person says")
    add(
        "--grant",
        metavar="GRANT",
        action="extend",
        nargs="+",
        help=f"of {', '.join(GRANTS)}; a person's default: {' '.join(GUEST_GRANTS)}",
    )
    add(
        "--ttl", metavar="TIME", help="how long it opens the room: 3600, 90m, 8h, 7d; default: 1h (--api: 5m)"
    )
    add("--url", metavar="URL", help="print the link to join with, on this server")
    add("--api", action="store_true", help="print a token for the rooms API instead; lives 1h at most")
    add("--key-file", metavar="FILE", help="the key's secret; - reads it from standard input")
    add("--key-id", metavar="ID", help="the key's id; default: the file's name")
    add("--keys", metavar="DIRECTORY", help=f"a directory of keys instead; default: {KEYS_DIRECTORY}")
    command.set_defaults(run=run)


def run(options: Mapping[str, Any]) -> int:
    """Prints the token; the answer is the exit status."""
    try:
        print(make(options, os.environ, time.time()))
    except (TokenError, KeyProblem) as error:
        print(f"rotunda: {error}", file=sys.stderr)
        return 2
    return 0


def make(options: Mapping[str, Any], environment: Mapping[str, str], now: float) -> str:
    """The token, or the link with it. Raises TokenError or KeyProblem."""
    # Late: other images than signaling's have no JWT library.
    from rotunda_signaling.auth.tokens import sign_api, sign_join

    key = _key(options, environment)
    try:
        if options["api"]:
            _refuse(options, ("room", "identity", "kind", "name", "grant", "url"), "goes with --api")
            return sign_api(key, now=now, ttl=_ttl(options["ttl"] or "5m"))
        room = _room(options["room"])
        origin = _origin(options["url"]) if options["url"] else None
        if not options["identity"]:
            raise TokenError("--identity is missing: say whom the token is for, such as --identity ada")
        token = sign_join(
            key,
            room=room,
            identity=options["identity"],
            name=options["name"],
            kind=options["kind"] or "person",
            grants=_grants(options["grant"]),
            now=now,
            ttl=_ttl(options["ttl"] or "1h"),
        )
    except ValueError as error:
        raise error if isinstance(error, TokenError | KeyProblem) else TokenError(str(error)) from None
    return f"{origin}/r/{room}#token={token}" if origin else token


def _refuse(options: Mapping[str, Any], names: Sequence[str], where: str) -> None:
    for name in names:
        if options[name]:
            raise TokenError(f"--{name} {where} not: an API token is for no room and nobody in particular")


def _key(options: Mapping[str, Any], environment: Mapping[str, str]) -> ApiKey:
    if options["key_file"]:
        return _key_of_file(options["key_file"], options["key_id"])
    directory = options["keys"] or environment.get(KEYS_DIRECTORY)
    if not directory:
        raise TokenError(f"no key: give --key-file, or a directory of keys by --keys or {KEYS_DIRECTORY}")
    try:
        ids = sorted(path.name for path in Path(directory).iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise TokenError(f"--keys: {directory} cannot be read: {error.strerror}") from None
    id = options["key_id"] or (ids[0] if len(ids) == 1 else None)
    if id is None or id not in ids:
        has = f"has {', '.join(ids)}" if ids else "has no keys"
        raise TokenError(f"--key-id: {directory} {has}; name one" + (f", not {id!r}" if id else ""))
    return _key_of_file(str(Path(directory) / id), id)


def _key_of_file(file: str, id: str | None) -> ApiKey:
    if file == "-" and not id:
        raise TokenError("--key-id is missing: a secret from standard input has no name")
    try:
        content = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise TokenError(f"--key-file: {file} cannot be read: {error.strerror}") from None
    return parse_key(id or Path(file).name, content)


def _room(room: str | None) -> str:
    if not room:
        raise TokenError("--room is missing: say which room the token opens, such as --room standup")
    try:
        return str(TypeAdapter(RoomLabel).validate_python(room))
    except ValidationError as error:
        raise TokenError(f"--room: {error.errors()[0]['msg']}, not {room!r}") from None


def _grants(words: Sequence[str] | None) -> Any:
    if words is None:
        return None
    try:
        return parse_grants([word for text in words for word in text.split(",") if word])
    except ValueError as error:
        raise TokenError(f"--grant: {error}") from None


def _ttl(text: str) -> float:
    found = re.fullmatch(r"([0-9]{1,9})([smhd]?)", text)
    seconds = int(found[1]) * _UNITS[found[2]] if found else 0
    if not 1 <= seconds <= MAX_TTL:
        raise TokenError(
            f"--ttl: {text!r} is no time from 1 s to 366 d: give seconds, or a number with s, m, h or d"
        )
    return seconds


def _origin(url: str) -> str:
    parts = urlsplit(url)
    plain = parts.path in ("", "/") and not parts.query and not parts.fragment
    if parts.scheme not in ("http", "https") or not parts.netloc or not plain:
        raise TokenError(f"--url: {url!r} is no server's address, such as https://meet.example.org")
    return f"{parts.scheme}://{parts.netloc}"
