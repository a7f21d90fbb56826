"""What whoever runs signaling may choose, read from ROTUNDA_… environment variables."""

import json
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field, field_validator, model_validator
from pydantic_settings import NoDecode

from rotunda_base.settings import LogSettings, Option, Separated, SettingsError, Unset, own_namespace
from rotunda_contract.signaling.common import IceServer
from rotunda_signaling.auth.key_directory import KeyDirectory
from rotunda_signaling.directory import Access, RoomSettings, usual_access
from rotunda_signaling.store.urls import check_url, is_sqlite
from rotunda_signaling.turn import TurnServers, parse_urls

_REDIS = ("redis", "rediss", "unix")


class SignalingSettings(LogSettings):
    """One signaling process. Times in seconds."""

    host: Annotated[str, Field(min_length=1), Option("ADDRESS")] = Field(
        default="127.0.0.1", validation_alias=AliasChoices("ROTUNDA_HOST", "HOST")
    )
    """Address that HTTP listens on."""
    port: Annotated[int, Field(ge=0, le=65535), Option("PORT")] = Field(
        default=8080, validation_alias=AliasChoices("ROTUNDA_PORT", "PORT")
    )
    """Port of HTTP and Socket.IO; 0 lets the kernel choose."""
    trusted_proxies: str = "127.0.0.1,::1"
    """Addresses and networks of proxies whose X-Forwarded-For and X-Forwarded-Proto count, separated by
    commas; `*`: all. Joins and connections are limited by address."""
    connections_per_address: Annotated[int, Field(ge=1, le=1_000_000)] = 1000
    """Connections of one client address (a /64 of IPv6), trusted proxies excepted. People behind one NAT, and
    behind a proxy that is not trusted, have one address together."""
    known_hosts: Separated[str] = ()
    """Names, separated by commas, by which the rooms API may be asked without API keys where it listens on
    loopback, besides localhost and loopback addresses: of a proxy in front, for example."""
    web_root: Annotated[
        Path | None, Option("DIRECTORY"), Unset("web/dist of the checkout, where it is built")
    ] = None
    """Directory of the built web app; without it only the API is served."""
    ice_servers: Annotated[tuple[IceServer, ...], NoDecode] = ()
    """STUN and TURN servers for clients, as a JSON array of {urls, username?, credential?}."""
    turn_urls: Annotated[tuple[str, ...], NoDecode] = ()
    """TURN servers, separated by commas: `turn:host:3478?transport=udp`, `turns:host:5349?transport=tcp`."""
    turn_urls_file: Path | None = None
    """File with more of them, read again for each client."""
    turn_secret_file: Path | None = None
    """File with the secret that the TURN servers know (coturn: `static-auth-secret`), read again likewise."""
    turn_ttl: Annotated[float, Field(ge=1, le=86_400, allow_inf_nan=False)] = 3600.0
    """Seconds that a client may open relays with the credentials it got; those that are open stay."""
    max_rooms: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000
    """Rooms at once. At the limit an empty one that a join made gives way, else one more is refused."""
    max_participants: Annotated[int, Field(ge=1, le=500)] = 50
    """People in a room made on join."""
    max_video_kbps: Annotated[int, Field(ge=50, le=100_000)] = 2_500
    """Kilobits a second of video, camera and screen together, that a person may send."""
    empty_ttl: Annotated[float, Field(gt=0, le=604_800, allow_inf_nan=False)] = 600.0
    """Seconds that a room made on join is kept empty."""
    access: Annotated[Access | None, Unset("`Token` where there are API keys, else `Open`")] = None
    """Who may enter a room made on join: everyone (`Open`), or only who has a token for it (`Token`)."""
    api_keys_directory: Path | None = None
    """Directory of API keys, such as a mounted Secret: a file is named after its key and holds its secret."""
    redis_url: str | None = None
    """`rotunda signaling`: Redis for chat between pods and their common rate limits, `redis://` or
    `rediss://`."""
    database_url: str | None = None
    """Where messages are kept, and of `rotunda serve` rooms: `postgresql://…`, or `sqlite:///…` for `rotunda
    serve`, which keeps them in memory without; `rotunda signaling` then keeps none."""
    data_directory: Path | None = None
    """`rotunda serve`: directory for a file with rooms and messages, so that they outlast a restart."""
    history_days: Annotated[float, Field(gt=0, le=3650, allow_inf_nan=False)] = 30.0
    """Days that messages are kept."""
    kubeconfig: Annotated[Path | None, Unset("the pod's service account, else the usual kubeconfig")] = None
    """`rotunda signaling`: a file of credentials."""
    namespace: Annotated[
        str, Field(min_length=1, max_length=63), Unset("the pod's own namespace, else `default`")
    ] = Field(default_factory=own_namespace)
    """`rotunda signaling`: where the Rooms are."""
    cluster: Annotated[str, Field(min_length=1, max_length=63)] = "default"
    """`rotunda signaling`: the MediaCluster whose Rooms are served."""
    tls_directory: Path | None = None
    """Directory with ca.crt, tls.crt and tls.key for mutual TLS with media nodes; none: no TLS."""
    https_directory: Path | None = None
    """Directory with tls.crt and tls.key: HTTPS is served instead of HTTP; read again when they change."""

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

    @field_validator("turn_urls", mode="before")
    @classmethod
    def _parse_turn(cls, value: Any) -> Any:
        return parse_urls(value) if isinstance(value, str) else value

    @field_validator("turn_urls_file", "turn_secret_file")
    @classmethod
    def _is_there(cls, value: Path | None) -> Path | None:
        if value is not None and not value.is_file():
            raise ValueError(f"there is no file {value}")
        return value

    @model_validator(mode="after")
    def _turn_has_a_secret(self) -> Self:
        if (self.turn_urls or self.turn_urls_file) and self.turn_secret_file is None:
            raise ValueError(
                "ROTUNDA_TURN_URLS and ROTUNDA_TURN_URLS_FILE need ROTUNDA_TURN_SECRET_FILE, a file with the "
                "secret that the TURN servers share with signaling"
            )
        return self

    @field_validator("api_keys_directory")
    @classmethod
    def _has_keys(cls, value: Path | None) -> Path | None:
        if value is not None:
            KeyDirectory(value)  # whose KeyProblem says what is wrong
        return value

    @field_validator("redis_url")
    @classmethod
    def _is_redis(cls, value: str | None) -> str | None:
        if value is not None and urlsplit(value).scheme not in _REDIS:
            raise ValueError("is no Redis URL: give redis://:password@host:6379/0, or rediss://… for TLS")
        return value

    @field_validator("database_url")
    @classmethod
    def _is_database(cls, value: str | None) -> str | None:
        return check_url(value) if value is not None else None

    @model_validator(mode="after")
    def _one_place_for_messages(self) -> Self:
        if self.database_url is not None and self.data_directory is not None:
            raise ValueError(
                "ROTUNDA_DATABASE_URL and ROTUNDA_DATA_DIRECTORY both say where messages are kept: give one"
            )
        return self

    @field_validator("web_root")
    @classmethod
    def _has_index(cls, value: Path | None) -> Path | None:
        if value is not None and not (value / "index.html").is_file():
            raise ValueError(f"{value} has no index.html; give the directory of the built web app")
        return value

    @field_validator("https_directory")
    @classmethod
    def _has_certificate(cls, value: Path | None) -> Path | None:
        for name in ("tls.crt", "tls.key") if value is not None else ():
            if value is not None and not (value / name).is_file():
                raise ValueError(
                    f"{value} has no {name}; give a directory with tls.crt and tls.key, both PEM"
                )
        return value

    def turn(self) -> TurnServers | None:
        """None: clients get no TURN server except those of `ice_servers`."""
        if self.turn_secret_file is None or not (self.turn_urls or self.turn_urls_file):
            return None
        return TurnServers(self.turn_urls, self.turn_urls_file, self.turn_secret_file, self.turn_ttl)

    @property
    def scheme(self) -> Literal["http", "https"]:
        """Of what is served."""
        return "https" if self.https_directory is not None else "http"

    def room_defaults(self) -> RoomSettings:
        """What a room made on join is."""
        return RoomSettings(
            max_participants=self.max_participants,
            access=self.access or usual_access(has_keys=self.api_keys_directory is not None),
            max_video_kbps=self.max_video_kbps,
            empty_ttl=self.empty_ttl,
        )


def check_for_many_processes(settings: SignalingSettings) -> SignalingSettings:
    """The settings; raises SettingsError for what works in one process alone."""
    if settings.database_url is not None and is_sqlite(settings.database_url):
        raise SettingsError(
            "ROTUNDA_DATABASE_URL: SQLite serves one process alone, and `rotunda signaling` may run in "
            "several: give postgresql://user:password@host:5432/database, or none to keep no history"
        )
    if settings.data_directory is not None:
        raise SettingsError(
            "ROTUNDA_DATA_DIRECTORY is for `rotunda serve`; `rotunda signaling` keeps messages in "
            "PostgreSQL: set ROTUNDA_DATABASE_URL"
        )
    return settings
