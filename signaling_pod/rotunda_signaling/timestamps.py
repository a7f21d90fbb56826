"""Times as the contract spells them: RFC 3339 in UTC with milliseconds."""

from datetime import UTC, datetime


def timestamp(time: datetime) -> str:
    """Such as `2026-11-21T08:00:00.000Z`."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_timestamp(text: str) -> datetime:
    """Raises ValueError for what `timestamp` did not spell."""
    return datetime.fromisoformat(text)
