"""What the parts that act on the cluster share."""

from __future__ import annotations

import asyncio
import random
import re
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

import structlog

from rotunda_contract.resources import MediaCluster, MediaNode, Metadata, Ports, Room
from rotunda_kube import Informer, Key, KubeApi, KubeError, Manifest, Resource
from rotunda_kube.resource import EVENTS, MEDIA_CLUSTERS, MEDIA_NODES, ROOMS
from rotunda_operator.cache import World
from rotunda_operator.certificates import Pair
from rotunda_operator.clock import Moment
from rotunda_operator.event_recorder import Note, event_manifest
from rotunda_operator.lease import NotHolder
from rotunda_operator.specs.installation import Installation
from rotunda_operator.specs.media_template import template_hash
from rotunda_operator.write_limiter import EVENT_RATE, Sparing

MOST_NOTES = 2000
_DIGITS = re.compile(r"\d+")

_log = structlog.get_logger(__name__)


class Kind(Enum):
    """What can be looked at. WAITING: all the Rooms of a cluster that have no node."""

    ROOM = "Room"
    NODE = "MediaNode"
    CLUSTER = "MediaCluster"
    WAITING = "waiting rooms of"


class Item(NamedTuple):
    kind: Kind
    key: Key

    def __str__(self) -> str:
        return f"{self.kind.value} {self.key}"


@dataclass(frozen=True, slots=True)
class Standing:
    """What a look at everything of a cluster found. `problems`: what could not be made, a sentence each.
    `troubles`: why pods of a component are not ready. `waits`: whether any is not."""

    problems: tuple[str, ...] = ()
    troubles: Mapping[str, str] = field(default_factory=dict)
    waits: bool = False


@dataclass(frozen=True, slots=True)
class Stood:
    """When everything of a cluster was looked at last: by which marks, what was found, and until when
    (monotonic) that is good enough."""

    marks: tuple[object, ...]
    standing: Standing
    until: float


@dataclass(frozen=True, slots=True)
class Refusal:
    """That the API server would not have the pod of a MediaNode: of which template, in its words, and until
    when (monotonic) it is not asked again."""

    template: str
    text: str
    until: float


@dataclass(slots=True)
class Context:
    """`api` refuses to write without the lease. `now` and `rng` are given, for tests with their own."""

    api: KubeApi
    world: World
    installation: Installation
    identity: str
    now: Callable[[], Moment]
    rng: random.Random
    sparing: Sparing = field(default_factory=Sparing)
    informers: dict[Resource, Informer] = field(default_factory=dict)
    authority: Pair | None = None
    """Issues the certificates of all clusters; known once this process acts."""
    settled: Callable[[], bool] = lambda: True
    """Whether lists are complete and loads known, so that what is missing is missing."""
    placing: Callable[[], bool] = lambda: True
    """Whether enough loads are known to place rooms by: a little earlier than `settled`."""
    promised_ports: dict[Key, Ports] = field(default_factory=dict)
    """Blocks of MediaNodes whose status does not say them yet."""
    stood: dict[Key, Stood] = field(default_factory=dict)
    """By MediaCluster."""
    templates: dict[Key, tuple[MediaCluster, str]] = field(default_factory=dict)
    """By MediaCluster: the hash of its template, and what it was made from."""
    refusals: dict[Key, Refusal] = field(default_factory=dict)
    """By MediaNode."""
    refused: dict[Item, str] = field(default_factory=dict)
    """What was told last of a write that was refused, by what was looked at."""
    notes: deque[Manifest] = field(default_factory=lambda: deque(maxlen=MOST_NOTES))
    noted: asyncio.Event = field(default_factory=asyncio.Event)

    def template(self, cluster: MediaCluster) -> str:
        """The hash of the pods of its media nodes as they shall be; kept, as each report asks for it."""
        key = Key(cluster.metadata.namespace, cluster.metadata.name)
        known = self.templates.get(key)
        if known is None or known[0] is not cluster:
            known = self.templates[key] = (cluster, template_hash(cluster, self.installation))
        return known[1]

    def note(self, resource: Resource, about: Metadata, notes: tuple[Note, ...]) -> None:
        """Tells them as Events, when there is time; the oldest are let go where too many wait."""
        for note in notes:
            _log.info(note.reason, kind=resource.kind, name=f"{about.namespace}/{about.name}", note=note.text)
            self.notes.append(event_manifest(resource, about, note, self.identity))
        self.noted.set()

    def tell_refused(self, item: Item, error: KubeError) -> None:
        """Tells once, as an Event, that a write about it was refused. Figures in the words do not count."""
        words = _DIGITS.sub("", str(error))
        about: Room | MediaNode | MediaCluster | None = None
        match item.kind:
            case Kind.ROOM:
                resource, about = ROOMS, self.world.rooms.get(item.key)
            case Kind.NODE:
                resource, about = MEDIA_NODES, self.world.nodes.get(item.key)
            case Kind.CLUSTER:
                resource, about = MEDIA_CLUSTERS, self.world.clusters.get(item.key)
        if about is None or self.refused.get(item) == words:
            return
        self.refused[item] = words
        text = f"The API server refuses what is to be done for it: {error}"
        self.note(resource, about.metadata, (Note("Refused", text, "Write", warning=True),))

    def seen(self, resource: Resource, manifest: Manifest) -> None:
        """The answer to a write, so that the next decision knows of it."""
        self.informers[resource].apply(manifest)


async def tell(context: Context) -> None:
    """Writes the notes as Events until cancelled."""
    while True:
        await context.noted.wait()
        context.noted.clear()
        while context.notes:
            event = context.notes.popleft()
            await asyncio.sleep(1 / EVENT_RATE)
            try:
                await context.api.create(EVENTS, event)
            except NotHolder:
                return
            except KubeError as error:
                _log.warning("an Event was not written", error=str(error))
