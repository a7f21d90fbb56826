"""What our processes may be told by environment variables: the base of their settings' models.

A setting is described once, as a field of a model: its docstring says what it means, `Option` puts it on the
command line, and `Unset` says what holds where nobody sets it, if the default itself does not tell.
`describe` gives all of that to whoever writes help, a page of documentation or a complaint.

A variable that is empty counts as not given.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import AliasChoices, BaseModel, BeforeValidator, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

PREFIX = "ROTUNDA_"
"""Of every variable of ours."""
_NAMESPACE_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


class SettingsError(ValueError):
    """Settings are wrong; the message names each and says what is accepted."""


@dataclass(frozen=True, slots=True)
class Option:
    """Metadata of a setting that the command line has too. `flag` is the field's name where none is given."""

    placeholder: str
    flag: str = ""


@dataclass(frozen=True, slots=True)
class Unset:
    """Metadata: what holds where nobody sets it, in words."""

    words: str


@dataclass(frozen=True, slots=True)
class Setting:
    """One field as it is shown to people. `schema` is what JSON Schema says of its values."""

    name: str
    variables: tuple[str, ...]
    meaning: str
    default: str | None
    unset: str
    option: Option | None
    schema: Mapping[str, Any]

    @property
    def flag(self) -> str:
        """Of the command line, where it has an option."""
        return (self.option and self.option.flag) or f"--{self.name.replace('_', '-')}"


class Settings(BaseSettings):
    """Base of a process's settings. Subclasses choose `env_prefix`."""

    model_config = SettingsConfigDict(
        env_ignore_empty=True,
        frozen=True,
        extra="forbid",
        populate_by_name=True,
        use_attribute_docstrings=True,
    )

    @classmethod
    def load(cls, **overrides: Any) -> Self:
        """Settings from the environment, `overrides` first. Raises SettingsError."""
        try:
            return cls(**overrides)
        except ValidationError as error:
            complaints = error.errors(include_url=False, include_context=False)
            raise SettingsError("; ".join(_complaint(cls, dict(item)) for item in complaints)) from None


class LogSettings(Settings):
    """What is logged, and how."""

    model_config = SettingsConfigDict(env_prefix=PREFIX)

    log_level: Annotated[Literal["debug", "info", "warning", "error"], Option("LEVEL")] = "info"
    """The least important level that is logged."""
    log_format: Annotated[Literal["auto", "json", "console"], Option("FORMAT")] = "auto"
    """How it is written; `auto` is console on a terminal, else JSON."""


def describe(model: type[Settings]) -> Iterator[Setting]:
    """A model's settings in the order of its source, those of models inside it in their place.

    Raises ValueError for a field without a docstring.
    """
    return _describe(model, str(model.model_config["env_prefix"]))


def variables_of(model: type[Settings]) -> tuple[str, ...]:
    """Every variable that it reads."""
    return tuple(name for setting in describe(model) for name in setting.variables)


def split(value: Any) -> Any:
    """The parts of a text that commas separate, without the empty ones; anything else as it is."""
    if not isinstance(value, str):
        return value
    return tuple(part for part in map(str.strip, value.split(",")) if part)


_T = TypeVar("_T")
Separated = Annotated[tuple[_T, ...], NoDecode, BeforeValidator(split)]
"""Several values, which a variable separates by commas."""


def check_host_and_port(value: str) -> str:
    """Raises ValueError for what is not host:port."""
    host, _, port = value.rpartition(":")
    if not (host and port.isascii() and port.isdecimal() and int(port) <= 65535):
        raise ValueError(f"{value!r} is not host:port with a port up to 65535")
    return value


def own_namespace() -> str:
    """Kubernetes' namespace of the pod that we run in, else `default`."""
    try:
        return _NAMESPACE_FILE.read_text().strip()
    except OSError:
        return "default"


def _describe(model: type[BaseModel], prefix: str) -> Iterator[Setting]:
    schema = model.model_json_schema(by_alias=False)["properties"]
    bases = [base for base in model.__bases__ if issubclass(base, BaseModel)]
    inherited = {name for base in bases for name in base.model_fields}
    for name in sorted(model.model_fields, key=inherited.__contains__):
        field = model.model_fields[name]
        if (inner := _inner(field)) is not None:
            yield from _describe(inner, f"{prefix}{name.upper()}__")
        elif field.description is None:
            raise ValueError(f"{model.__name__}.{name} has no docstring below it")
        else:
            yield Setting(
                name=name,
                variables=_variables(field, prefix + name.upper()),
                meaning=" ".join(field.description.split()),
                default=_default(field),
                unset=next((one.words for one in field.metadata if isinstance(one, Unset)), ""),
                option=next((one for one in field.metadata if isinstance(one, Option)), None),
                schema=_of_values(schema[name]),
            )


def _variables(field: FieldInfo, own: str) -> tuple[str, ...]:
    alias = field.validation_alias
    return tuple(map(str, alias.choices)) if isinstance(alias, AliasChoices) else (own,)


def _of_values(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Without the null of a setting that may have no value, which no variable can spell."""
    return next((each for each in schema.get("anyOf", ()) if each != {"type": "null"}), schema)


def _inner(field: FieldInfo | None) -> type[BaseModel] | None:
    """The model that a field is."""
    kind = field.annotation if field is not None else None
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _default(field: FieldInfo) -> str | None:
    """As a variable would spell it; None where there is none, or it is found at the start."""
    value = field.get_default(call_default_factory=False)
    if field.default_factory is not None or value is None or value in ((), ""):
        return None
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def _complaint(model: type[Settings], error: dict[str, Any]) -> str:
    message = str(error["msg"]).removeprefix("Value error, ")
    if not error["loc"]:  # of several settings, which the message names
        return message
    ours = message != error["msg"]  # it shows what was given where that helps
    given = "" if ours or isinstance(error["input"], dict | list | tuple) else f", not {error['input']!r}"
    return f"{_variable(model, error['loc'])}: {message}{given}"


def _variable(model: type[Settings], steps: tuple[str | int, ...]) -> str:
    """What whoever set it has to look at: a variable, and where in its value."""
    name, *rest = map(str, steps)
    variable = name if name.startswith(PREFIX) else str(model.model_config["env_prefix"]) + name.upper()
    inner = _inner(model.model_fields.get(name))
    while inner is not None and rest:
        step = rest.pop(0)
        variable += f"__{step.upper()}"
        inner = _inner(inner.model_fields.get(step))
    return "".join((variable, *(f".{step}" for step in rest)))
