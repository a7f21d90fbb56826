"""Sets of fields, as the API server records them in `metadata.managedFields` (FieldsV1).

A set is a tree of JSON objects. Its keys are `.` for the node itself, `f:NAME` for a field, `k:{...}` for the
item of a list that has these keys, `v:VALUE` for an item by its value, `i:INDEX` for an item by its position
(sigs.k8s.io/structured-merge-diff, fieldpath).
"""

import json
from typing import Any

Fields = dict[str, Any]
Path = tuple[str, ...]
"""Names of fields from the top of the object, none of them in a list."""


def has_more_than(fields: Fields, value: Any) -> bool:
    """Whether the set has a field that `value` does not have."""
    for key, below in fields.items():
        if key == ".":
            continue
        found, inner = _at(key, value)
        if not found or has_more_than(below, inner):
            return True
    return False


def united(one: Fields, other: Fields) -> Fields:
    """The union of two sets."""
    result = dict(one)
    for key, below in other.items():
        result[key] = united(result[key], below) if key in result else below
    return result


def part(fields: Fields, path: Path) -> Fields:
    """The part of the set at and below a field. Empty where the set does not have the field."""
    if not path:
        return fields
    key = f"f:{path[0]}"
    below = fields.get(key)
    if below is None:
        return {}
    if len(path) == 1:
        return {key: below}
    inner = part(below, path[1:])
    return {key: inner} if inner else {}


def without(fields: Fields, path: Path) -> Fields:
    """The set without a field and all below it."""
    key = f"f:{path[0]}"
    if key not in fields:
        return fields
    rest = {name: below for name, below in fields.items() if name != key}
    if len(path) == 1:
        return rest
    inner = without(fields[key], path[1:])
    return {**rest, key: inner} if set(inner) - {"."} else rest


def _at(key: str, value: Any) -> tuple[bool, Any]:
    """Whether the value has what the key of a set means, and that part of it."""
    sort, _, name = key.partition(":")
    if sort == "f":
        return (True, value[name]) if isinstance(value, dict) and name in value else (False, None)
    if not isinstance(value, list):
        return False, None
    if sort == "i":
        index = int(name)
        return (True, value[index]) if index < len(value) else (False, None)
    sought = json.loads(name)
    if sort == "v":
        return sought in value, None
    # A key that the desired item leaves to its default is not compared.
    items = (item for item in value if all(item.get(k, v) == v for k, v in sought.items()))
    item = next(items, None)
    return item is not None, item
