"""The command line. Options win over environment variables, those over defaults."""

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rotunda import check_call, token
from rotunda.doctor import command as doctor
from rotunda.variables import strangers
from rotunda_base.exit_status import CANNOT_LISTEN, FAILED, MISUSED
from rotunda_sfu import settings as sfu
from rotunda_signaling import settings as signaling
from rotunda_signaling.version import package_version

_DESCRIPTION = "Video rooms with an SFU of their own."
_SERVE = """\
Serve rooms on this machine: one process with the web app, signaling and a media node.
Browsers give a page the camera on localhost and over HTTPS only: put a proxy with TLS in front
when people come from other machines."""
_SFU = """\
Serve rooms that signaling opens over gRPC: a media node by itself, as its pod in a cluster runs it.
Where gRPC and health checks are served and load is reported to, environment variables say."""
_OPERATOR = """\
Place Rooms on media nodes and make what a MediaCluster asks for: in a cluster as a pod, else with
the credentials of a kubeconfig. Load reports arrive on 127.0.0.1:4317 unless a variable says else."""
_SIGNALING = """\
Serve people who join the Rooms of a Kubernetes namespace: one signaling process, as its pod runs it.
Which namespace and MediaCluster, environment variables say."""
_EPILOG = """\
Every option has an environment variable, and there are more of those: see docs/settings.md.
SIGINT (Ctrl-C) and SIGTERM stop the server cleanly; a second one stops it at once."""


@dataclass(frozen=True, slots=True)
class _Option:
    """One option of a command, and the setting that it sets."""

    flag: str
    placeholder: str
    text: str
    variable: str
    default: str
    setting: str
    of_media: bool = False


