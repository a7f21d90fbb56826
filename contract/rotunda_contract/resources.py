"""The custom resources of `rotunda.dev/v1alpha1` as their readers see them.

The definitions in `crds/` are canonical; a test holds these models against them. The API server has
validated and defaulted every object already, so that unknown fields of a newer version are ignored here.
"""

import ipaddress
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from rotunda_base.text import line_of

GROUP = "rotunda.dev"
WANTED_AT = f"{GROUP}/wanted-at"
"""Annotation of a Room: when somebody wanted to join it while it was Idle. RFC 3339."""
MADE_ON_JOIN = f"{GROUP}/made-on-join"
"""Label of a Room that somebody's joining made: it is deleted instead of becoming Idle."""

RoomPhase = Literal["Pending", "Assigned", "Active", "Idle", "Failed"]
NodePhase = Literal["Pending", "Ready", "Draining", "Lost"]
Codec = Literal["VP8", "H264", "VP9", "AV1"]
Access = Literal["Open", "Token"]
ALL_CODECS: tuple[Codec, ...] = ("VP8", "H264", "VP9", "AV1")

Port = Annotated[int, Field(ge=1, le=65535)]


def _announced(value: str) -> str:
    """Where the address comes from, or one of a machine."""
    if value not in ("NodeInternalIP", "NodeExternalIP") and ipaddress.ip_address(value).is_unspecified:
        raise ValueError(f"{value} is the address of no machine")
    return value


def _host(value: str) -> str:
    """A name has no colon; what has one is an address of IPv6."""
    if ":" in value:
        ipaddress.IPv6Address(value)
    return value


