"""Environment variables: empty ones count as none, and one that nobody reads is told with its nearest."""

import re
import subprocess
from pathlib import Path

import pytest

from rotunda import cli
from rotunda.variables import known_variables, strangers
from rotunda_base.exit_status import MISUSED
from rotunda_base.settings import LogSettings, Settings, variables_of
from rotunda_operator.settings import OperatorSettings
from rotunda_sfu.settings import NodeSettings
from rotunda_signaling.settings import SignalingSettings

MODELS: list[type[Settings]] = [SignalingSettings, NodeSettings, OperatorSettings]
CHECKOUT = Path(__file__).parents[2]


@pytest.mark.parametrize("model", MODELS)
def test_an_empty_variable_is_as_none_for_every_setting(
    model: type[Settings], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "index.html").touch()  # so that an empty web root would be taken for this directory
    (tmp_path / "key").write_text("k" * 40)
    names = variables_of(model)
    assert len(names) > 10
    for name in names:
        monkeypatch.delenv(name, raising=False)
    drawn = {"process_id", "identity"}  # anew each time
    without = model().model_dump(exclude=drawn)
    for name in names:
        monkeypatch.setenv(name, "")
        found = model()
        assert (name, found.model_dump(exclude=drawn), found.model_fields_set) == (name, without, set())


def test_an_empty_option_is_as_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "index.html").touch()
    given: list[object] = []

    def run(settings: SignalingSettings, node: NodeSettings) -> int:
        given.append(settings.model_fields_set & {"web_root", "host", "log_level"})
        return 0

    monkeypatch.setattr("rotunda.serve.run", run)
    monkeypatch.setattr(cli, "_with_web_app", lambda settings: settings)
    assert cli.main(["serve", "--web-root", "", "--host", "", "--log-level", ""]) == 0
    assert given == [set()]


@pytest.mark.parametrize(
    ("command", "run", "models"),
    [
        ("serve", "rotunda.serve.run", (SignalingSettings, NodeSettings)),
        ("signaling", "rotunda.signaling.run", (SignalingSettings,)),
        ("sfu", "rotunda.sfu.run", (NodeSettings, LogSettings)),
        ("operator", "rotunda_operator.app.main", (OperatorSettings,)),
    ],
)
def test_a_process_starts_whatever_the_variables_of_others_say(
    command: str, run: str, models: tuple[type[Settings], ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    own = {name for model in models for name in variables_of(model)}
    others = {name for model in MODELS for name in variables_of(model)} - own
    for name in own:
        monkeypatch.delenv(name, raising=False)
    for name in others:
        # No setting takes it; a kubelet sets such a thing where a Service is called `rotunda`.
        monkeypatch.setenv(name, "tcp://192.0.2.1:1")
    started: list[Settings] = []

    def start(*settings: Settings) -> int:
        started.extend(settings)
        return 0

    monkeypatch.setattr(run, start)
    assert cli.main([command]) == 0
    assert [type(each) for each in started] == list(models)


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("ROTUNDA_ACCES", "ROTUNDA_ACCESS"),
        ("ROTUNDA_API_KEY_DIRECTORY", "ROTUNDA_API_KEYS_DIRECTORY"),
        ("ROTUNDA_SFU_LIMITS__TRANSPORT", "ROTUNDA_SFU_LIMITS__TRANSPORTS"),
        ("ROTUNDA_OPERATOR_LEASE_SECOND", "ROTUNDA_OPERATOR_LEASE_SECONDS"),
    ],
)
def test_an_unknown_variable_is_told_with_the_nearest(
    name: str, nearest: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(name, "x")
    monkeypatch.setenv("ROTUNDA_OPERATOR_HEALTH_PORT", "-1")
    for command in (["serve"], ["signaling"], ["sfu"], ["operator"]):
        wrong = [] if command == ["operator"] else ["--log-level", "wrong"]
        assert cli.main([*command, *wrong]) == MISUSED
        told = capsys.readouterr().err
        assert f"rotunda: {name} is no setting" in told
        assert f": {nearest}\n" in told


def test_the_links_of_kubernetes_and_what_others_read_are_told_to_nobody() -> None:
    links = {
        "ROTUNDA_SIGNALING_SERVICE_HOST": "10.0.0.1",
        "ROTUNDA_SIGNALING_SERVICE_PORT": "80",
        "ROTUNDA_SIGNALING_SERVICE_PORT_HTTP": "80",
        "ROTUNDA_SIGNALING_PORT": "tcp://10.0.0.1:80",
        "ROTUNDA_SIGNALING_PORT_80_TCP": "tcp://10.0.0.1:80",
        "ROTUNDA_SIGNALING_PORT_80_TCP_ADDR": "10.0.0.1",
        "ROTUNDA_TURN_PORT_3478_UDP_PROTO": "udp",
    }
    assert list(strangers({**links, "ROTUNDA_PORT": "1", "PATH": "x", "ROTUNDA_CHROMIUM": "x"})) == []


def test_every_variable_that_a_file_names_is_known() -> None:
    name = r"\bROTUNDA_[A-Z0-9_]*[A-Z0-9]\b"
    listed = subprocess.run(["git", "grep", "-hoE", name], cwd=CHECKOUT, capture_output=True, text=True)
    wrong_on_purpose = set(re.findall(name, Path(__file__).read_text()))
    found = set(listed.stdout.split())
    assert "ROTUNDA_WEB_ROOT" in found
    assert found - wrong_on_purpose - known_variables() == set()
