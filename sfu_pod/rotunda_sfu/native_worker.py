"""The real media worker: `rotunda_media.Worker` behind the interface that rooms use."""

from __future__ import annotations

import asyncio
import errno
import itertools
import resource
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from typing import Literal, TypeAlias

import structlog

import rotunda_media as native
from rotunda_contract.errors import BadRequest, Unavailable
from rotunda_contract.rtp import IceParameters
from rotunda_sfu.dtls import SrtpKeys
from rotunda_sfu.media_worker import (
    ConsumerListener,
    ConsumerMedia,
    Layers,
    MediaAddress,
    PlainListener,
    PlainPeer,
    ProducerMedia,
    RouterListener,
    TransportListener,
    WorkerLoad,
    WorkerStats,
)
from rotunda_sfu.rtp_mapping import ExtensionIds
from rotunda_sfu.settings import NodeSettings

_TransportEvent: TypeAlias = (
    "native.DtlsReadable | native.SrtpReceived | native.IceConnected | native.IceDisconnected "
    "| native.RemoteHeard | native.RemoteSilent | native.MediaLimited"
)
_BLOCKS = 100
"""Of ports that are tried where nobody chose some."""
_IN_USE = f"(os error {errno.EADDRINUSE})"
"""The native module's errors have their number in the text alone."""


