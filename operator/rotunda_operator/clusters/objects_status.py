"""What a reconcile of the objects of a MediaCluster found. Plain data."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ObjectsStatus:
    """The objects are what `clusters.desired` lists: Secrets, TURN, signaling; no media nodes.

    `problems`: which objects could not be created, changed or deleted and why, a sentence each.
    `not_ready`: for each component with pods that are not ready, why, in sentences.
    `waits_for_pods`: whether any pod is not ready.
    """

    problems: tuple[str, ...] = ()
    not_ready: Mapping[str, str] = field(default_factory=dict)
    waits_for_pods: bool = False


@dataclass(frozen=True, slots=True)
class CachedObjectsStatus:
    """The result of the last reconcile of the objects, so that not every change of the fleet repeats it.

    It is valid until the monotonic time `valid_until`, as long as `fingerprint` (see
    `clusters.objects.fingerprint`) is still the same.
    """

    fingerprint: tuple[object, ...]
    status: ObjectsStatus
    valid_until: float
