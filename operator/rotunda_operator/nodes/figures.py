"""The load in a MediaNode's status: rounded, and written only when it differs enough to be worth it."""

from rotunda_contract.resources import Load
from rotunda_operator.load import NodeReport

THRESHOLD_PERCENT = 5


def load_of(report: NodeReport) -> Load:
    return Load(
        utilization_percent=min(round(report.utilization * 100), 1000),
        cpu_percent=min(round(report.cpu * 100), 1000),
        egress_kbps=round(report.egress_bitrate / 1000),
        packets_per_second=round(report.packets_per_second),
        rooms=report.rooms,
        participants=report.participants,
        consumers=report.consumers,
        packet_loss_percent=round(report.packet_loss * 100, 2),
        jitter_milliseconds=round(report.jitter_seconds * 1000, 1),
    )


def matters(written: Load | None, now: Load | None) -> bool:
    """Whether somebody who looks should see the difference."""
    if written is None or now is None:
        return written != now
    if (written.rooms, written.participants) != (now.rooms, now.participants):
        return True
    return abs(written.utilization_percent - now.utilization_percent) >= THRESHOLD_PERCENT
