"""What whoever runs a media node may choose, read from ROTUNDA_SFU_… environment variables.

Nested names are joined by two underscores: ROTUNDA_SFU_LIMITS__TRANSPORTS=4.
"""

import ipaddress
import os
import uuid
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from rotunda_base.settings import Option, Separated, Settings, Unset, check_host_and_port
from rotunda_contract.ids import ProcessId

Port = Annotated[int, Field(ge=0, le=65535)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]
Seconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]
IpAddress = Annotated[str, Field(min_length=1)]


class Limits(BaseModel):
    """How much one participant may have at once."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    transports: Count = 8
    """WebRTC transports of one participant."""
    producers: Count = 16
    """Cameras, microphones and screens of one participant."""
    consumers: Count = 500
    """Cameras, microphones and screens that one participant may receive."""
    data_producers: Count = 64
    """Data channels that one participant may send on."""
    data_consumers: Count = 512
    """Data channels that one participant may receive from."""
    participants: Count = 500
    """People in one room, whatever its own setting says."""
    uncounted_participants: Count = 16
    """Recordings and hidden participants in one room, besides."""
    data_rate: Annotated[int, Field(ge=1024, le=1 << 30)] = 128 * 1024
    """Bytes a second that one transport may send on its data channels; who sends more is told and slowed."""
    watcher_backlog: Count = 4096
    """Events that a room's watcher may be behind before it is cut."""


