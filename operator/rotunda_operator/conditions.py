"""Conditions of a status by the Kubernetes API conventions: `lastTransitionTime` changes only with
`status`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from rotunda_contract.resources import Condition


@dataclass(frozen=True, slots=True)
class NewCondition:
    """A condition to set. `reason` is one word for programs, `message` a sentence for people."""

    type: str
    status: Literal["True", "False", "Unknown"]
    reason: str
    message: str


def set_conditions(
    known: Sequence[Condition], new: Sequence[NewCondition], generation: int, now: datetime
) -> tuple[Condition, ...]:
    """`known` with the new ones set. Conditions of other types stay as they are, and the order stays too."""
    before = {condition.type: condition for condition in known}
    result = dict(before)
    for condition in new:
        old = before.get(condition.type)
        changed = old is None or old.status != condition.status
        result[condition.type] = Condition(
            type=condition.type,
            status=condition.status,
            reason=condition.reason,
            message=condition.message,
            last_transition_time=now if changed or old is None else old.last_transition_time,
            observed_generation=generation,
        )
    return tuple(result.values())


def find_condition(known: Sequence[Condition], type: str) -> Condition | None:
    return next((condition for condition in known if condition.type == type), None)