class NativeMediaWorker:
    """One media thread. Made on the event loop on which its listeners are called.

    A thread that fails takes its rooms with it and is replaced at once, on the same ports. Where
    that is not possible, commands do nothing from then on.
    """

    def __init__(self, index: int, listen: Sequence[MediaAddress], settings: NodeSettings) -> None:
        """Raises OSError naming the address where a UDP socket cannot be opened."""
        self.index = index
        self.failed = False
        self._numbers = itertools.count(1)
        self._routers: dict[int, RouterListener] = {}
        self._transports: dict[int, Callable[[_TransportEvent], None]] = {}
        self._consumers: dict[int, ConsumerListener] = {}
        self._stats: dict[int, asyncio.Future[WorkerStats]] = {}
        self._log = structlog.stdlib.get_logger().bind(worker=index)
        self._settings = settings
        self._closed = False
        self._loop = asyncio.get_running_loop()
        self._worker = self._start(listen)
        self.addresses = _opened(self._worker)

    @property
    def consumer_count(self) -> int:
        return len(self._consumers)

    def next_number(self) -> int:
        return next(self._numbers)

    def open_router(self, router: int, listener: RouterListener) -> None:
        self._routers[router] = listener

    def close_router(self, router: int) -> None:
        self._routers.pop(router, None)

    def add_transport(self, transport: int, ice: IceParameters, listener: TransportListener) -> None:
        self._transports[transport] = partial(_dispatch_to_webrtc, listener)
        self._worker.add_transport(transport, ufrag=ice.username_fragment, password=ice.password)

    def add_plain_transport(self, transport: int, peer: PlainPeer, listener: PlainListener) -> None:
        try:
            self._worker.add_plain_transport(
                transport, peer.ip, peer.port, peer.local_ip, remote_rtcp_port=peer.rtcp_port
            )
        except ValueError as error:
            raise BadRequest(str(error)) from None
        self._transports[transport] = partial(_dispatch_to_plain, listener)

    def restart_ice(self, transport: int, ice: IceParameters) -> None:
        self._worker.restart_ice(transport, ufrag=ice.username_fragment, password=ice.password)

    def set_srtp(self, transport: int, keys: SrtpKeys) -> None:
        self._worker.set_srtp(transport, keys.profile, send=keys.send, receive=keys.receive)

    def set_max_incoming_bitrate(self, transport: int, bits_per_second: int) -> None:
        self._worker.set_max_incoming_bitrate(transport, bits_per_second)

    def send_dtls(self, transport: int, datagram: bytes) -> None:
        if transport in self._transports:
            self._worker.send_dtls(transport, datagram)

    def receive_dtls(self, transport: int, limit: int) -> list[bytes]:
        return self._worker.receive_dtls(transport, limit)

    def dtls_dropped(self, transport: int) -> int:
        return self._worker.dtls_dropped(transport)

    def remove_transport(self, transport: int) -> None:
        # A transport of a thread that failed is unknown to the one that replaced it.
        if self._transports.pop(transport, None) is not None:
            self._worker.remove_transport(transport)

    def add_producer(
        self, producer: int, *, router: int, transport: int, media: ProducerMedia, paused: bool
    ) -> None:
        self._worker.add_producer(
            producer,
            router=router,
            transport=transport,
            kind=media.kind,
            mid=media.mid,
            payloads=[
                native.PayloadMapping(
                    codec.codec,
                    codec.payload_type,
                    clock_rate=codec.clock_rate,
                    rtx_payload_type=codec.rtx_payload_type,
                    nack=codec.nack,
                )
                for codec in media.mapping.codecs
            ],
            extensions=_extension_ids(media.mapping.extensions),
            encodings=[
                native.Encoding(rid=encoding.rid, ssrc=encoding.ssrc, rtx_ssrc=encoding.rtx_ssrc)
                for encoding in media.mapping.encodings
            ],
            cname=media.cname,
            paused=paused,
        )

    def set_producer_paused(self, producer: int, paused: bool) -> None:
        self._worker.set_producer_paused(producer, paused)

    def remove_producer(self, producer: int) -> None:
        self._worker.remove_producer(producer)

    def add_consumer(
        self,
        consumer: int,
        *,
        transport: int,
        producer: int,
        media: ConsumerMedia,
        listener: ConsumerListener,
    ) -> None:
        self._consumers[consumer] = listener
        self._worker.add_consumer(
            consumer,
            transport=transport,
            producer=producer,
            mid=media.mid,
            ssrc=media.ssrc,
            rtx_ssrc=media.rtx_ssrc,
            payloads=[
                native.ConsumerPayload(
                    payload.codec, payload.payload_type, rtx_payload_type=payload.rtx_payload_type
                )
                for payload in media.mapping.payloads
            ],
            extensions=_extension_ids(media.mapping.extensions),
            cname=media.cname,
        )

    def set_consumer_paused(self, consumer: int, paused: bool) -> None:
        self._worker.set_consumer_paused(consumer, paused)

    def set_preferred_layers(self, consumer: int, spatial: int, temporal: int | None) -> None:
        self._worker.set_preferred_layers(consumer, spatial, temporal)

    def request_key_frame(self, consumer: int) -> None:
        self._worker.request_key_frame(consumer)

    def remove_consumer(self, consumer: int) -> None:
        self._consumers.pop(consumer, None)
        self._worker.remove_consumer(consumer)

    async def collect_stats(self) -> WorkerStats:
        if self.failed or self._closed:
            raise Unavailable("the media worker has ended")
        token = self.next_number()
        answer: asyncio.Future[WorkerStats] = self._loop.create_future()
        self._stats[token] = answer
        self._worker.collect_stats(token)
        try:
            return await answer
        finally:
            self._stats.pop(token, None)

    def load(self) -> WorkerLoad:
        return self._worker.load()

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._loop.remove_reader(self._worker.fileno())
            self._worker.close()
            self._end_stats()

    def _take_events(self) -> None:
        for event in self._worker.take_events():
            try:
                self._dispatch(event)
            except Exception:
                # A defect in one room must not silence the others of this worker.
                self._log.exception("event_failed", media_event=type(event).__name__)

    def _dispatch(self, event: native.Event) -> None:
        match event:
            case (
                native.DtlsReadable()
                | native.SrtpReceived()
                | native.IceConnected()
                | native.IceDisconnected()
                | native.RemoteHeard()
                | native.RemoteSilent()
                | native.MediaLimited()
            ):
                if (dispatch := self._transports.get(event.transport)) is not None:
                    dispatch(event)
            case native.LayersChanged(number, spatial, temporal):
                if (consumer := self._consumers.get(number)) is not None:
                    consumer.on_layers_changed(_layers(spatial, temporal))
            case native.ActiveSpeaker(number, producer):
                if (router := self._routers.get(number)) is not None:
                    router.on_active_speaker(producer)
            case native.Stats(token):
                if (answer := self._stats.get(token)) is not None and not answer.done():
                    answer.set_result(event)
            case native.CommandFailed(message):
                self._log.error("command_failed", error=message)
            case native.WorkerFailed(message):
                self._fail(message)
            case native.ProducerStarted() | native.RemoteHeard() | native.RemoteSilent():
                pass

    def _start(self, listen: Sequence[MediaAddress]) -> native.Worker:
        try:
            worker = self._open(listen)
        except OSError as error:
            # Any connection of the machine may have a TCP port that is ours: calls go on without it.
            worker = self._open([at for at in listen if at.protocol == "udp"])
            self._log.warning("media_tcp_not_opened", error=str(error))
        self._loop.add_reader(worker.fileno(), self._take_events)
        return worker

    def _open(self, listen: Sequence[MediaAddress]) -> native.Worker:
        try:
            return native.Worker(
                [
                    native.ListenAddress(at.ip, at.port, protocol=at.protocol, announced=at.announced)
                    for at in listen
                ],
                name=f"media-{self.index}",
                segmentation_offload=self._settings.segmentation_offload,
                tcp_connections=self._settings.tcp_connections,
                tcp_connections_per_address=self._settings.tcp_connections_per_address,
            )
        except OSError as error:
            raise OSError(_without_repetition(str(error))) from error

    def _fail(self, message: str) -> None:
        self._log.error("worker_failed", error=message)
        self._loop.remove_reader(self._worker.fileno())
        self._worker.close()
        self.failed = True
        for router in list(self._routers.values()):
            router.on_worker_failed(message)
        self._transports.clear()
        self._consumers.clear()
        self._end_stats()
        try:
            self._worker = self._start(self.addresses)
        except OSError as error:
            self._log.error("worker_not_replaced", error=str(error))
        else:
            self.addresses = _opened(self._worker)
            self.failed = False
            self._log.warning("worker_replaced")

    def _end_stats(self) -> None:
        for answer in self._stats.values():
            if not answer.done():
                answer.set_exception(Unavailable("the media worker has ended"))


