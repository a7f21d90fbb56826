"""Scalability modes (W3C webrtc-svc): how many layers a name such as `L3T3_KEY` stands for."""

from __future__ import annotations

import re
from dataclasses import dataclass

_MODE = re.compile(r"^[LS]([1-9]\d{0,1})T([1-9]\d{0,1})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Layers:
    """Counts, at least one each."""

    spatial: int = 1
    temporal: int = 1


def layers_of(mode: str | None) -> Layers:
    """The layers of a mode; one of each where it is absent or no mode."""
    match = _MODE.match(mode or "")
    return Layers(int(match[1]), int(match[2])) if match else Layers()
