"""What the operator writes into pods is what the pods read; a media node runs as its pod says."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from rotunda_base.settings import variables_of
from rotunda_contract.errors import Unavailable
from rotunda_contract.grpc_client import call, media_node_stub, open_channel
from rotunda_contract.identities import OPERATOR, identity_of
from rotunda_contract.pb import media_node_pb2 as pb
from rotunda_contract.resources import MediaCluster, MediaNode, Ports
from rotunda_operator.certificates import Pair, issue, new_authority
from rotunda_operator.load.otlp import ROOMS, Part
from rotunda_operator.load.receiver import LoadReceiver, serve
from rotunda_operator.specs.installation import Installation
from rotunda_operator.specs.sfu_pod import sfu_environment
from rotunda_operator.specs.signaling import signaling_environment
from rotunda_operator.testing.ports import free_port
from rotunda_sfu.settings import NodeSettings
from rotunda_signaling.settings import SignalingSettings

IDENTITY = identity_of("media-node", "default", "calls")
NODE = MediaNode.model_validate({"metadata": {"name": "default-media-0", "namespace": "calls"}, "spec": {}})


def installation(endpoint: str = "https://operator:4317") -> Installation:
    return Installation("system", "registry.example.org", "1", endpoint, tls=True)


def cluster(mode: str = "HostNetwork", announce: str = "NodeInternalIP") -> MediaCluster:
    network = {"mode": mode, "announce": announce}
    spec = {"mediaNodes": {"network": network, "capacity": {"egressMbps": 123, "participants": 7}}}
    return MediaCluster.model_validate({"metadata": {"name": "default", "namespace": "calls"}, "spec": spec})


@pytest.mark.parametrize("mode", ["HostNetwork", "HostPort"])
@pytest.mark.parametrize("announce", ["NodeInternalIP", "NodeExternalIP", "203.0.113.7"])
def test_what_is_written_into_pods_is_what_they_read(mode: str, announce: str) -> None:
    ports = Ports(media=40000, media_count=1, grpc=40001, health=40002)
    written = sfu_environment(cluster(mode, announce), NODE, ports, installation())
    assert written.keys() <= set(variables_of(NodeSettings))
    assert signaling_environment(cluster(), installation()).keys() <= set(variables_of(SignalingSettings))


async def test_a_media_node_runs_as_its_pod_says(tmp_path: Path) -> None:
    """Mutual TLS, an announced address that comes late, probes without TLS, load reports, a clean end."""
    authority = new_authority(datetime.now(UTC))
    mounted = _mounted(tmp_path / "node", authority, IDENTITY)
    async with asyncio.timeout(240), _receiver(authority) as (port, reports):
        ports = Ports(media=free_port(), media_count=1, grpc=free_port(), health=free_port())
        environment = _environment(ports, f"https://127.0.0.1:{port}", mounted, tmp_path / "announced")
        async with _media_node(environment) as process:
            assert process.stderr is not None
            waiting = await process.stderr.readline()
            assert b"waits_for_announced_address" in waiting
            (tmp_path / "announced").write_text("203.0.113.7\n")

            part = await reports.get()
            assert (part.namespace, part.name) == ("calls", "default-media-0")
            assert part.values[ROOMS] == 0
            await _is_healthy(f"127.0.0.1:{ports.health}")
            await _is_called_by_who_has_a_certificate(ports.grpc, tmp_path, authority)

            process.send_signal(signal.SIGTERM)
            await process.stderr.read()
            assert await process.wait() == 0


async def _is_called_by_who_has_a_certificate(port: int, folder: Path, authority: Pair) -> None:
    caller = _mounted(folder / "caller", authority, identity_of("signaling", "default", "calls"))
    credentials = grpc.ssl_channel_credentials(
        *((caller / name).read_bytes() for name in ("ca.crt", "tls.key", "tls.crt"))
    )
    options = (("grpc.ssl_target_name_override", IDENTITY),)
    async with grpc.aio.secure_channel(f"127.0.0.1:{port}", credentials, options=options) as channel:
        described = await call(media_node_stub(channel).Describe, pb.DescribeRequest(), timeout=60)
    assert (described.node_name, described.process_id) == ("default-media-0", "uid-of-the-pod")
    async with open_channel(f"127.0.0.1:{port}") as channel:
        with pytest.raises(Unavailable):
            await call(media_node_stub(channel).Describe, pb.DescribeRequest())


async def _is_healthy(address: str) -> None:
    async with grpc.aio.insecure_channel(address) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)  # its methods are not in its .pyi
        answer = await stub.Check(health_pb2.HealthCheckRequest())
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


@asynccontextmanager
async def _receiver(authority: Pair) -> AsyncIterator[tuple[int, asyncio.Queue[Part]]]:
    """The operator's own, which wants certificates: its port, and what it is told."""
    reports: asyncio.Queue[Part] = asyncio.Queue()
    own = issue(authority, OPERATOR, datetime.now(UTC))
    credentials = grpc.ssl_server_credentials([(own.key, own.certificate)], authority.certificate, True)
    receiver = LoadReceiver(lambda part, _: reports.put_nowait(part), asyncio.get_running_loop().time)
    port = free_port()
    server = await serve(receiver, f"127.0.0.1:{port}", credentials)
    try:
        yield port, reports
    finally:
        await server.stop(None)


@asynccontextmanager
async def _media_node(environment: dict[str, str]) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "rotunda", "sfu", "--log-format", "json"),
        env=environment,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def _environment(ports: Ports, endpoint: str, tls: Path, announced: Path) -> dict[str, str]:
    """As a kubelet would give it, with this machine's paths and addresses."""
    written = sfu_environment(cluster(announce="NodeExternalIP"), NODE, ports, installation(endpoint))
    fields = {"metadata.namespace": "calls", "metadata.uid": "uid-of-the-pod", "status.podIPs": "127.0.0.1"}
    values = {
        name: value if isinstance(value, str) else _field(value, fields) for name, value in written.items()
    }
    values["ROTUNDA_SFU_TLS_DIRECTORY"] = str(tls)
    values["ROTUNDA_SFU_ANNOUNCED_ADDRESS_FILE"] = str(announced)
    return values


def _field(source: dict[str, Any], fields: dict[str, str]) -> str:
    return fields[source["fieldRef"]["fieldPath"]]


def _mounted(folder: Path, authority: Pair, identity: str) -> Path:
    pair = issue(authority, identity, datetime.now(UTC))
    folder.mkdir()
    (folder / "ca.crt").write_bytes(authority.certificate)
    (folder / "tls.crt").write_bytes(pair.certificate)
    (folder / "tls.key").write_bytes(pair.key)
    return folder
