"""What whoever runs signaling may choose, read from ROTUNDA_… environment variables."""

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from rotunda_contract.signaling.common import IceServer
from rotunda_signaling.directory import RoomSettings

PREFIX = "ROTUNDA_"
_NAMESPACE_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


class SettingsError(ValueError):
    """A setting is wrong; the message names it and says what is accepted."""


class SignalingSettings(BaseSettings):
    """One signaling process. Times in seconds."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        frozen=True,
        extra="ignore",
        populate_by_name=True,
        use_attribute_docstrings=True,
    )

    host: Annotated[str, Field(min_length=1)] = Field(
        default="127.0.0.1", validation_alias=AliasChoices("ROTUNDA_HOST", "HOST")
    )
    """Address that HTTP listens on."""
    port: Annotated[int, Field(ge=0, le=65535)] = Field(
        default=8080, validation_alias=AliasChoices("ROTUNDA_PORT", "PORT")
    )
    """Port of HTTP and Socket.IO; 0 lets the kernel choose."""
    web_root: Path | None = None
    """Directory of the built web app; without it only the API is served."""
    ice_servers: Annotated[tuple[IceServer, ...], NoDecode] = ()
    """STUN and TURN servers for clients, as a JSON array of {urls, username?, credential?}."""
    max_rooms: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000
    """Rooms at once; joining one more is refused."""
    max_participants: Annotated[int, Field(ge=1, le=500)] = 50
    """People in a room made on join."""
    max_video_kbps: Annotated[int, Field(ge=50, le=100_000)] = 2_500
    """Kilobits a second of video, camera and screen together, that a person's client is told to keep to."""
    empty_ttl: Annotated[float, Field(gt=0, le=604_800, allow_inf_nan=False)] = 600.0
    """Seconds that a room made on join is kept empty."""
    kubeconfig: Path | None = None
    """`rotunda signaling`: credentials; by default the pod's service account, else the usual kubeconfig."""
    namespace: Annotated[str, Field(min_length=1, max_length=63)] = Field(
        default_factory=lambda: own_namespace()
    )
    """`rotunda signaling`: where the Rooms are; by default the pod's own namespace, else `default`."""
    cluster: Annotated[str, Field(min_length=1, max_length=63)] = "default"
    """`rotunda signaling`: the MediaCluster whose Rooms are served."""
    tls_directory: Path | None = None
    """Directory with ca.crt, tls.crt and tls.key for mutual TLS with media nodes; none: no TLS."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """The least important level that is logged."""
    log_format: Literal["auto", "json", "console"] = "auto"
    """`auto` is console on a terminal, else JSON."""

    @field_validator("ice_servers", mode="before")
    @classmethod
    def _parse_servers(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except ValueError as error:
            raise ValueError(
                f'is no JSON ({error}); give one such as [{{"urls": ["stun:host:3478"]}}]'
            ) from None

    @field_validator("web_root")
    @classmethod
    def _has_index(cls, value: Path | None) -> Path | None:
        if value is not None and not (value / "index.html").is_file():
            raise ValueError(f"{value} has no index.html; give the directory of the built web app")
        return value

    def room_defaults(self) -> RoomSettings:
        """What a room made on join is."""
        return RoomSettings(
            max_participants=self.max_participants,
            max_video_kbps=self.max_video_kbps,
            empty_ttl=self.empty_ttl,
        )


def load_settings(**overrides: Any) -> SignalingSettings:
    """Settings from the environment, `overrides` first. Raises SettingsError naming each wrong one."""
    try:
        return SignalingSettings(**overrides)
    except ValidationError as error:
        complaints = error.errors(include_url=False, include_context=False)
        raise SettingsError("; ".join(_complaint(dict(item)) for item in complaints)) from None


def own_namespace() -> str:
    """The pod's own one, else `default`."""
    try:
        return _NAMESPACE_FILE.read_text().strip()
    except OSError:
        return "default"


def _complaint(error: dict[str, Any]) -> str:
    name, *path = (str(step) for step in error["loc"])
    name = name.removeprefix(PREFIX).upper()
    where = "".join(f".{step}" for step in path)
    message = str(error["msg"]).removeprefix("Value error, ")
    ours = message != error["msg"]  # it shows what was given where that helps
    given = "" if ours or isinstance(error["input"], dict | list | tuple) else f", not {error['input']!r}"
    return f"{PREFIX}{name}{where}: {message}{given}"
