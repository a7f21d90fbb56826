"""Conditions as the API conventions want them: the time of transition moves with the status only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from rotunda_contract.resources import Condition


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be said. `reason` is one word for programs, `message` a sentence for people."""

    type: str
    status: Literal["True", "False", "Unknown"]
    reason: str
    message: str


def with_verdicts(
    known: Sequence[Condition], verdicts: Sequence[Verdict], generation: int, now: datetime
) -> tuple[Condition, ...]:
    """The conditions with these ones said anew; what others said stays, in its order."""
    before = {condition.type: condition for condition in known}
    result = dict(before)
    for verdict in verdicts:
        old = before.get(verdict.type)
        changed = old is None or old.status != verdict.status
        result[verdict.type] = Condition(
            type=verdict.type,
            status=verdict.status,
            reason=verdict.reason,
            message=verdict.message,
            last_transition_time=now if changed or old is None else old.last_transition_time,
            observed_generation=generation,
        )
    return tuple(result.values())


def find(known: Sequence[Condition], type: str) -> Condition | None:
    return next((condition for condition in known if condition.type == type), None)
