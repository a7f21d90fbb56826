"""What a check found, and how people and machines are told."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

Status = Literal["ok", "warning", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: which step, how it is, what was seen; and what to do where it is not well."""

    step: str
    status: Status
    saw: str
    advice: str = ""


Tell = Callable[[Finding], None]
"""Given each finding as soon as there is one."""


def ok(step: str, saw: str) -> Finding:
    return Finding(step, "ok", saw)


def warning(step: str, saw: str, advice: str) -> Finding:
    return Finding(step, "warning", saw, advice)


def failed(step: str, saw: str, advice: str) -> Finding:
    return Finding(step, "failed", saw, advice)


def skipped(step: str, why: str) -> Finding:
    return Finding(step, "skipped", why)


@dataclass(slots=True)
class Report:
    """All findings in the order of the steps; each is told when it is added."""

    url: str
    room: str
    tell: Tell = lambda _: None
    findings: list[Finding] = field(default_factory=list)

    def add(self, *findings: Finding) -> None:
        for finding in findings:
            self.findings.append(finding)
            self.tell(finding)

    @property
    def healthy(self) -> bool:
        """Nothing failed; there may be warnings."""
        return not self.of("failed")

    def of(self, status: Status) -> list[Finding]:
        return [finding for finding in self.findings if finding.status == status]

    def to_json(self) -> dict[str, Any]:
        steps = [
            {"step": each.step, "status": each.status, "saw": each.saw}
            | ({"advice": each.advice} if each.advice else {})
            for each in self.findings
        ]
        return {"url": self.url, "room": self.room, "healthy": self.healthy, "steps": steps}

    def summary(self) -> str:
        """The last line."""
        bad, doubtful = len(self.of("failed")), len(self.of("warning"))
        if not bad and not doubtful:
            return "all is well"
        counts = [f"{count} {word}" for count, word in ((bad, "failed"), (doubtful, "to look at")) if count]
        return ", ".join(counts)


def as_text(finding: Finding) -> str:
    """One line, and a second one that tells what to do."""
    line = f"{finding.status:<8} {finding.step:<10} {finding.saw}"
    return f"{line}\n{'':<20}→ {finding.advice}" if finding.advice else line