class NodeSettings(Settings):
    """One media node. Times in seconds."""

    model_config = SettingsConfigDict(env_prefix="ROTUNDA_SFU_", env_nested_delimiter="__")

    node_name: Annotated[str, Field(min_length=1, max_length=253)] = "local"
    """The node's name in logs and towards signaling."""
    process_id: Annotated[ProcessId, Field(min_length=1, max_length=128), Unset("a random UUID")] = Field(
        default_factory=lambda: ProcessId(str(uuid.uuid4()))
    )
    """Tells this process from the one before it on the same node."""
    listen_addresses: Annotated[
        Separated[IpAddress],
        Option("ADDRESSES", "--media-address"),
        Unset("all of this machine and loopback"),
    ] = Field(default_factory=lambda: machine_addresses(), min_length=1)
    """Addresses that media arrives at, separated by commas."""
    announced_address: Annotated[
        str | None, Option("ADDRESS", "--announce"), Unset("the listen addresses themselves")
    ] = None
    """Address that clients are told instead, such as that of a NAT in front. It stands for the listen
    addresses of its family, loopback excepted."""
    announced_address_file: Path | None = None
    """File with the announced address; the start waits until it holds one."""
    media_port: Annotated[Port, Option("PORT")] = 40000
    """UDP port of the first media worker, the next worker has the next; 0 lets the kernel choose. Where
    nobody sets it, ports that are in use give way to the next."""
    media_tcp: bool = True
    """Takes media over TCP as well, on the same ports, for clients whose network lets no UDP through."""
    tcp_connections: Count = 1000
    """TCP connections of one worker. Where there are more, one that has not proven itself gives way."""
    tcp_connections_per_address: Count = 200
    """Those of one client address (a /64 of IPv6): people behind one NAT have one address together."""
    workers: Annotated[int, Field(ge=1, le=256), Option("NUMBER"), Unset("one for each core")] = Field(
        default_factory=lambda: os.cpu_count() or 1
    )
    """Media threads."""
    segmentation_offload: bool = True
    """Hands the kernel several packets at once (UDP GSO) where it can take them."""
    grpc_address: str = "127.0.0.1:50051"
    """`host:port` (port 0 lets the kernel choose) or `unix:path`; a single machine uses a private path."""
    health_address: str | None = None
    """`host:port` of a second server, for health checks without TLS, as a kubelet makes them."""
    tls_directory: Path | None = None
    """Directory with ca.crt, tls.crt and tls.key for mutual TLS of gRPC and load reports; none: no TLS."""
    namespace: Annotated[str, Field(min_length=1, max_length=63)] | None = None
    """Kubernetes namespace of the node, for its load reports."""
    otlp_endpoint: str | None = None
    """Where load is reported as OTLP metrics over gRPC, `http://host:port` or `https://host:port`."""
    report_interval: Seconds = 2.0
    """Seconds between two reports of load."""
    capacity_egress_mbps: Annotated[int, Field(ge=1, le=1_000_000)] = 800
    """Megabits a second that the node may send; its reported utilization counts against it."""
    capacity_participants: Annotated[int, Field(ge=1, le=100_000)] = 500
    """People that the node may serve; its reported utilization counts against it."""
    reconnect_grace: Annotated[int, Field(ge=0, le=3600)] = 30
    """Seconds that a lost connection keeps its seat."""
    handshake_deadline: Seconds = 30.0
    """Seconds that a DTLS handshake may take."""
    connect_deadline: Seconds = 900.0
    """Seconds that a client may leave a transport unconnected; asking for an ICE restart begins them anew."""
    stats_interval: Seconds = 2.0
    """Seconds between two samples of everybody's connection quality."""
    shutdown_grace: Seconds = 5.0
    """Seconds that calls that run may still take when the node stops."""
    limits: Limits = Limits()

    @field_validator("listen_addresses")
    @classmethod
    def _usable(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(_listen_address(text) for text in value))

    @field_validator("announced_address")
    @classmethod
    def _announceable(cls, value: str | None) -> str | None:
        if value is not None and _parse(value).is_unspecified:
            raise ValueError(f"{value} cannot be reached by anybody; give the address that clients use")
        return value

    @field_validator("grpc_address", "health_address")
    @classmethod
    def _listenable(cls, value: str | None) -> str | None:
        return value if value is None or value.startswith("unix:") else check_host_and_port(value)

    @field_validator("otlp_endpoint")
    @classmethod
    def _reachable(cls, value: str | None) -> str | None:
        if value is not None:
            parts = urlsplit(value)
            if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/"):
                raise ValueError(f"{value!r} is neither http://host:port nor https://host:port")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> "NodeSettings":
        last = self.media_port + self.workers - 1
        if self.media_port and last > 65535:
            raise ValueError(
                f"media_port {self.media_port} with {self.workers} workers needs ports up to {last}, "
                "more than 65535; lower one of them"
            )
        wildcards = [text for text in self.listen_addresses if ipaddress.ip_address(text).is_unspecified]
        if wildcards and self.announced_address is None:
            raise ValueError(f"listening on {wildcards[0]} needs announced_address: clients must be told one")
        return self

    def next_block(self) -> "NodeSettings | None":
        """With the ports behind these. None where somebody chose them, or there are no more."""
        first = self.media_port + self.workers
        if "media_port" in self.model_fields_set or not self.media_port or first + self.workers > 65536:
            return None
        following = self.model_copy(update={"media_port": first})
        following.model_fields_set.discard("media_port")
        return following

    def port_of(self, worker: int) -> int:
        """Port of the worker with this index."""
        return self.media_port + worker if self.media_port else 0

    def announced_for(self, address: str) -> str:
        """What clients are told of a listen address."""
        listen = ipaddress.ip_address(address)
        if self.announced_address is None or listen.is_loopback:
            return address
        announced = ipaddress.ip_address(self.announced_address)
        return str(announced) if announced.version == listen.version else address


def machine_addresses() -> tuple[str, ...]:
    """Every address of this machine, v4 before v6, loopback last, link-local ones left out."""
    import ifaddr  # late: the settings are read in images too that have no media node

    found = {
        ipaddress.ip_address(ip.ip if isinstance(ip.ip, str) else ip.ip[0])
        for adapter in ifaddr.get_adapters()
        for ip in adapter.ips
    }
    usable = {address for address in found if not address.is_link_local}
    usable.add(ipaddress.ip_address("127.0.0.1"))
    return tuple(str(a) for a in sorted(usable, key=lambda a: (a.is_loopback, a.version, int(a))))


def _listen_address(text: str) -> str:
    address = _parse(text)
    if address.is_link_local:
        raise ValueError(f"{text} is link-local, which browsers cannot reach; give a routable address")
    if address.is_multicast:
        raise ValueError(f"{text} is a multicast address; give one of this machine")
    return str(address)


def _parse(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        raise ValueError(f"{text!r} is no IP address; give one such as 192.0.2.1 or 2001:db8::1") from None
