"""The operator but for its process: follows, listens, waits for the lease, then decides and writes.

The standby follows and listens too. It decides nothing: what it has to look at is looked at once it holds
the lease, when everything is.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

import grpc
import structlog

from rotunda_kube import Informer, Invalid, KubeApi, KubeError, NotAllowed, NotFound
from rotunda_kube.resource import MEDIA_CLUSTERS, MEDIA_NODES, PODS, ROOMS
from rotunda_operator.cache import World
from rotunda_operator.certificate_authority import find_or_make
from rotunda_operator.clock import Moment, now
from rotunda_operator.cluster_informer import ClusterFollower
from rotunda_operator.clusters.reconcile import reconcile_cluster
from rotunda_operator.context import Context, Item, Kind, tell
from rotunda_operator.event_handlers import Feed
from rotunda_operator.generated_secrets import Wanted, keep, make
from rotunda_operator.invalid import tell_invalid
from rotunda_operator.lease import Lease, NotHolder
from rotunda_operator.load.receiver import LoadReceiver, serve
from rotunda_operator.load.reporter_auth import receiver_credentials
from rotunda_operator.nodes.reconcile import reconcile_node
from rotunda_operator.permissions import Right
from rotunda_operator.permissions import missing as missing_rights
from rotunda_operator.rooms.reconcile import reconcile_room
from rotunda_operator.rooms.waiting_rooms import retry_waiting
from rotunda_operator.settings import OperatorSettings
from rotunda_operator.specs.installation import Installation
from rotunda_operator.specs.metadata import LEADER
from rotunda_operator.task_group import together
from rotunda_operator.workqueue import WorkQueue

RETRY_SECONDS = 0.5
RIGHTS_SECONDS = 5.0
"""How often it asks anew, while a right is missing."""
RIGHTS_ARE_IN = "The chart's Roles give it what it needs; operator/rbac.yaml has the rules."
RESOURCES = {Kind.ROOM: ROOMS, Kind.NODE: MEDIA_NODES, Kind.CLUSTER: MEDIA_CLUSTERS}
HEARD_SECONDS = 0.1
REPORT_GRACE_SECONDS = 3.0
"""After taking over: for so long a media node that serves may not have found us to report to."""

_log = structlog.get_logger(__name__)


class Engine:
    """`run` until cancelled; raises NotHolder when the lease was lost. `listening` is done once it does."""

    def __init__(
        self, api: KubeApi, settings: OperatorSettings, *, clock: Callable[[], Moment] = now
    ) -> None:
        self.world = World()
        self.listening: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._api = api
        self._settings = settings
        self._clock = clock
        self.lease = Lease(
            api,
            settings.namespace,
            settings.lease_name,
            settings.identity,
            lease_seconds=settings.lease_seconds,
            clock=time.monotonic,
        )
        self._queue: WorkQueue[Item] = WorkQueue(self._handle)
        self.feed = Feed(self.world, clock, self._look)
        self._context = Context(
            api=api.guarded(self.lease.check),
            world=self.world,
            installation=Installation(
                namespace=settings.namespace,
                registry=settings.image_registry,
                tag=settings.image_tag,
                otlp_endpoint=settings.otlp_endpoint,
                tls=settings.tls,
                pull_policy=settings.image_pull_policy,
                pull_secrets=settings.image_pull_secrets,
            ),
            identity=settings.identity,
            now=clock,
            rng=random.Random(),
            settled=self._is_settled,
            placing=self._may_place,
        )
        self._context.informers = self.feed.informers(api, settings.namespace)
        clusters = ClusterFollower(api, settings, self.world, self.feed)
        self._followers: list[ClusterFollower | Informer] = [clusters, *self._context.informers.values()]
        self._missing: list[Right] | None = None
        """Rights that it lacks; None: not known yet."""
        self._held_since: float | None = None
        self._counted = (float("-inf"), 0.0)
        """When it was counted last who is heard, and their share."""
        self._settled = False
        self._server: grpc.aio.Server | None = None

    async def run(self) -> None:
        if self._settings.tls:
            self.listening.set_result(None)  # later: only the holder knows the authority
        else:
            await self._listen(None)
        try:
            follow = {f"follow {each.resource.kind}": each.run() for each in self._followers}
            await together({**follow, "lease": self._hold(), "act": self._act()})
        except BaseExceptionGroup as errors:
            lost, rest = errors.split(NotHolder)
            if lost is not None and rest is None:
                raise NotHolder(str(lost.exceptions[0])) from None
            raise
        finally:
            if self._held_since is not None and self._settings.pod_name:
                with suppress(KubeError):
                    await self._mark(self._api, self._settings.pod_name, None)
            await self.lease.release()
            if self._server is not None:
                await self._server.stop(grace=0)

    async def _listen(self, credentials: grpc.ServerCredentials | None) -> None:
        receiver = LoadReceiver(self.feed.on_part)
        self._server = await serve(receiver, self._settings.otlp_address, credentials)
        if not self.listening.done():
            self.listening.set_result(None)

    def lacks(self) -> list[str]:
        """What keeps it from acting, or from standing by to act; a sentence each."""
        if self._missing is None:
            return ["Its rights are not known yet."]
        rights = [f"It may not {right}. {RIGHTS_ARE_IN}" for right in self._missing]
        return rights + [
            f"{each.resource.kind} cannot be followed: {each.trouble or 'it is not listed yet'}"
            for each in self._followers
            if each.trouble or not each.synced.is_set()
        ]

    async def _hold(self) -> None:
        """Takes the lease when it could act: who cannot would keep it from another who can."""
        while self._missing is None or self._missing:
            try:
                self._missing = await missing_rights(self._api, self._settings.namespace)
            except KubeError as error:
                _log.warning("will try again", error=str(error))
                await asyncio.sleep(RETRY_SECONDS)
                continue
            if self._missing:
                lacking = [str(right) for right in self._missing]
                _log.error("does not take the lease, as it may not", missing=lacking, help=RIGHTS_ARE_IN)
                await asyncio.sleep(RIGHTS_SECONDS)
        for each in self._followers:
            await each.synced.wait()
        await self.lease.run()

    async def _act(self) -> None:
        """Once the lease is held: everything is looked at, then whatever changes."""
        await self.lease.held.wait()
        self._held_since = self._clock().mono
        _log.info("acts", rooms=len(self.world.rooms), media_nodes=len(self.world.nodes))
        await _insist(self._find_authority)
        if self._settings.tls and self._context.authority is not None:
            await self._listen(receiver_credentials(self._context.authority, lambda: self._clock().wall))
        generated = self._generated()
        await make(self._context.api, generated, self._clock())
        await _insist(self._mark_alone)
        self._look_at_what_stands()
        await together(
            {
                "work": self._queue.run(),
                "rooms": self._look_at_rooms(),
                "tell": tell(self._context),
                "generated": keep(self._context.api, generated, self._clock),
            }
        )

    def _generated(self) -> Wanted:
        settings = self._settings
        return Wanted(settings.namespace, settings.generate, settings.https_names)

    async def _find_authority(self) -> None:
        namespace = self._settings.namespace
        self._context.authority = await find_or_make(self._context.api, namespace, self._clock())

    def _look_at_what_stands(self) -> None:
        """All but Rooms. It can wait for what happens meanwhile."""
        for key in self.world.clusters:
            self._queue.add(Item(Kind.CLUSTER, key), late=True)
        for key in self.world.nodes:
            self._queue.add(Item(Kind.NODE, key), late=True)
        for kind, resource in RESOURCES.items():
            for key in self.world.invalid[resource]:
                self._queue.add(Item(kind, key), late=True)

    async def _look_at_rooms(self) -> None:
        """Once they can be placed: those without a node first."""
        while not self._may_place():  # noqa: ASYNC110 - time and reports decide it
            await asyncio.sleep(HEARD_SECONDS)
        for key, room in self.world.rooms.items():
            self._queue.add(Item(Kind.ROOM, key), late=room.status.assignment is not None)

    def _look(self, item: Item, seconds: float, *, late: bool = False) -> None:
        if self._held_since is None:
            return
        if seconds > 0:
            self._queue.add_after(item, seconds)
        else:
            self._queue.add(item, late=late)

    async def _handle(self, item: Item) -> float | None:
        try:
            again = await self._reconcile(item)
        except NotHolder:
            return None  # the next holder looks at it; this process ends
        except (Invalid, NotAllowed) as error:
            self._context.tell_refused(item, error)
            raise
        self._context.refused.pop(item, None)
        return again

    async def _reconcile(self, item: Item) -> float | None:
        match item.kind:
            case Kind.ROOM | Kind.NODE if item.key in self.world.invalid[RESOURCES[item.kind]]:
                resource = RESOURCES[item.kind]
                await tell_invalid(self._context, resource, *self.world.invalid[resource][item.key])
                return None
            case Kind.ROOM:
                return await reconcile_room(self._context, item.key)
            case Kind.NODE:
                return await reconcile_node(self._context, item.key)
            case Kind.CLUSTER:
                return await reconcile_cluster(self._context, self.feed, item.key)
            case Kind.WAITING:
                return retry_waiting(self._context, item.key, self._queue.add)

    def _is_settled(self) -> bool:
        """Whether what is not reported is silent: every node that serves has reported, or had the time to."""
        if self._settled:
            return True
        if self._held_since is None:
            return False
        self._settled = self._clock().mono - self._held_since >= REPORT_GRACE_SECONDS or self._heard() >= 1.0
        return self._settled

    def _may_place(self) -> bool:
        """With half of the loads known a room finds a good node, if not the best: better than to wait."""
        if not self._settled and self._held_since is not None and self._heard() < 0.5:
            return self._is_settled()
        return self._held_since is not None

    def _heard(self) -> float:
        """The share of the nodes that serve whose load is known; each look asks, so it is counted rarely."""
        now = self._clock().mono
        counted, share = self._counted
        if now >= counted + HEARD_SECONDS:
            serving = [key for key, node in self.world.nodes.items() if node.status.phase == "Ready"]
            fresh = sum(self.world.ledger.fresh(key, now) is not None for key in serving)
            share = fresh / len(serving) if serving else 1.0
            self._counted = (now, share)
        return share

    async def _mark_alone(self) -> None:
        """Our pod has the label and no other: one that crashed while it held the lease has kept it."""
        pod_name = self._settings.pod_name
        if not pod_name:
            return
        api = self._context.api  # who has lost the lease must not take the label from the next holder
        await self._mark(api, pod_name, "true")
        for pod in (await api.list(PODS, self._settings.namespace, labels=f"{LEADER}=true")).items:
            name = pod["metadata"]["name"]
            if name != pod_name:
                with suppress(NotFound):
                    await self._mark(api, name, None)

    async def _mark(self, api: KubeApi, pod: str, value: str | None) -> None:
        """Labels a pod, by which the Services find the holder; None takes the label away."""
        patch = {"metadata": {"labels": {LEADER: value}}}
        await api.patch(PODS, self._settings.namespace, pod, patch)


async def _insist(action: Callable[[], Awaitable[None]]) -> None:
    """Until it succeeds: nothing can be done before."""
    while True:
        try:
            return await action()
        except KubeError as error:
            _log.warning("will try again", error=str(error))
            await asyncio.sleep(RETRY_SECONDS)
