"""The load in a MediaNode's status: rounded, and written only when it has changed enough to be worth a
write."""

from rotunda_contract.resources import Load, MediaNodeStatus
from rotunda_operator.load import NodeReport

UTILIZATION_THRESHOLD_PERCENT = 5
REPORT_TIME_SECONDS = 60.0
"""How far `lastReportTime` in a status may lie behind the last report."""
REPORT_TIME_SECONDS_PER_NODE = 0.25
"""In a large fleet it may lie behind by so much for each media node: otherwise these times alone would use up
the rate of status writes."""


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


def is_worth_writing(written: MediaNodeStatus, now: MediaNodeStatus, nodes: int) -> bool:
    """Whether the difference is large enough. `nodes`: how many media nodes there are."""
    return _differ(written.load, now.load) or _is_behind(written, now, nodes)


def _differ(written: Load | None, now: Load | None) -> bool:
    if written is None or now is None:
        return written != now
    if (written.rooms, written.participants) != (now.rooms, now.participants):
        return True
    return abs(written.utilization_percent - now.utilization_percent) >= UTILIZATION_THRESHOLD_PERCENT


def _is_behind(written: MediaNodeStatus, now: MediaNodeStatus, nodes: int) -> bool:
    if written.last_report_time is None or now.last_report_time is None:
        return written.last_report_time != now.last_report_time
    seconds = (now.last_report_time - written.last_report_time).total_seconds()
    return seconds >= max(REPORT_TIME_SECONDS, nodes * REPORT_TIME_SECONDS_PER_NODE)
