"""A participant's attributes: short texts by name that everybody in the room sees, such as a raised hand."""

from collections.abc import Iterator, Mapping

from rotunda_contract.errors import LimitExceeded
from rotunda_contract.signaling.common import MAX_ATTRIBUTES


class Attributes(Mapping[str, str]):
    """At most `MAX_ATTRIBUTES` names. What a name and a value may be is checked where requests are read."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}

    def change(self, changes: Mapping[str, str | None]) -> dict[str, str | None]:
        """Merges; None removes. The answer is what is different now.

        Raises LimitExceeded for too many names, and then nothing has changed.
        """
        merged = self._values | {name: value for name, value in changes.items() if value is not None}
        for name, value in changes.items():
            if value is None:
                merged.pop(name, None)
        if len(merged) > MAX_ATTRIBUTES:
            raise LimitExceeded(
                f"attributes: a participant has at most {MAX_ATTRIBUTES}, and these would be {len(merged)}: "
                "remove some first"
            )
        different = {name: value for name, value in changes.items() if self._values.get(name) != value}
        self._values = merged
        return different

    def __getitem__(self, name: str) -> str:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)
