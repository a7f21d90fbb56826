"""Options of the command line, made from the settings' models: each field says its flag, meaning, default."""

import argparse
from collections.abc import Iterator, Mapping
from textwrap import wrap
from typing import Any, TypeVar

from rotunda_base.settings import Setting, Settings, describe

WIDTH = 72
"""Characters in a line of help."""

_Settings = TypeVar("_Settings", bound=Settings)


def add_options(command: argparse.ArgumentParser, *models: type[Settings]) -> None:
    """One for each setting that has an option."""
    for model in models:
        for setting in _with_option(model):
            placeholder = setting.option.placeholder if setting.option else None
            command.add_argument(setting.flag, dest=_key(setting), metavar=placeholder, help=_help(setting))


def read(model: type[_Settings], options: Mapping[str, Any]) -> _Settings:
    """Settings from options, which win, variables and defaults. Raises SettingsError.

    An empty option counts as not given, as an empty variable does.
    """
    given = {setting.name: options.get(_key(setting)) for setting in _with_option(model)}
    return model.load(**{name: value for name, value in given.items() if value})


def _with_option(model: type[Settings]) -> Iterator[Setting]:
    return (setting for setting in describe(model) if setting.option is not None)


def _key(setting: Setting) -> str:
    return setting.variables[0]


def _help(setting: Setting) -> str:
    """The first sentence of what it means; of some fixed values all of them."""
    meaning = setting.meaning.partition(". ")[0].removesuffix(".")
    if "enum" in setting.schema:
        meaning += f" ({', '.join(setting.schema['enum'])})"
    default = setting.unset or setting.default or "none"
    lines = [*wrap(meaning, WIDTH), f"  {' or '.join(setting.variables)}; default: {default}"]
    return "\n".join(lines).replace("`", "").replace("%", "%%")
