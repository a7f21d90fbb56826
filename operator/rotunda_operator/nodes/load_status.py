"""The load in a MediaNode's status: rounded, and written only when it differs enough to be worth it."""

from rotunda_contract.resources import Load, MediaNodeStatus
from rotunda_operator.load import NodeReport

THRESHOLD_PERCENT = 5
REPORT_SECONDS = 60.0
"""How far a written time of the last report may lie behind the last report, in a small fleet."""
REPORT_SECONDS_A_NODE = 0.25
"""In a large one so many for each of its nodes, or nothing but these times would be written."""


def load_of(report: NodeReport) -> Load:
    return Load(
        utilization_percent=min(round(report.utilization * 100), 1000),
        cpu_percent=min(round((report.cpu or 0.0) * 100), 1000),
        egress_kbps=round(report.egress_bitrate / 1000),
        packets_per_second=round(report.packets_per_second),
        rooms=report.rooms,
        participants=report.participants,
        consumers=report.consumers,
        packet_loss_percent=round(report.packet_loss * 100, 2),
        jitter_milliseconds=round(report.jitter_seconds * 1000, 1),
    )


def matters(written: MediaNodeStatus, now: MediaNodeStatus, nodes: int) -> bool:
    """Whether somebody who looks should see the difference, in a fleet of so many media nodes."""
    return _differ(written.load, now.load) or _is_behind(written, now, nodes)


def _differ(written: Load | None, now: Load | None) -> bool:
    if written is None or now is None:
        return written != now
    if (written.rooms, written.participants) != (now.rooms, now.participants):
        return True
    return abs(written.utilization_percent - now.utilization_percent) >= THRESHOLD_PERCENT


def _is_behind(written: MediaNodeStatus, now: MediaNodeStatus, nodes: int) -> bool:
    if written.last_report_time is None or now.last_report_time is None:
        return written.last_report_time != now.last_report_time
    seconds = (now.last_report_time - written.last_report_time).total_seconds()
    return seconds >= max(REPORT_SECONDS, nodes * REPORT_SECONDS_A_NODE)
