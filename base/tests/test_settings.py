"""What a settings' model says of itself: to the environment, to people, and of what is wrong."""

from typing import Annotated

import pytest
from pydantic import AliasChoices, BaseModel, Field
from pydantic_settings import SettingsConfigDict

from rotunda_base.settings import (
    PREFIX,
    LogSettings,
    Option,
    Separated,
    Settings,
    SettingsError,
    Unset,
    check_host_and_port,
    describe,
    variables_of,
)


class Inside(BaseModel):
    model_config = {"use_attribute_docstrings": True, "extra": "forbid"}

    rooms: Annotated[int, Field(ge=1)] = 3
    """Rooms at once."""


class Sample(LogSettings):
    model_config = SettingsConfigDict(env_prefix=f"{PREFIX}SAMPLE_", env_nested_delimiter="__")

    port: Annotated[int, Field(ge=0, le=9), Option("PORT")] = Field(
        default=8, validation_alias=AliasChoices(f"{PREFIX}SAMPLE_PORT", "SAMPLE_PORT")
    )
    """Where it listens. Nobody
    needs to know."""
    names: Annotated[Separated[str], Option("NAMES", "--name"), Unset("`ada` and others")] = ()
    """Who comes."""
    ratio: Annotated[float, Field(lt=1)] | None = None
    """How much."""
    inside: Inside = Inside()


def test_a_field_is_described_by_itself_and_what_is_inherited_comes_last() -> None:
    found = list(describe(Sample))
    assert [setting.name for setting in found] == [
        "port",
        "names",
        "ratio",
        "rooms",
        "log_level",
        "log_format",
    ]
    port, names, ratio, rooms, level, _ = found
    assert port.variables == (f"{PREFIX}SAMPLE_PORT", "SAMPLE_PORT")
    assert (port.flag, port.meaning, port.default) == (
        "--port",
        "Where it listens. Nobody needs to know.",
        "8",
    )
    assert (names.flag, names.unset, names.default) == ("--name", "`ada` and others", None)
    assert (ratio.option, ratio.schema) == (None, {"exclusiveMaximum": 1, "type": "number"})
    assert rooms.variables == (f"{PREFIX}SAMPLE_INSIDE__ROOMS",)
    assert (level.flag, level.default, level.schema["enum"][0]) == ("--log-level", "info", "debug")
    assert f"{PREFIX}SAMPLE_LOG_FORMAT" in variables_of(Sample)


def test_a_setting_without_a_docstring_is_a_defect() -> None:
    class Silent(Settings):
        quiet: bool = False

    with pytest.raises(ValueError, match=r"Silent\.quiet has no docstring"):
        list(describe(Silent))


def test_what_is_given_wins_over_variables_and_those_over_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMPLE_PORT", "1")
    monkeypatch.setenv(f"{PREFIX}SAMPLE_NAMES", " ada, ,ben,")
    monkeypatch.setenv(f"{PREFIX}SAMPLE_RATIO", "")
    settings = Sample.load()
    assert (settings.port, settings.names, settings.ratio) == (1, ("ada", "ben"), None)
    monkeypatch.setenv(f"{PREFIX}SAMPLE_PORT", "2")
    assert Sample.load().port == 2
    assert Sample.load(port=3, names=("cy",)).model_dump(include={"port", "names"}) == {
        "port": 3,
        "names": ("cy",),
    }


@pytest.mark.parametrize(
    ("variables", "complaint"),
    [
        ({"SAMPLE_PORT": "x"}, f"{PREFIX}SAMPLE_PORT: Input should be a valid integer.*, not 'x'$"),
        ({f"{PREFIX}SAMPLE_INSIDE__ROOMS": "0"}, f"^{PREFIX}SAMPLE_INSIDE__ROOMS: .*, not '0'$"),
        ({f"{PREFIX}SAMPLE_INSIDE__ROOM": "1"}, f"^{PREFIX}SAMPLE_INSIDE__ROOM: .*not permitted"),
        (
            {f"{PREFIX}SAMPLE_PORT": "10", f"{PREFIX}SAMPLE_LOG_LEVEL": "loud"},
            f"^{PREFIX}SAMPLE_LOG_LEVEL: .*; {PREFIX}SAMPLE_PORT: ",
        ),
    ],
)
def test_each_wrong_variable_is_named(
    variables: dict[str, str], complaint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=complaint):
        Sample.load()


def test_a_setting_that_does_not_exist_is_refused() -> None:
    with pytest.raises(SettingsError, match=f"{PREFIX}SAMPLE_PROT: Extra inputs"):
        Sample.load(prot=3)


@pytest.mark.parametrize("address", ["here", ":80", "here:", "here:65536", "here:x", "here:²"])
def test_what_is_no_address_with_a_port_is_refused(address: str) -> None:
    assert check_host_and_port("[::1]:0") == "[::1]:0"
    with pytest.raises(ValueError, match="is not host:port"):
        check_host_and_port(address)
