"""Settings of the operator, read from ROTUNDA_OPERATOR_… environment variables."""

import os
import socket
import uuid
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

PREFIX = "ROTUNDA_OPERATOR_"
_NAMESPACE_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")

Generated = Literal["api-keys", "database", "https", "redis"]


class SettingsError(ValueError):
    """A setting is wrong; the message names it and says what is accepted."""


class OperatorSettings(BaseSettings):
    """One operator process. Times in seconds."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,
        frozen=True,
        extra="ignore",
        use_attribute_docstrings=True,
    )

    kubeconfig: Path | None = None
    """A file of credentials; else the pod's service account, else what kubectl would take."""
    namespace: Annotated[str, Field(max_length=63)] = Field(default_factory=lambda: own_namespace())
    """The namespace whose Rooms, MediaNodes and MediaClusters are reconciled."""
    lease_name: Annotated[str, Field(min_length=1, max_length=253)] = "rotunda-operator"
    """The Lease whose holder acts; the same for all processes of an installation."""
    identity: Annotated[str, Field(min_length=1, max_length=128)] = Field(default_factory=lambda: _identity())
    """ReportedLoad from every other process by this name, in the lease and in Events."""
    pod_name: Annotated[str, Field(max_length=253)] = ""
    """This process's own pod, labelled while it holds the lease; none outside a cluster."""
    lease_seconds: Annotated[float, Field(ge=3, le=120)] = 8.0
    """For so long after its last renewal nobody takes the lease from its holder."""
    otlp_address: str = "127.0.0.1:4317"
    """`host:port` where load reports arrive (port 0 lets the kernel choose)."""
    health_port: Annotated[int, Field(ge=0, le=65535)] = 0
    """Port of /healthz and /readyz on all addresses; 0: none."""
    otlp_endpoint: str = ""
    """Where media nodes report to: http(s)://host:port of the Service in front of the operator."""
    tls: bool = False
    """Mutual TLS between pods, with certificates of the operator's own authority."""
    generate: Annotated[tuple[Generated, ...], NoDecode] = ()
    """Secrets of the installation that are made where they are missing, separated by commas:
    api-keys, database, https, redis."""
    https_names: Annotated[tuple[str, ...], NoDecode] = ()
    """Host names and addresses of the generated HTTPS certificate, separated by commas."""
    image_registry: str = ""
    """Registry and path before an image's name, where a MediaCluster does not say."""
    image_tag: str = "latest"
    """Tag of all images, where a MediaCluster does not say."""
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] = "IfNotPresent"
    """When the kubelets pull images."""
    image_pull_secrets: Annotated[tuple[str, ...], NoDecode] = ()
    """Names of Secrets with the registry's credentials, separated by commas."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """The least important level that is logged."""
    log_format: Literal["auto", "json", "console"] = "auto"
    """`auto` is console on a terminal, else JSON."""

    @field_validator("image_pull_secrets", "generate", "https_names", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return tuple(name for name in value.split(",") if name) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _named(self) -> "OperatorSettings":
        if "https" in self.generate and not self.https_names:
            raise ValueError(f"{PREFIX}HTTPS_NAMES is needed where {PREFIX}GENERATE has https")
        return self

    @field_validator("otlp_address")
    @classmethod
    def _listenable(cls, value: str) -> str:
        host, _, port = value.rpartition(":")
        if not (host and port.isdecimal() and int(port) <= 65535):
            raise ValueError(f"{value!r} is not host:port with a port up to 65535")
        return value


def load_settings(**overrides: Any) -> OperatorSettings:
    """Settings from the environment, `overrides` first. Raises SettingsError naming each wrong one."""
    try:
        return OperatorSettings(**overrides)
    except ValidationError as error:
        raise SettingsError("; ".join(_complaint(dict(item)) for item in error.errors())) from None


def own_namespace() -> str:
    """The pod's own one, else `default`."""
    try:
        return _NAMESPACE_FILE.read_text().strip()
    except OSError:
        return "default"


def _identity() -> str:
    return f"{os.environ.get('HOSTNAME') or socket.gethostname()}-{uuid.uuid4().hex[:8]}"[-128:]


def _complaint(error: dict[str, Any]) -> str:
    path = "__".join(str(step) for step in error["loc"])
    message = str(error["msg"]).removeprefix("Value error, ")
    return f"{PREFIX}{path.upper()}: {message}" if path else message
