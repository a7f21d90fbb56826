"""Pods over mutual TLS: certificates that the operator issues, real gRPC at both ends, and renewal."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import grpc.aio
import pytest

from rotunda_base.mounted_tls import MountedCertificates, NoCertificatesError
from rotunda_contract.errors import Unavailable
from rotunda_contract.identities import identity_of
from rotunda_contract.pb import media_node_pb2 as pb
from rotunda_operator.certificates import Pair, issue, new_authority
from rotunda_operator.load.otlp import PARTICIPANTS, Part
from rotunda_operator.load.receiver import LoadReceiver, serve
from rotunda_operator.load.reporter_auth import receiver_credentials
from rotunda_operator.testing.ports import free_port
from rotunda_sfu.fake_node import FakeNode
from rotunda_sfu.load import NodeLoad, WorkerUse
from rotunda_sfu.service.server import grpc_server
from rotunda_sfu.telemetry import LoadReporter
from rotunda_signaling.media_node.grpc import GrpcMediaNode, GrpcMediaNodes
from rotunda_signaling.media_node.tls import dial_with

NODE = identity_of("media-node", "default", "calls")
SIGNALING = identity_of("signaling", "default", "calls")
KEY = pb.RoomKey(room="standup", epoch=1, process_id="process-1")
LOAD = NodeLoad(0.5, (WorkerUse(0.5),), 1e6, 0.0, 0.0, {"standup": 3}, 12, 1000, 0, 0, 0)
Reports = asyncio.Queue[Part]


class Mount:
    """A Secret as a kubelet mounts it."""

    def __init__(self, directory: Path, authority: Pair, identity: str) -> None:
        self.directory = directory
        directory.mkdir()
        self._moments = 0
        for name in ("ca.crt", "tls.crt", "tls.key"):
            (directory / name).symlink_to(Path("..data") / name)
        self.put(authority, issue(authority, identity, datetime.now(UTC)))

    def put(self, authority: Pair, pair: Pair) -> None:
        """All of it at once, and what was there before is gone."""
        self._moments += 1
        moment = self.directory / f"..moment-{self._moments}"
        moment.mkdir()
        (moment / "ca.crt").write_bytes(authority.certificate)
        (moment / "tls.crt").write_bytes(pair.certificate)
        (moment / "tls.key").write_bytes(pair.key)
        link = self.directory / "..next"
        link.symlink_to(moment.name)
        link.rename(self.directory / "..data")
        before = self.directory / f"..moment-{self._moments - 1}"
        if before.is_dir():
            for file in before.iterdir():
                file.unlink()
            before.rmdir()

    def renew(self, authority: Pair, identity: str) -> None:
        self.put(authority, issue(authority, identity, datetime.now(UTC)))


@pytest.fixture(scope="module")
def authority() -> Pair:
    return new_authority(datetime.now(UTC))


@pytest.fixture(scope="module")
def foreign() -> Pair:
    return new_authority(datetime.now(UTC))


@dataclass(frozen=True, slots=True)
class Pods:
    """A media node that serves, with its mounted certificates, and a place for those of who calls it."""

    fake: FakeNode
    address: str
    node: Mount
    folder: Path
    serving: AsyncExitStack

    async def restart(self) -> None:
        """No connection of before is left."""
        await self.serving.aclose()
        self.fake.node.settings = self.fake.node.settings.model_copy(update={"grpc_address": self.address})
        await self.serving.enter_async_context(grpc_server(self.fake.node))

    def mount(self, authority: Pair, identity: str = SIGNALING) -> Mount:
        return Mount(self.folder / f"caller-{len(list(self.folder.iterdir()))}", authority, identity)


@pytest.fixture
async def pods(authority: Pair, tmp_path: Path) -> AsyncIterator[Pods]:
    fake, mount = FakeNode(), Mount(tmp_path / "node", authority, NODE)
    fake.node.settings = fake.settings.model_copy(update={"tls_directory": mount.directory})
    async with AsyncExitStack() as serving:
        running = await serving.enter_async_context(grpc_server(fake.node))
        yield Pods(fake, running.grpc_address, mount, tmp_path, serving)


@asynccontextmanager
async def caller(pods: Pods, directory: Path | None) -> AsyncIterator[GrpcMediaNode]:
    """A signaling process with these certificates."""
    nodes = GrpcMediaNodes(deadline=20.0, dial=dial_with(directory, "default", "calls"))
    try:
        yield nodes.at_address(pods.address)
    finally:
        await nodes.close()


async def test_signaling_with_our_certificate_is_served(pods: Pods, authority: Pair) -> None:
    async with caller(pods, pods.mount(authority).directory) as node:
        assert (await node.describe()).process_id == "process-1"


async def test_a_caller_without_a_certificate_or_with_a_foreign_one_is_refused(
    pods: Pods, foreign: Pair
) -> None:
    for directory in (None, pods.mount(foreign).directory):
        async with caller(pods, directory) as node:
            with pytest.raises(Unavailable):
                await node.describe()
    await _refuses_who_shows_nothing(pods)


async def test_signaling_believes_only_media_nodes_of_its_cluster(
    pods: Pods, authority: Pair, foreign: Pair
) -> None:
    mount = pods.mount(authority)
    for issuer, identity in (
        (authority, identity_of("media-node", "other", "calls")),
        (authority, SIGNALING),
        (foreign, NODE),
    ):
        pods.node.renew(issuer, identity)
        async with caller(pods, mount.directory) as node:
            with pytest.raises(Unavailable):
                await node.describe()
    pods.node.renew(authority, NODE)
    async with caller(pods, mount.directory) as node:
        await node.describe()


async def test_both_ends_go_on_with_renewed_certificates_and_streams_stay(
    pods: Pods, authority: Pair, foreign: Pair
) -> None:
    """Another authority, so that nothing of before would do for a new connection."""
    mount = pods.mount(authority)
    async with caller(pods, mount.directory) as node:
        await node.open_room(pb.OpenRoomRequest(room_key=KEY))
        events = node.watch_room(pb.WatchRoomRequest(room_key=KEY, watcher_id="w"))
        assert (await anext(events)).HasField("snapshot")

        pods.node.renew(foreign, NODE)
        async with caller(pods, pods.mount(authority).directory) as late:
            with pytest.raises(Unavailable):
                await late.describe()
        mount.renew(foreign, SIGNALING)
        await node.describe()

        request = pb.JoinRequest(room_key=KEY, watcher_id="w", connection_id="c", display_name="Ada")
        await node.join(request)
        assert (await anext(events)).HasField("participant_joined")
        await pods.restart()
        await _until_served(node)


async def test_load_is_taken_from_media_nodes_with_our_certificate(
    authority: Pair, foreign: Pair, tmp_path: Path
) -> None:
    port = free_port()
    others = (
        None,
        Mount(tmp_path / "foreign", foreign, NODE).directory,
        Mount(tmp_path / "signaling", authority, SIGNALING).directory,
        Mount(tmp_path / "elsewhere", authority, identity_of("media-node", "default", "other")).directory,
    )
    async with _receiver(authority, port) as reports:
        for directory in others:
            async with _reporter(port, directory) as reporter:
                await reporter.report(LOAD)
        async with _reporter(port, Mount(tmp_path / "ours", authority, NODE).directory) as reporter:
            told = await _until_told(reporter, reports)
        assert (told, reports.qsize()) == (("calls", "local", 3), 0)


async def test_load_is_reported_on_with_renewed_certificates(
    authority: Pair, foreign: Pair, tmp_path: Path
) -> None:
    mount, port = Mount(tmp_path / "node", authority, NODE), free_port()
    async with _reporter(port, mount.directory) as reporter:
        async with _receiver(authority, port) as reports:
            await _until_told(reporter, reports)
        async with _receiver(foreign, port) as reports:
            await reporter.report(LOAD)
            assert reports.empty()
            mount.renew(foreign, NODE)
            await _until_told(reporter, reports)


def test_what_is_damaged_is_named_at_first_and_passed_over_later(authority: Pair, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"ca\.crt"):
        MountedCertificates(tmp_path)
    mount = Mount(tmp_path / "node", authority, NODE)
    mounted = MountedCertificates(mount.directory)
    first = mounted.current()
    pair, other = (issue(authority, NODE, datetime.now(UTC)) for _ in range(2))

    for damaged in (Pair(pair.certificate, other.key), Pair(b"", pair.key), Pair(pair.certificate, b"x")):
        mount.put(authority, damaged)
        assert mounted.current() is first
        with pytest.raises(NoCertificatesError, match="its private key"):
            MountedCertificates(mount.directory)
    mount.put(authority, pair)
    assert mounted.current().certificate == pair.certificate
    assert mounted.version == 2


async def _until_served(node: GrpcMediaNode) -> None:
    async with asyncio.timeout(120):
        while True:
            with suppress(Unavailable):
                await node.describe()
                return
            await asyncio.sleep(0.1)  # it left the node alone for a moment, as its connection had broken


async def _refuses_who_shows_nothing(pods: Pods) -> None:
    """Who trusts the node, but has no certificate of its own."""
    credentials = grpc.ssl_channel_credentials((pods.node.directory / "ca.crt").read_bytes())
    options = (("grpc.ssl_target_name_override", NODE),)
    async with grpc.aio.secure_channel(pods.address, credentials, options=options) as channel:
        call: Callable[..., grpc.aio.UnaryUnaryCall[bytes, bytes]] = channel.unary_unary(
            "/rotunda.v1.MediaNode/Describe"
        )
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call(b"", timeout=20)
        assert refused.value.code() is grpc.StatusCode.UNAVAILABLE


@asynccontextmanager
async def _receiver(authority: Pair, port: int) -> AsyncIterator[Reports]:
    """The operator's own, and what it is told."""
    reports: Reports = asyncio.Queue()
    receiver = LoadReceiver(lambda part, _: reports.put_nowait(part), asyncio.get_running_loop().time)
    credentials = receiver_credentials(authority, lambda: datetime.now(UTC))
    server = await serve(receiver, f"127.0.0.1:{port}", credentials)
    try:
        yield reports
    finally:
        await server.stop(None)


@asynccontextmanager
async def _reporter(port: int, directory: Path | None) -> AsyncIterator[LoadReporter]:
    """A media node's own."""
    settings = FakeNode().settings.model_copy(update={"tls_directory": directory, "namespace": "calls"})
    scheme = "http" if directory is None else "https"
    reporter = LoadReporter(settings, f"{scheme}://127.0.0.1:{port}")
    try:
        yield reporter
    finally:
        reporter.close()


async def _until_told(reporter: LoadReporter, reports: Reports) -> tuple[str, str, int]:
    """Namespace, name and people of the first report that arrives: on a busy machine some may be late."""
    async with asyncio.timeout(120):
        while reports.empty():
            await reporter.report(LOAD)
    part = reports.get_nowait()
    return part.namespace, part.name, int(part.values[PARTICIPANTS])
