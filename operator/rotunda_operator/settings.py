"""Settings of the operator, read from ROTUNDA_OPERATOR_… environment variables."""

import os
import socket
import uuid
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from rotunda_base.settings import LogSettings, Option, Separated, Unset, check_host_and_port, own_namespace

PREFIX = "ROTUNDA_OPERATOR_"
Generated = Literal["api-keys", "database", "https", "redis"]


class OperatorSettings(LogSettings):
    """One operator process. Times in seconds."""

    model_config = SettingsConfigDict(env_prefix=PREFIX)

    kubeconfig: Annotated[
        Path | None, Option("FILE"), Unset("the pod's service account, else what kubectl would take")
    ] = None
    """A file of credentials."""
    namespace: Annotated[
        str, Field(max_length=63), Option("NAME"), Unset("the pod's own, else `default`")
    ] = Field(default_factory=own_namespace)
    """The namespace whose Rooms, MediaNodes and MediaClusters are reconciled."""
    lease_name: Annotated[str, Field(min_length=1, max_length=253)] = "rotunda-operator"
    """The Lease whose holder acts; the same for all processes of an installation."""
    identity: Annotated[
        str, Field(min_length=1, max_length=128), Unset("the host's name and a random part")
    ] = Field(default_factory=lambda: _identity())
    """This process's name, like that of no other, in the lease and in Events."""
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
    generate: Separated[Generated] = ()
    """Secrets of the installation that are made where they are missing, separated by commas:
    api-keys, database, https, redis."""
    https_names: Separated[str] = ()
    """Host names and addresses of the generated HTTPS certificate, separated by commas."""
    image_registry: str = ""
    """Registry and path before an image's name, where a MediaCluster does not say."""
    image_tag: str = "latest"
    """Tag of all images, where a MediaCluster does not say."""
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] = "IfNotPresent"
    """When the kubelets pull images."""
    image_pull_secrets: Separated[str] = ()
    """Names of Secrets with the registry's credentials, separated by commas."""

    @model_validator(mode="after")
    def _named(self) -> "OperatorSettings":
        if "https" in self.generate and not self.https_names:
            raise ValueError(f"{PREFIX}HTTPS_NAMES is needed where {PREFIX}GENERATE has https")
        return self

    @field_validator("otlp_address")
    @classmethod
    def _listenable(cls, value: str) -> str:
        return check_host_and_port(value)


def _identity() -> str:
    return f"{os.environ.get('HOSTNAME') or socket.gethostname()}-{uuid.uuid4().hex[:8]}"[-128:]
