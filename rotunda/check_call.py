"""`rotunda check-call`: a call of two through a running system, told in one line."""

import argparse
import asyncio
import os
import secrets
import ssl
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rotunda.caller.call import CallReport

WAYS = ("udp", "tcp", "relay")
TOKEN_VARIABLE = "ROTUNDA_TOKEN"
_DESCRIPTION = """\
Make a call through a running system: two people without browsers join a room, one sends sound and a
picture, and the other must receive both and decode the picture. The exit status tells whether it did; what
fails names the hop."""


def add_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = commands.add_parser(
        "check-call", help="make a call through a running system", description=_DESCRIPTION
    )
    command.add_argument(
        "url", metavar="URL", help="where people open the app, such as https://meet.example.org"
    )
    command.add_argument("--room", default="", help="default: a room of its own, made by joining it")
    command.add_argument("--way", default="udp", choices=WAYS, help="how media travels; default: udp")
    command.add_argument(
        "--packets", type=int, default=50, help="how many of the sound must arrive; default: 50, a second"
    )
    command.add_argument(
        "--video",
        default=True,
        action=argparse.BooleanOptionalAction,
        help="whether a picture is sent, too, where the room forwards VP8",
    )
    command.add_argument("--token", default="", help=f"a token for the room; default: {TOKEN_VARIABLE}")
    command.add_argument(
        "--ca", type=Path, metavar="FILE", help="PEM of the authority behind the certificate"
    )
    command.add_argument("--insecure", action="store_true", help="take any certificate")
    command.set_defaults(run=run)


def run(options: Mapping[str, Any]) -> int:
    """The exit status: 0 when sound and picture arrived."""
    from rotunda.caller.call import call  # not at the top: what it needs takes a second to import
    from rotunda.caller.errors import CallError

    room = options["room"] or f"check-{secrets.token_hex(4)}"
    try:
        context = tls_context(options["ca"], options["insecure"])
        report = asyncio.run(
            call(
                options["url"],
                room,
                kind=options["way"],
                packets=options["packets"],
                video=options["video"],
                token=options["token"] or os.environ.get(TOKEN_VARIABLE, ""),
                context=context,
            )
        )
    except (CallError, OSError) as error:
        print(f"rotunda: {error}", file=sys.stderr)
        return 1
    print(
        f"{report.received} of {report.sent} packets of sound{_pictures(report)} went through room {room}: "
        f"out by {report.ways[0]}, in by {report.ways[1]}; connected in {report.connect_seconds:.2f} s, "
        f"first packet after {report.first_packet_seconds:.2f} s"
    )
    if options["video"] and report.picture is None:
        print("no picture was sent: the room does not forward VP8")
    return 0


def _pictures(report: "CallReport") -> str:
    if (picture := report.picture) is None:
        return ""
    return f" and {picture.seen} of {picture.sent} pictures ({picture.width}×{picture.height})"


def tls_context(authority: Path | None, insecure: bool) -> ssl.SSLContext:
    """Raises OSError for a file that is none of certificates."""
    try:
        context = ssl.create_default_context(cafile=authority)
    except ssl.SSLError as error:
        raise OSError(f"--ca {authority} is no PEM file of certificates: {error}") from error
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