_PORT = r"(6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5][0-9]{4}|[1-9][0-9]{0,3})"
_NAME = r"[A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?"
Url = Annotated[
    str,
    Field(max_length=1024, pattern=rf"^(https?://({_NAME}|\[[0-9A-Fa-f:.]+\])(:{_PORT})?)?$"),
]
"""Scheme, host and port, nothing else."""
Host = Annotated[
    str,
    Field(max_length=253, pattern=rf"^({_NAME}|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)?$"),
    AfterValidator(_host),
]
"""A name, or an address of IPv4 or IPv6 without brackets."""
Registry = Annotated[
    str,
    Field(
        max_length=255,
        pattern=rf"^(({_NAME}|\[[0-9A-Fa-f:]+\])(:{_PORT})?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*)?$",
    ),
]
Tag = Annotated[str, Field(max_length=128, pattern=r"^([A-Za-z0-9_][-A-Za-z0-9_.]*)?$")]
SecretName = Annotated[str, Field(max_length=253, pattern=r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?)?$")]
Text = Annotated[str, Field(max_length=253)]
Address = Annotated[str, Field(max_length=300)]
Percent = Annotated[int, Field(ge=0, le=1000)]
Natural = Annotated[int, Field(ge=0)]
Label = Annotated[str, Field(min_length=1, max_length=63, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")]
People = Annotated[int, Field(ge=1, le=10_000)]
Kbps = Annotated[int, Field(ge=50, le=100_000)]
Ttl = Annotated[int, Field(ge=0, le=604_800)]
Codecs = Annotated[tuple[Codec, ...], Field(min_length=1, max_length=4)]
Selector = Annotated[dict[str, Annotated[str, Field(max_length=63)]], Field(max_length=16)]


class _Part(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="ignore")


class OwnerReference(_Part):
    kind: str
    uid: str
    controller: bool = False


class Metadata(_Part):
    """Of an object's metadata, what we read."""

    name: str
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    generation: int = 0
    creation_timestamp: datetime | None = None
    deletion_timestamp: datetime | None = None
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    owner_references: tuple[OwnerReference, ...] = ()


class Condition(_Part):
    type: Annotated[str, Field(max_length=316)]
    status: Literal["True", "False", "Unknown"]
    reason: Annotated[str, Field(min_length=1, max_length=1024)]
    message: Annotated[str, Field(max_length=32_768)]
    last_transition_time: datetime
    observed_generation: Natural | None = None


Conditions = Annotated[tuple[Condition, ...], Field(max_length=16)]


class Status(_Part):
    """What the status of each kind has."""

    observed_generation: int | None = None
    conditions: Conditions = ()


class RoomMedia(_Part):
    video_codecs: Codecs = ALL_CODECS
    max_video_kbps: Kbps = 2500


class RoomPlacement(_Part):
    region: Annotated[str, Field(max_length=63)] = ""
    node_selector: Selector = {}
    pin_to: Text = ""


class Switch(_Part):
    enabled: bool = False


class RoomSpec(_Part):
    cluster_ref: Label = "default"
    display_name: Annotated[str, Field(max_length=128), AfterValidator(line_of)] = ""
    max_participants: People = 50
    expected_participants: Annotated[int, Field(ge=0, le=10_000)] | None = None
    access: Access = "Open"
    media: RoomMedia = RoomMedia()
    placement: RoomPlacement = RoomPlacement()
    empty_ttl_seconds: Ttl = Field(default=600, alias="emptyTTLSeconds")
    hls: Switch = Switch()
    recording: Switch = Switch()

    @property
    def people(self) -> int:
        """How many people load is reserved for."""
        if self.expected_participants is not None:
            return self.expected_participants
        return min(10, self.max_participants)


class RoomAssignment(_Part):
    media_node: Text
    epoch: Annotated[int, Field(ge=1)]
    since: datetime | None = None


class RoomStatus(Status):
    phase: RoomPhase | None = None
    assignment: RoomAssignment | None = None
    last_epoch: Natural = 0
    participants: Natural = 0
    empty_since: datetime | None = None
    join_url: Annotated[str, Field(max_length=2048)] | None = Field(default=None, alias="joinURL")


class Room(_Part):
    metadata: Metadata
    spec: RoomSpec
    status: RoomStatus = RoomStatus()


class MediaNodeSpec(_Part):
    cluster_ref: Label = "default"
    cordoned: bool = False


class Ports(_Part):
    media: Port
    media_count: Annotated[int, Field(ge=1, le=256)]
    grpc: Port
    health: Port


class Load(_Part):
    utilization_percent: Percent = 0
    cpu_percent: Percent = 0
    egress_kbps: Natural = 0
    packets_per_second: Natural = 0
    rooms: Natural = 0
    participants: Natural = 0
    consumers: Natural = 0
    packet_loss_percent: Annotated[float, Field(ge=0, le=100)] = 0.0
    jitter_milliseconds: Annotated[float, Field(ge=0)] = 0.0


class MediaNodeStatus(Status):
    phase: NodePhase | None = None
    pod_name: Text | None = None
    process_id: Annotated[str, Field(max_length=128)] | None = Field(default=None, alias="processID")
    node_name: Text | None = None
    region: Annotated[str, Field(max_length=63)] | None = None
    zone: Annotated[str, Field(max_length=63)] | None = None
    ports: Ports | None = None
    grpc_address: Address | None = None
    media_addresses: Annotated[tuple[Address, ...], Field(max_length=64)] = ()
    load: Load | None = None
    last_report_time: datetime | None = None
    drain_started_at: datetime | None = None


class MediaNode(_Part):
    metadata: Metadata
    spec: MediaNodeSpec
    status: MediaNodeStatus = MediaNodeStatus()


class Images(_Part):
    registry: Registry = ""
    tag: Tag = ""


class ScalingSpec(_Part):
    target_utilization_percent: Annotated[int, Field(ge=5, le=95)] = 60
    spare_rooms: Annotated[int, Field(ge=0, le=1000)] = 1
    scale_down_delay_seconds: Annotated[int, Field(ge=0, le=86_400)] = 600


class NetworkSpec(_Part):
    mode: Literal["HostNetwork", "HostPort"] = "HostNetwork"
    port_from: Annotated[int, Field(ge=1024, le=65535)] = 40000
    port_to: Annotated[int, Field(ge=1024, le=65535)] = 40999
    announce: Annotated[str, Field(min_length=1, max_length=253), AfterValidator(_announced)] = (
        "NodeInternalIP"
    )


class CapacitySpec(_Part):
    egress_mbps: Annotated[int, Field(ge=1, le=1_000_000)] = 800
    participants: Annotated[int, Field(ge=1, le=100_000)] = 500


class PodTemplate(_Part):
    workers: Annotated[int, Field(ge=1, le=64)] = 1
    resources: dict[str, Any] = {}
    node_selector: Selector = {}
    tolerations: Annotated[tuple[dict[str, Any], ...], Field(max_length=16)] = ()
    affinity: dict[str, Any] = {}


class MediaNodesSpec(_Part):
    min: Annotated[int, Field(ge=0, le=1000)] = 1
    max: Annotated[int, Field(ge=1, le=1000)] = 10
    max_unavailable: Annotated[int, Field(ge=1, le=1000)] = 1
    scaling: ScalingSpec = ScalingSpec()
    network: NetworkSpec = NetworkSpec()
    capacity: CapacitySpec = CapacitySpec()
    template: PodTemplate = PodTemplate()
    drain_deadline_seconds: Annotated[int, Field(ge=0, le=86_400)] = 300


class RoomDefaultsMedia(_Part):
    video_codecs: Codecs | None = None
    max_video_kbps: Kbps | None = None


class RoomDefaults(_Part):
    max_participants: People | None = None
    expected_participants: Annotated[int, Field(ge=0, le=10_000)] | None = None
    access: Access | None = None
    media: RoomDefaultsMedia | None = None
    empty_ttl_seconds: Ttl | None = Field(default=None, alias="emptyTTLSeconds")


class RoomsSpec(_Part):
    create_on_join: bool = True
    defaults: RoomDefaults = RoomDefaults()


class ServiceSpec(_Part):
    type: Literal["ClusterIP", "NodePort", "LoadBalancer"] = "ClusterIP"
    node_port: Annotated[int, Field(ge=0, le=65535)] = 0


class SignalingSpec(_Part):
    replicas: Annotated[int, Field(ge=0, le=100)] = 2
    service: ServiceSpec = ServiceSpec()
    tls_secret_ref: SecretName = ""


class TurnSpec(_Part):
    enabled: bool = True
    replicas: Annotated[int, Field(ge=1, le=100)] = 1
    port: Port = 3478
    tls_port: Port = 5349
    relay_port_from: Annotated[int, Field(ge=1024, le=65535)] = 49152
    relay_port_to: Annotated[int, Field(ge=1024, le=65535)] = 65535
    host: Host = ""
    tls_secret_ref: SecretName = ""


class SecretSpec(_Part):
    secret_ref: SecretName = ""


class AuthSpec(_Part):
    api_keys_secret_ref: SecretName = ""


class MediaClusterSpec(_Part):
    public_url: Url = Field(default="", alias="publicURL")
    images: Images = Images()
    media_nodes: MediaNodesSpec = MediaNodesSpec()
    rooms: RoomsSpec = RoomsSpec()
    signaling: SignalingSpec = SignalingSpec()
    turn: TurnSpec = TurnSpec()
    redis: SecretSpec = SecretSpec()
    database: SecretSpec = SecretSpec()
    auth: AuthSpec = AuthSpec()


class MediaClusterStatus(Status):
    media_nodes: Natural = 0
    ready_media_nodes: Natural = 0
    updated_media_nodes: Natural = 0
    rooms: Natural = 0
    participants: Natural = 0
    utilization_percent: Percent = 0


class MediaCluster(_Part):
    metadata: Metadata
    spec: MediaClusterSpec
    status: MediaClusterStatus = MediaClusterStatus()