def open_workers(settings: NodeSettings) -> list[NativeMediaWorker]:
    """One worker after the other, each on ports of its own. Ports that nobody asked for give way to the next.

    Raises OSError naming the address where a socket cannot be opened; none is left open then.
    """
    _allow_descriptors()
    for _ in range(_BLOCKS):
        try:
            return _open_all(settings)
        except OSError as error:
            following = settings.next_block()
            if following is None or _IN_USE not in str(error):
                raise
            structlog.stdlib.get_logger().warning(
                "media_ports_give_way",
                wanted=settings.media_port,
                next=following.media_port,
                error=str(error),
            )
            settings = following
    return _open_all(settings)


def _open_all(settings: NodeSettings) -> list[NativeMediaWorker]:
    workers: list[NativeMediaWorker] = []
    protocols: tuple[Literal["udp", "tcp"], ...] = ("udp", "tcp") if settings.media_tcp else ("udp",)
    try:
        for index in range(settings.workers):
            listen = [
                MediaAddress(address, settings.port_of(index), settings.announced_for(address), protocol)
                for protocol in protocols
                for address in settings.listen_addresses
            ]
            workers.append(NativeMediaWorker(index, listen, settings))
    except OSError:
        for worker in workers:
            worker.close()
        raise
    return workers


def _allow_descriptors() -> None:
    """Takes as many as the process may have: each TCP connection is one.

    What a process begins with is meant for those that use select(2).
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _opened(worker: native.Worker) -> tuple[MediaAddress, ...]:
    return tuple(MediaAddress(at.ip, at.port, at.announced, at.protocol) for at in worker.addresses)


def _dispatch_to_webrtc(transport: TransportListener, event: _TransportEvent) -> None:
    match event:
        case native.DtlsReadable():
            transport.on_dtls_readable()
        case native.SrtpReceived():
            transport.on_srtp_received()
        case native.IceConnected(_, remote_ip, remote_port, protocol):
            transport.on_ice_connected(remote_ip, remote_port, protocol)
        case native.IceDisconnected():
            transport.on_ice_disconnected()
        case native.MediaLimited(_, refused):
            transport.on_media_limited(refused)


def _dispatch_to_plain(transport: PlainListener, event: _TransportEvent) -> None:
    match event:
        case native.RemoteHeard(_, remote_ip, remote_port):
            transport.on_peer_active(remote_ip, remote_port)
        case native.RemoteSilent():
            transport.on_peer_inactive()
        case native.MediaLimited(_, refused):
            transport.on_media_limited(refused)


def _without_repetition(message: str) -> str:
    """The native layers each put "cannot listen on …" in front of the reason."""
    _, listening, reason = message.rpartition("cannot listen on ")
    return listening + reason


def _extension_ids(ids: ExtensionIds) -> native.ExtensionIds:
    return native.ExtensionIds(**asdict(ids))


def _layers(spatial: int | None, temporal: int | None) -> Layers | None:
    return None if spatial is None else Layers(spatial, temporal or 0)
