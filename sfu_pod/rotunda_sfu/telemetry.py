"""Tells the operator how much this node carries: OTLP metrics over gRPC, every two seconds.

What is measured is `load`; the names are those of the load reports that the operator reads. Nothing waits
for a report: one that cannot be delivered within a second is dropped, and the next one is more recent.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

import structlog
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics import _Gauge as Gauge
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    MetricExporter,
    MetricExportResult,
    MetricsData,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.resources import Resource

from rotunda_base.mounted_tls import MountedCertificates
from rotunda_base.tasks import cancel_and_wait
from rotunda_contract.errors import Unavailable
from rotunda_contract.identities import OPERATOR
from rotunda_sfu.load import Capacity, LoadMeter, NodeLoad, Sample, WorkerSample, WorkerUse
from rotunda_sfu.media_worker import MediaWorker
from rotunda_sfu.node import Node
from rotunda_sfu.settings import NodeSettings

SERVICE = "rotunda-sfu"
EXPORT_SECONDS = 1.0
"""How long one report may take."""
MOST_ROOMS = 100_000
"""How many rooms are reported one by one."""
_STATS_SECONDS = 0.5
_CHANNEL_OPTIONS: tuple[tuple[str, Any], ...] = (
    # A receiver that is gone, or stopped, is noticed within the freshness of a report, and left for the next.
    ("grpc.keepalive_time_ms", 2_000),
    ("grpc.keepalive_timeout_ms", 1_000),
    ("grpc.http2.ping_timeout_ms", 1_000),  # which the library waits as well, by default for a minute
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.min_reconnect_backoff_ms", 200),
    ("grpc.dns_min_time_between_resolutions_ms", 500),
    ("grpc.enable_http_proxy", 0),
)
_Callback = Callable[[CallbackOptions], Iterable[Observation]]


@asynccontextmanager
async def report_load(node: Node, endpoint: str) -> AsyncIterator[None]:
    """Reports until the context ends. Raises OSError where a certificate of the settings is missing."""
    reporter = LoadReporter(node.settings, endpoint)
    task = asyncio.create_task(_run(node, reporter), name="load reports")
    try:
        yield
    finally:
        await cancel_and_wait(task)
        reporter.close()


class LoadReporter:
    """One meter and its exporter. `report` runs on a thread of its own: the exporter blocks."""

    def __init__(self, settings: NodeSettings, endpoint: str) -> None:
        # It logs every report that fails, as an error each; we log when that begins and ends.
        logging.getLogger("opentelemetry.exporter.otlp.proto.grpc.exporter").setLevel(logging.CRITICAL)
        self._load: NodeLoad | None = None
        directory = settings.tls_directory
        mounted = MountedCertificates(directory) if directory is not None else None
        self._exporter = _Exporter(endpoint, mounted)
        self._reader = PeriodicExportingMetricReader(
            self._exporter,
            export_interval_millis=math.inf,  # we say when
            cardinality_limits={Gauge: MOST_ROOMS},
        )
        self._provider = MeterProvider([self._reader], resource=_resource(settings), shutdown_on_exit=False)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="load-reports")
        self._delivered: bool | None = None
        self._log = structlog.stdlib.get_logger().bind(endpoint=endpoint)
        self._make_instruments()

    async def report(self, load: NodeLoad) -> None:
        """Sends it. Whether it arrived is logged when that changes."""
        self._load = load
        for room, people in load.participants.items():
            self._by_room.set(people, {"rotunda.room": room})
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._thread, self._reader.collect)
        if self._exporter.delivered != self._delivered:
            self._delivered = self._exporter.delivered
            log = self._log.info if self._delivered else self._log.warning
            log("load_reported" if self._delivered else "load_report_failed")

    def close(self) -> None:
        """Does not wait for a report that is on its way."""
        self._thread.shutdown(wait=False, cancel_futures=True)
        self._exporter.shutdown()

    def _make_instruments(self) -> None:
        meter = self._provider.get_meter("rotunda_sfu")
        gauges: tuple[tuple[str, str, Callable[[NodeLoad], float]], ...] = (
            ("rotunda.media.utilization", "1", lambda load: load.utilization),
            ("rotunda.media.egress.bitrate", "bit/s", lambda load: load.egress_bitrate),
            ("rotunda.media.packet_loss", "1", lambda load: load.packet_loss),
            ("rotunda.media.jitter", "s", lambda load: load.jitter),
            ("rotunda.rooms", "{room}", lambda load: len(load.participants)),
            ("rotunda.participants", "{participant}", lambda load: sum(load.participants.values())),
            ("rotunda.consumers", "{consumer}", lambda load: load.consumers),
        )
        counters: tuple[tuple[str, Callable[[NodeLoad], float]], ...] = (
            ("rotunda.media.packets.forwarded", lambda load: load.packets_forwarded),
        )
        for name, unit, value in gauges:
            meter.create_observable_gauge(name, [self._single(value)], unit)
        for name, value in counters:
            meter.create_observable_counter(name, [self._single(value)], "{packet}")
        meter.create_observable_counter("rotunda.media.packets.dropped", [self._dropped], "{packet}")
        by_worker: tuple[tuple[str, str, Callable[[WorkerUse], float]], ...] = (
            ("rotunda.media.worker.utilization", "1", lambda worker: worker.utilization),
            ("rotunda.media.worker.backlog", "By", lambda worker: worker.backlog_bytes),
            ("rotunda.media.worker.commands", "{command}", lambda worker: worker.commands_waiting),
        )
        for name, unit, of_worker in by_worker:
            meter.create_observable_gauge(name, [self._by_worker(of_worker)], unit)
        # Set by hand: an observable one would remember every room that there ever was.
        self._by_room = meter.create_gauge("rotunda.room.participants", "{participant}")

    def _single(self, value: Callable[[NodeLoad], float]) -> _Callback:
        def observe(options: CallbackOptions) -> Iterator[Observation]:
            if self._load is not None:
                yield Observation(value(self._load))

        return observe

    def _by_worker(self, value: Callable[[WorkerUse], float]) -> _Callback:
        def observe(options: CallbackOptions) -> Iterator[Observation]:
            if self._load is not None:
                for index, worker in enumerate(self._load.workers):
                    yield Observation(value(worker), {"rotunda.worker": index})

        return observe

    def _dropped(self, options: CallbackOptions) -> Iterator[Observation]:
        """What the worker received in vain or could not send, what the kernel had no room for, and what
        senders sent beyond their limit."""
        if self._load is not None:
            yield Observation(self._load.packets_dropped, {"rotunda.dropped_by": "worker"})
            yield Observation(self._load.packets_overflowed, {"rotunda.dropped_by": "kernel"})
            yield Observation(self._load.packets_refused, {"rotunda.dropped_by": "limit"})


class _Exporter(MetricExporter):
    """Remembers whether its last report arrived, and connects anew when its certificates were renewed."""

    def __init__(self, endpoint: str, mounted: MountedCertificates | None) -> None:
        # What is set anew for each report is forgotten with it.
        super().__init__(preferred_temporality={Gauge: AggregationTemporality.DELTA})
        self.delivered = False
        self._endpoint = endpoint
        self._mounted = mounted
        self._version = self._certificate_version()
        self._connected = self._connect()

    def export(
        self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any
    ) -> MetricExportResult:
        if (version := self._certificate_version()) != self._version:
            self._connected.shutdown()
            self._version = version
            self._connected = self._connect()
        result = self._connected.export(metrics_data, timeout_millis, **kwargs)
        self.delivered = result is MetricExportResult.SUCCESS
        return result

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        return self._connected.force_flush(timeout_millis)

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        self._connected.shutdown(timeout_millis, **kwargs)

    def _certificate_version(self) -> int:
        if self._mounted is None:
            return 0
        self._mounted.current()
        return self._mounted.version

    def _connect(self) -> OTLPMetricExporter:
        options = _CHANNEL_OPTIONS
        if self._mounted is not None:
            options = (*options, ("grpc.ssl_target_name_override", OPERATOR))
        return OTLPMetricExporter(
            self._endpoint,
            insecure=self._mounted is None,
            credentials=self._mounted.current().for_channel() if self._mounted is not None else None,
            timeout=EXPORT_SECONDS,
            channel_options=options,  # type: ignore[arg-type]  # numbers are options too
        )


async def _run(node: Node, reporter: LoadReporter) -> None:
    capacity = Capacity(node.settings.capacity_egress_mbps * 1e6, node.settings.capacity_participants)
    meter = LoadMeter(capacity)
    log = structlog.stdlib.get_logger()
    due = time.monotonic()
    while True:
        try:
            await reporter.report(meter.measure(await _sample(node)))
        except Exception:
            log.exception("load_report_broken")
        # By the clock, not by the report: one that takes long does not put off the next.
        due = max(due + node.settings.report_interval, time.monotonic())
        await asyncio.sleep(due - time.monotonic())


async def _sample(node: Node) -> Sample:
    workers = await asyncio.gather(*(_worker_sample(worker) for worker in node.workers))
    return Sample(
        at=time.monotonic(),
        workers=workers,
        participants={room.name: room.count for room in node.rooms},
        consumers=sum(worker.consumer_count for worker in node.workers),
    )


async def _worker_sample(worker: MediaWorker) -> WorkerSample:
    if worker.failed:
        return WorkerSample(None)
    try:
        async with asyncio.timeout(_STATS_SECONDS):
            stats = await worker.collect_stats()
    except (Unavailable, TimeoutError):
        return WorkerSample(None if worker.failed else worker.load())
    return WorkerSample(worker.load(), stats)


def _resource(settings: NodeSettings) -> Resource:
    attributes = {"service.name": SERVICE, "service.instance.id": settings.node_name}
    if settings.namespace:
        attributes["k8s.namespace.name"] = settings.namespace
        # The process's name in a cluster, so that nobody takes the reports of the pod before it for its own.
        attributes["k8s.pod.uid"] = settings.process_id
    return Resource(attributes)
