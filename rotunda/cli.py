"""The command line. Options win over environment variables, those over defaults."""

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rotunda import check_call, token
from rotunda.doctor import command as doctor
from rotunda.options import add_options, read
from rotunda.variables import strangers
from rotunda_base.exit_status import CANNOT_LISTEN, FAILED, MISUSED
from rotunda_base.settings import LogSettings, Settings, SettingsError
from rotunda_operator.settings import OperatorSettings
from rotunda_sfu.settings import NodeSettings
from rotunda_signaling.settings import SignalingSettings, check_for_many_processes
from rotunda_signaling.version import package_version

Options = Mapping[str, Any]

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


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; the answer is the exit status."""
    options = vars(_parser().parse_args(arguments))
    run: Callable[[Options], int] = options["run"]
    return run(options)


def _server(run: Callable[[Options], int]) -> Callable[[Options], int]:
    """Of a command that serves: what is wrong with the environment is said before it begins."""

    def start(options: Options) -> int:
        for sentence in strangers(os.environ):
            print(f"rotunda: {sentence}", file=sys.stderr)
        try:
            return run(options)
        except SettingsError as error:
            return _complain(error, MISUSED)

    return start


# What a command needs is imported when it runs: that takes a second, and an image has only its own pod's
# libraries.


def _serve(options: Options) -> int:
    settings = _with_web_app(read(SignalingSettings, options))
    node_settings = read(NodeSettings, options)
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


def _signaling(options: Options) -> int:
    settings = check_for_many_processes(_with_web_app(read(SignalingSettings, options)))
    from rotunda.signaling import run
    from rotunda_kube import KubeError

    try:
        return run(settings)
    except (OSError, KubeError) as error:
        return _complain(error, FAILED)


def _sfu(options: Options) -> int:
    settings, logs = read(NodeSettings, options), read(LogSettings, options)
    from rotunda.sfu import run

    try:
        return run(settings, logs)
    except OSError as error:
        return _complain(error, CANNOT_LISTEN)


def _operator(options: Options) -> int:
    settings = read(OperatorSettings, options)
    from rotunda_operator.app import main as run

    return run(settings)


def _update_crds(options: Options) -> int:
    from rotunda_kube import KubeError
    from rotunda_operator.update_crds import run

    kubeconfig = options["kubeconfig"]
    try:
        run(options["directory"], Path(kubeconfig) if kubeconfig else None)
    except (OSError, KubeError) as error:
        return _complain(error, FAILED)
    return 0


def _version(options: Options) -> int:
    print(f"rotunda {package_version()}")
    return 0


def _complain(error: Exception, status: int) -> int:
    print(f"rotunda: {error}", file=sys.stderr)
    return status


def _with_web_app(settings: SignalingSettings) -> SignalingSettings:
    if settings.web_root is None and (root := _checkout_web_root()) is not None:
        return settings.model_copy(update={"web_root": root})
    return settings


def _checkout_web_root() -> Path | None:
    root = Path(__file__).resolve().parent.parent / "web" / "dist"
    return root if (root / "index.html").is_file() else None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="rotunda", description=_DESCRIPTION)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def add(name: str, run: Callable[[Options], int], help: str, text: str, *models: type[Settings]) -> None:
        command = commands.add_parser(
            name, help=help, description=text, epilog=_EPILOG, formatter_class=_Formatter
        )
        add_options(command, *models)
        command.set_defaults(run=_server(run))

    add("serve", _serve, "serve rooms on this machine", _SERVE, SignalingSettings, NodeSettings)
    add("signaling", _signaling, "run signaling for a cluster's rooms", _SIGNALING, SignalingSettings)
    add("sfu", _sfu, "run a media node by itself", _SFU, NodeSettings, LogSettings)
    looks_after = "look after the Rooms, MediaNodes and MediaClusters of a Kubernetes namespace"
    add("operator", _operator, looks_after, _OPERATOR, OperatorSettings)
    update = commands.add_parser("update-crds", help="bring the custom resource definitions up to date")
    update.add_argument("directory", type=Path, metavar="DIRECTORY", help="with their manifests, *.yaml")
    update.add_argument("--kubeconfig", metavar="FILE", help="by default as kubectl finds it")
    update.set_defaults(run=_update_crds)
    for other in (check_call, doctor, token):
        other.add_command(commands)
    commands.add_parser("version", help="say which version this is").set_defaults(run=_version)
    return parser


class _Formatter(argparse.RawTextHelpFormatter):
    """Keeps line breaks, and gives the options' column room."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=30, width=100)
