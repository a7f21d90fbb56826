"""`rotunda doctor`: the examination as a command."""

import argparse
import asyncio
import json
import os
import ssl
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rotunda_base.exit_status import FAILED, MISUSED

TOKEN_VARIABLE = "ROTUNDA_TOKEN"
_DESCRIPTION = """\
Check a running system from here, as a client would: name, TLS, health, clock, token, join, media over UDP,
TCP and TURN, and a call of two. One line a step; what fails is followed by what to do."""
_EPILOG = """\
Exit status: 0 where nothing failed, 1 where something did, 2 where an option is wrong.
URL may be a whole link, such as https://meet.example.org/r/standup#token=… (in quotes).
docs/doctor.md explains every step."""


def add_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """`doctor` and its options."""
    command = commands.add_parser(
        "doctor",
        help="check a running system hop by hop, and say what to do",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = command.add_argument
    add("url", metavar="URL", help="where people open the app, or the link they were sent")
    add("--room", default="", help="default: the link's or the token's, else one made for this")
    add("--token", default="", help=f"a join token; default: the link's, or {TOKEN_VARIABLE}")
    add("--ca", type=Path, metavar="FILE", help="PEM of the authority behind the certificates")
    add("--insecure", action="store_true", help="take any certificate")
    add("--json", action="store_true", help="print one JSON object when all is done")
    command.set_defaults(run=run)


def run(options: Mapping[str, Any]) -> int:
    """Prints the report; the answer is the exit status."""
    # Late: what it needs takes a second to import.
    from rotunda.check_call import tls_context
    from rotunda.doctor.examine import examine
    from rotunda.doctor.findings import Finding, as_text
    from rotunda.doctor.patient import Patient, PatientError

    def tell(finding: Finding) -> None:
        if not options["json"]:
            print(as_text(finding), flush=True)

    try:
        context: ssl.SSLContext | None = None
        if options["ca"] is not None or options["insecure"]:
            context = tls_context(options["ca"], options["insecure"])
        patient = Patient.parse(
            options["url"],
            room=options["room"],
            token=options["token"],
            context=context,
        ).with_token(os.environ.get(TOKEN_VARIABLE, ""))
    except (PatientError, OSError) as error:
        print(f"rotunda: {error}", file=sys.stderr)
        return MISUSED
    report = asyncio.run(examine(patient, tell))
    if options["json"]:
        print(json.dumps(report.to_json(), indent=2, ensure_ascii=False))
    else:
        print(f"\n{report.url}, room {report.room}: {report.summary()}")
    return 0 if report.healthy else FAILED