_OPTIONS = (
    _Option("--host", "ADDRESS", "address that HTTP listens on", "ROTUNDA_HOST or HOST", "127.0.0.1", "host"),
    _Option("--port", "PORT", "port of HTTP; 0: the system chooses", "ROTUNDA_PORT or PORT", "8080", "port"),
    _Option(
        "--media-address",
        "ADDRESSES",
        "addresses that media arrives at, separated by commas",
        "ROTUNDA_SFU_LISTEN_ADDRESSES",
        "all of this machine and loopback",
        "listen_addresses",
        of_media=True,
    ),
    _Option(
        "--media-port",
        "PORT",
        "UDP port of the first media worker, the next has the next; 0: the system chooses",
        "ROTUNDA_SFU_MEDIA_PORT",
        "40000",
        "media_port",
        of_media=True,
    ),
    _Option(
        "--announce",
        "ADDRESS",
        "address that clients are told instead, behind a NAT",
        "ROTUNDA_SFU_ANNOUNCED_ADDRESS",
        "the addresses themselves",
        "announced_address",
        of_media=True,
    ),
    _Option(
        "--workers",
        "NUMBER",
        "media threads",
        "ROTUNDA_SFU_WORKERS",
        "one for each core",
        "workers",
        of_media=True,
    ),
    _Option(
        "--web-root",
        "DIRECTORY",
        "the built web app",
        "ROTUNDA_WEB_ROOT",
        "web/dist of the checkout",
        "web_root",
    ),
    _Option(
        "--log-level", "LEVEL", "debug, info, warning or error", "ROTUNDA_LOG_LEVEL", "info", "log_level"
    ),
    _Option(
        "--log-format",
        "FORMAT",
        "json, console, or auto: console on a terminal",
        "ROTUNDA_LOG_FORMAT",
        "auto",
        "log_format",
    ),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; the answer is the exit status."""
    options = _parser().parse_args(arguments)
    if options.command == "version":
        print(f"rotunda {package_version()}")
        return 0
    if options.command == "check-call":
        return check_call.run(vars(options))
    if options.command == "doctor":
        return doctor.run(vars(options))
    if options.command == "token":
        return token.run(vars(options))
    if options.command == "update-crds":
        return _update_crds(options.directory, Path(options.kubeconfig) if options.kubeconfig else None)
    for sentence in strangers(os.environ):
        print(f"rotunda: {sentence}", file=sys.stderr)
    if options.command == "operator":
        return _operator(vars(options))
    if options.command == "signaling":
        return _signaling(vars(options))
    return _sfu(vars(options)) if options.command == "sfu" else _serve(vars(options))


def _signaling(options: dict[str, Any]) -> int:
    try:
        settings = _with_web_app(signaling.load_settings(**_given(options, of_media=False)))
        signaling.check_for_many_processes(settings)
    except signaling.SettingsError as error:
        return _complain(error, MISUSED)
    from rotunda.signaling import run  # late, as below
    from rotunda_kube import KubeError

    try:
        return run(settings)
    except (OSError, KubeError) as error:
        return _complain(error, FAILED)


def _operator(options: dict[str, Any]) -> int:
    # Late: neither a laptop nor a media node needs what the operator needs.
    from rotunda_operator import settings as operator
    from rotunda_operator.app import main as run

    given = {name: options[name] for name in ("kubeconfig", "namespace") if options[name]}
    try:
        return run(operator.load_settings(**given))
    except operator.SettingsError as error:
        return _complain(error, MISUSED)


def _update_crds(directory: Path, kubeconfig: Path | None) -> int:
    from rotunda_kube import KubeError
    from rotunda_operator.update_crds import run  # late, as above

    try:
        run(directory, kubeconfig)
    except (OSError, KubeError) as error:
        return _complain(error, FAILED)
    return 0


def _sfu(options: dict[str, Any]) -> int:
    try:
        logs = signaling.load_settings(**_given(options, of_media=False))
        settings = sfu.load_settings(**_given(options, of_media=True))
    except (signaling.SettingsError, sfu.SettingsError) as error:
        return _complain(error, MISUSED)
    from rotunda.sfu import run  # late, as below

    try:
        return run(settings, logs.log_level, logs.log_format)
    except OSError as error:
        return _complain(error, CANNOT_LISTEN)


def _serve(options: dict[str, Any]) -> int:
    try:
        settings = _with_web_app(signaling.load_settings(**_given(options, of_media=False)))
        node_settings = sfu.load_settings(**_given(options, of_media=True))
    except (signaling.SettingsError, sfu.SettingsError) as error:
        return _complain(error, MISUSED)
    return _run(settings, node_settings)


def _run(settings: signaling.SignalingSettings, node_settings: sfu.NodeSettings) -> int:
    # Imported late: everything that serving needs takes a second, and help needs none of it.
    from rotunda.serve import run
    from rotunda_signaling.http.certificate import CertificateError
    from rotunda_signaling.http.server import ListenError
    from rotunda_signaling.store.rooms import NoRooms

    try:
        return run(settings, node_settings)
    except (ListenError, CertificateError, NoRooms) as error:
        return _complain(error, FAILED)
    except OSError as error:
        hint = "--media-address and --media-port choose where media arrives"
        return _complain(OSError(f"{error} ({hint})"), FAILED)


def _complain(error: Exception, status: int) -> int:
    print(f"rotunda: {error}", file=sys.stderr)
    return status


def _given(options: dict[str, Any], *, of_media: bool) -> dict[str, Any]:
    chosen = {
        option.setting: options.get(option.setting) for option in _OPTIONS if option.of_media is of_media
    }
    return {
        setting: value for setting, value in chosen.items() if value
    }  # empty is not given, as in variables


def _with_web_app(settings: signaling.SignalingSettings) -> signaling.SignalingSettings:
    if settings.web_root is None and (root := _checkout_web_root()) is not None:
        return settings.model_copy(update={"web_root": root})
    return settings


def _checkout_web_root() -> Path | None:
    root = Path(__file__).resolve().parent.parent / "web" / "dist"
    return root if (root / "index.html").is_file() else None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="rotunda", description=_DESCRIPTION)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    _add_command(commands, "serve", "serve rooms on this machine", _SERVE, _OPTIONS)
    own = [option for option in _OPTIONS if option.of_media or option.setting.startswith("log_")]
    joint = [option for option in _OPTIONS if not option.of_media]
    _add_command(commands, "signaling", "run signaling for a cluster's rooms", _SIGNALING, joint)
    _add_command(commands, "sfu", "run a media node by itself", _SFU, own)
    operator = commands.add_parser(
        "operator",
        help="look after the Rooms, MediaNodes and MediaClusters of a Kubernetes namespace",
        description=_OPERATOR,
        epilog=_EPILOG,
        formatter_class=_Formatter,
    )
    operator.add_argument("--kubeconfig", metavar="FILE", help="by default as kubectl finds it")
    operator.add_argument("--namespace", metavar="NAME", help="default: the pod's own, else default")
    update = commands.add_parser("update-crds", help="bring the custom resource definitions up to date")
    update.add_argument("directory", type=Path, metavar="DIRECTORY", help="with their manifests, *.yaml")
    update.add_argument("--kubeconfig", metavar="FILE", help="by default as kubectl finds it")
    check_call.add_command(commands)
    doctor.add_command(commands)
    token.add_command(commands)
    commands.add_parser("version", help="say which version this is")
    return parser


def _add_command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    help: str,
    description: str,
    options: Sequence[_Option],
) -> None:
    command = commands.add_parser(
        name, help=help, description=description, epilog=_EPILOG, formatter_class=_Formatter
    )
    for option in options:
        command.add_argument(
            option.flag,
            dest=option.setting,
            metavar=option.placeholder,
            help=f"{option.text}\n  {option.variable}; default: {option.default}",
        )


class _Formatter(argparse.RawTextHelpFormatter):
    """Keeps line breaks, and gives the options' column room."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=30, width=100)
