"""The difference between an old and a new status as one JSON merge patch (RFC 7396)."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel


def status_patch(old: BaseModel, new: BaseModel) -> dict[str, Any]:
    """A merge patch of a status.

    `old` is the status as it was read. Fields that were not in it count as missing, even if the model has a
    default for them: so a number that is 0 is written, and `kubectl get` shows it instead of a blank.
    """
    return merge_patch(_dumped(old, exclude_unset=True), _dumped(new))


def merge_patch(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """The patch that turns `old` into `new`; empty when they are equal. Lists are replaced whole."""
    patch: dict[str, Any] = {name: None for name in old if name not in new}
    for name, value in new.items():
        known = old.get(name)
        if isinstance(value, dict) and isinstance(known, dict):
            inner = merge_patch(known, value)
            if inner:
                patch[name] = inner
        elif value != known:
            patch[name] = value
    return patch


def _dumped(model: BaseModel, *, exclude_unset: bool = False) -> dict[str, Any]:
    dumped = model.model_dump(by_alias=True, exclude_none=True, exclude_unset=exclude_unset)
    return {name: _json(value) for name, value in dumped.items()}


def _json(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, dict):
        return {name: _json(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_json(inner) for inner in value]
    return value
