"""What the reconcilers share: the API client, the cache, the clock, and state that lives from one reconcile
to the next."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from rotunda_contract.resources import MediaCluster, MediaNode, Ports, Room
from rotunda_kube import Informer, Key, KubeApi, KubeError, Manifest, Resource
from rotunda_kube.resource import MEDIA_CLUSTERS, MEDIA_NODES, ROOMS
from rotunda_operator.cache import Cache
from rotunda_operator.certificates import Pair
from rotunda_operator.clock import Clock
from rotunda_operator.clusters.objects_status import CachedObjectsStatus
from rotunda_operator.event_recorder import Event, EventRecorder
from rotunda_operator.specs.installation import Installation
from rotunda_operator.specs.media_template import template_hash
from rotunda_operator.write_limiter import WriteLimiter

_DIGITS = re.compile(r"\d+")


class Kind(Enum):
    """What can be reconciled. WAITING_ROOMS: all Rooms of one cluster that have no node, together."""

    ROOM = "Room"
    NODE = "MediaNode"
    CLUSTER = "MediaCluster"
    WAITING_ROOMS = "waiting rooms of"


class Item(NamedTuple):
    """An entry of the work queue. The key of WAITING_ROOMS is that of the MediaCluster."""

    kind: Kind
    key: Key

    def __str__(self) -> str:
        return f"{self.kind.value} {self.key}"


@dataclass(frozen=True, slots=True)
class PodRefusal:
    """The API server refused to create the pod of a MediaNode.

    `template` is the hash of the template of that pod, `message` the API server's own words. Until the
    monotonic time `retry_at` a pod of the same template is not tried again.
    """

    template: str
    message: str
    retry_at: float


@dataclass(slots=True)
class Context:
    """`api` refuses to write without the lease. `clock` and `rng` are arguments, so that tests bring
    theirs."""

    api: KubeApi
    cache: Cache
    installation: Installation
    recorder: EventRecorder
    clock: Clock
    rng: random.Random
    write_limiter: WriteLimiter = field(default_factory=WriteLimiter)
    informers: dict[Resource, Informer] = field(default_factory=dict)
    authority: Pair | None = None
    """Issues the certificates of all clusters. None until this process holds the lease."""
    loads_known: Callable[[], bool] = lambda: True
    """Whether every node that serves has had the time to report: only then a missing report means silence."""
    may_place: Callable[[], bool] = lambda: True
    """Whether enough loads are known to place rooms. True a little earlier than `loads_known`."""
    promised_ports: dict[Key, Ports] = field(default_factory=dict)
    """By MediaNode: a block of ports that was chosen and is not in its status yet."""
    objects_status: dict[Key, CachedObjectsStatus] = field(default_factory=dict)
    """By MediaCluster."""
    templates: dict[Key, tuple[MediaCluster, str]] = field(default_factory=dict)
    """By MediaCluster: the hash of its template, and the object that the hash was made from."""
    pod_refusals: dict[Key, PodRefusal] = field(default_factory=dict)
    """By MediaNode."""
    recorded_refusals: dict[Item, str] = field(default_factory=dict)
    """By item: the last refusal of a write for which an Event was recorded."""

    def template(self, cluster: MediaCluster) -> str:
        """The hash of the desired pods of its media nodes. Cached, because each report asks for it."""
        key = Key(cluster.metadata.namespace, cluster.metadata.name)
        known = self.templates.get(key)
        if known is None or known[0] is not cluster:
            known = self.templates[key] = (cluster, template_hash(cluster, self.installation))
        return known[1]

    def record_refusal(self, item: Item, error: KubeError) -> None:
        """Records an Event for a write that the API server refused.

        A second refusal in the same words has no second Event; numbers in the words are not compared.
        """
        words = _DIGITS.sub("", str(error))
        about: Room | MediaNode | MediaCluster | None = None
        match item.kind:
            case Kind.ROOM:
                resource, about = ROOMS, self.cache.rooms.get(item.key)
            case Kind.NODE:
                resource, about = MEDIA_NODES, self.cache.nodes.get(item.key)
            case Kind.CLUSTER:
                resource, about = MEDIA_CLUSTERS, self.cache.clusters.get(item.key)
        if about is None or self.recorded_refusals.get(item) == words:
            return
        self.recorded_refusals[item] = words
        message = f"The API server refuses what is to be done for it: {error}"
        self.recorder.record(resource, about.metadata, [Event("Refused", message, "Write", warning=True)])

    def update_cache(self, resource: Resource, manifest: Manifest) -> None:
        """Puts the answer to a write into the cache at once, before the watch brings it."""
        self.informers[resource].apply(manifest)
