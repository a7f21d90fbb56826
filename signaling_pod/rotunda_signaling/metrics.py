"""The metrics for Prometheus."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from rotunda_contract.signaling import EXCHANGES

_BUCKETS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)

CONTENT_TYPE = CONTENT_TYPE_LATEST


class Metrics:
    """One process's counters, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "rotunda_signaling_requests",
            "Requests of clients by name and outcome: ok or the error's code.",
            ("request", "code"),
            registry=self.registry,
        )
        self._durations = Histogram(
            "rotunda_signaling_request_duration_seconds",
            "From a request's turn to its acknowledgement.",
            ("request",),
            buckets=_BUCKETS,
            registry=self.registry,
        )

    def observe_request(self, name: str, code: str, seconds: float) -> None:
        """A request was answered. Names that the contract does not know count as one."""
        label = name if name in EXCHANGES or name == "refused" else "unknown"
        self._requests.labels(label, code).inc()
        self._durations.labels(label).observe(seconds)

    def gauge(self, name: str, text: str, read: Callable[[], float]) -> None:
        """A value that is read when it is asked for."""
        Gauge(name, text, registry=self.registry).set_function(read)

    def render(self) -> bytes:
        """The text that `/metrics` answers."""
        return generate_latest(self.registry)
