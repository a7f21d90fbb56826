"""The operator without its process: informers, load receiver, leader election, work queue and reconcilers.

The standby runs the informers too, so its cache is as current as the holder's; outside of TLS it also
receives load reports. It enqueues nothing: once a process holds the lease, it enqueues every object.
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
from rotunda_operator.cache import Cache
from rotunda_operator.certificate_authority import find_or_create
from rotunda_operator.clock import Clock, system_clock
from rotunda_operator.cluster_informer import ClusterInformer
from rotunda_operator.clusters.reconcile import reconcile_cluster
from rotunda_operator.context import Context, Item, Kind
from rotunda_operator.event_handlers import EventHandlers
from rotunda_operator.event_recorder import EventRecorder
from rotunda_operator.generated_secrets import SecretsToGenerate, ensure_secrets, keep_secrets
from rotunda_operator.invalid import report_invalid
from rotunda_operator.lease import Lease, NotHolder
from rotunda_operator.load.receiver import LoadReceiver, serve
from rotunda_operator.load.reporter_auth import receiver_credentials
from rotunda_operator.nodes.reconcile import reconcile_node
from rotunda_operator.permissions import Permission, missing_permissions
from rotunda_operator.rooms.reconcile import reconcile_room
from rotunda_operator.rooms.waiting_rooms import enqueue_placeable
from rotunda_operator.settings import OperatorSettings
from rotunda_operator.specs.installation import Installation
from rotunda_operator.specs.metadata import LEADER
from rotunda_operator.task_group import run_task_group
from rotunda_operator.workqueue import WorkQueue

RETRY_SECONDS = 0.5
PERMISSION_RETRY_SECONDS = 5.0
"""Between two reviews of its permissions, while one is missing."""
PERMISSIONS_ARE_IN = "The chart's Roles give it what it needs; operator/rbac.yaml has the rules."
RESOURCES = {Kind.ROOM: ROOMS, Kind.NODE: MEDIA_NODES, Kind.CLUSTER: MEDIA_CLUSTERS}
REPORTING_CHECK_SECONDS = 0.1
REPORT_GRACE_SECONDS = 3.0
"""After this process took the lease: so long it takes a media node at most to find where to report now."""

_log = structlog.get_logger(__name__)


class Controller:
    """`run` until cancelled; raises NotHolder when the lease was lost.

    `listening` is done once load reports are received (with TLS: at once, as only the holder receives them).
    """

    def __init__(self, api: KubeApi, settings: OperatorSettings, *, clock: Clock = system_clock) -> None:
        self.cache = Cache()
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
        self._queue: WorkQueue[Item] = WorkQueue(self._reconcile)
        self.handlers = EventHandlers(self.cache, clock, self._enqueue)
        guarded = api.guarded(self.lease.check)
        self._context = Context(
            api=guarded,
            cache=self.cache,
            installation=_installation(settings),
            recorder=EventRecorder(guarded, settings.identity),
            clock=clock,
            rng=random.Random(),
            loads_known=self._are_loads_known,
            may_place=self._may_place,
        )
        self._context.informers = self.handlers.informers(api, settings.namespace)
        clusters = ClusterInformer(api, settings, self.cache, self.handlers)
        self._informers: list[ClusterInformer | Informer] = [clusters, *self._context.informers.values()]
        self._missing: list[Permission] | None = None
        """Permissions that it does not have; None: not reviewed yet."""
        self._held_since: float | None = None
        self._reporting = (float("-inf"), 0.0)
        """When the share of nodes that report was counted last, and that share."""
        self._loads_known = False
        self._server: grpc.aio.Server | None = None

    async def run(self) -> None:
        if self._settings.tls:
            self.listening.set_result(None)  # only the holder knows the authority, and listens later
        else:
            await self._listen(None)
        try:
            informers = {f"informer {each.resource.kind}": each.run() for each in self._informers}
            await run_task_group({**informers, "lease": self._hold_lease(), "lead": self._lead()})
        except BaseExceptionGroup as errors:
            lost, rest = errors.split(NotHolder)
            if lost is not None and rest is None:
                raise NotHolder(str(lost.exceptions[0])) from None
            raise
        finally:
            if self._held_since is not None and self._settings.pod_name:
                with suppress(KubeError):
                    await self._set_leader_label(self._api, self._settings.pod_name, None)
            await self.lease.release()
            if self._server is not None:
                await self._server.stop(grace=0)

    async def _listen(self, credentials: grpc.ServerCredentials | None) -> None:
        receiver = LoadReceiver(self.handlers.on_part)
        self._server = await serve(receiver, self._settings.otlp_address, credentials)
        if not self.listening.done():
            self.listening.set_result(None)

    def lacks(self) -> list[str]:
        """Why it cannot act, or could not if it had the lease; a sentence each."""
        if self._missing is None:
            return ["Its permissions are not known yet."]
        permissions = [f"It may not {permission}. {PERMISSIONS_ARE_IN}" for permission in self._missing]
        return permissions + [
            f"{each.resource.kind} cannot be followed: {each.trouble or 'it is not listed yet'}"
            for each in self._informers
            if each.trouble or not each.synced.is_set()
        ]

    async def _hold_lease(self) -> None:
        """Takes the lease only once it could act: otherwise it would keep another process from acting."""
        while self._missing is None or self._missing:
            try:
                self._missing = await missing_permissions(self._api, self._settings.namespace)
            except KubeError as error:
                _log.warning("cannot review permissions, will retry", error=str(error))
                await asyncio.sleep(RETRY_SECONDS)
                continue
            if self._missing:
                missing = [str(permission) for permission in self._missing]
                _log.error(
                    "permissions are missing: does not take the lease",
                    missing=missing,
                    help=PERMISSIONS_ARE_IN,
                )
                await asyncio.sleep(PERMISSION_RETRY_SECONDS)
        for each in self._informers:
            await each.synced.wait()
        await self.lease.run()

    async def _lead(self) -> None:
        """Once the lease is held: reconciles every object, then what changes."""
        await self.lease.held.wait()
        self._held_since = self._clock().monotonic
        _log.info("leads", rooms=len(self.cache.rooms), media_nodes=len(self.cache.nodes))
        await _retry(self._find_authority)
        if self._settings.tls and self._context.authority is not None:
            await self._listen(receiver_credentials(self._context.authority, lambda: self._clock().wall))
        generated = self._secrets_to_generate()
        await ensure_secrets(self._context.api, generated, self._clock())
        await _retry(self._label_only_this_pod)
        self._enqueue_all_but_rooms()
        await run_task_group(
            {
                "work queue": self._queue.run(),
                "rooms": self._enqueue_rooms(),
                "events": self._context.recorder.run(),
                "generated secrets": keep_secrets(self._context.api, generated, self._clock),
            }
        )

    def _secrets_to_generate(self) -> SecretsToGenerate:
        settings = self._settings
        return SecretsToGenerate(settings.namespace, settings.generate, settings.https_names)

    async def _find_authority(self) -> None:
        namespace = self._settings.namespace
        self._context.authority = await find_or_create(self._context.api, namespace, self._clock())

    def _enqueue_all_but_rooms(self) -> None:
        """With low priority: what changes meanwhile is reconciled first."""
        for key in self.cache.clusters:
            self._queue.add(Item(Kind.CLUSTER, key), low_priority=True)
        for key in self.cache.nodes:
            self._queue.add(Item(Kind.NODE, key), low_priority=True)
        for kind, resource in RESOURCES.items():
            for key in self.cache.invalid[resource]:
                self._queue.add(Item(kind, key), low_priority=True)

    async def _enqueue_rooms(self) -> None:
        """Once they can be placed. Rooms that have a node get low priority."""
        while not self._may_place():  # noqa: ASYNC110 - time and reports decide it
            await asyncio.sleep(REPORTING_CHECK_SECONDS)
        for key, room in self.cache.rooms.items():
            self._queue.add(Item(Kind.ROOM, key), low_priority=room.status.assignment is not None)

    def _enqueue(self, item: Item, seconds: float, *, low_priority: bool = False) -> None:
        if self._held_since is None:
            return
        if seconds > 0:
            self._queue.add_after(item, seconds)
        else:
            self._queue.add(item, low_priority=low_priority)

    async def _reconcile(self, item: Item) -> float | None:
        """Seconds after which to reconcile it again."""
        try:
            requeue_after = await self._reconcile_kind(item)
        except NotHolder:
            return None  # this process ends, and the next holder reconciles it
        except (Invalid, NotAllowed) as error:
            self._context.record_refusal(item, error)
            raise
        self._context.recorded_refusals.pop(item, None)
        return requeue_after

    async def _reconcile_kind(self, item: Item) -> float | None:
        match item.kind:
            case Kind.ROOM | Kind.NODE if item.key in self.cache.invalid[RESOURCES[item.kind]]:
                resource = RESOURCES[item.kind]
                await report_invalid(self._context, resource, *self.cache.invalid[resource][item.key])
                return None
            case Kind.ROOM:
                return await reconcile_room(self._context, item.key)
            case Kind.NODE:
                return await reconcile_node(self._context, item.key)
            case Kind.CLUSTER:
                return await reconcile_cluster(self._context, self.handlers, item.key)
            case Kind.WAITING_ROOMS:
                return enqueue_placeable(self._context, item.key, self._queue.add)

    def _are_loads_known(self) -> bool:
        """Whether every node that serves has reported, or had the time to. It stays true."""
        if self._loads_known:
            return True
        if self._held_since is None:
            return False
        waited = self._clock().monotonic - self._held_since
        self._loads_known = waited >= REPORT_GRACE_SECONDS or self._reporting_share() >= 1.0
        return self._loads_known

    def _may_place(self) -> bool:
        """With half of the loads known a room finds a good node, if not the best. That is better than to
        wait."""
        if not self._loads_known and self._held_since is not None and self._reporting_share() < 0.5:
            return self._are_loads_known()
        return self._held_since is not None

    def _reporting_share(self) -> float:
        """The share of the nodes that serve whose load is known.

        Every reconcile asks for it, so it is counted anew only after REPORTING_CHECK_SECONDS.
        """
        now = self._clock().monotonic
        counted_at, share = self._reporting
        if now >= counted_at + REPORTING_CHECK_SECONDS:
            serving = [key for key, node in self.cache.nodes.items() if node.status.phase == "Ready"]
            fresh = sum(self.cache.reports.fresh(key, now) is not None for key in serving)
            share = fresh / len(serving) if serving else 1.0
            self._reporting = (now, share)
        return share

    async def _label_only_this_pod(self) -> None:
        """Gives our pod the leader label and takes it off all others: a holder that crashed still has it."""
        pod_name = self._settings.pod_name
        if not pod_name:
            return
        api = self._context.api  # it refuses without the lease: the label may be the next holder's by now
        await self._set_leader_label(api, pod_name, "true")
        for pod in (await api.list(PODS, self._settings.namespace, labels=f"{LEADER}=true")).items:
            name = pod["metadata"]["name"]
            if name != pod_name:
                with suppress(NotFound):
                    await self._set_leader_label(api, name, None)

    async def _set_leader_label(self, api: KubeApi, pod: str, value: str | None) -> None:
        """The Services select the holder's pod by this label. None removes it."""
        patch = {"metadata": {"labels": {LEADER: value}}}
        await api.patch(PODS, self._settings.namespace, pod, patch)


def _installation(settings: OperatorSettings) -> Installation:
    return Installation(
        namespace=settings.namespace,
        registry=settings.image_registry,
        tag=settings.image_tag,
        otlp_endpoint=settings.otlp_endpoint,
        tls=settings.tls,
        pull_policy=settings.image_pull_policy,
        pull_secrets=settings.image_pull_secrets,
    )


async def _retry(action: Callable[[], Awaitable[None]]) -> None:
    """Until it succeeds: nothing can be done before."""
    while True:
        try:
            return await action()
        except KubeError as error:
            _log.warning("will retry", error=str(error))
            await asyncio.sleep(RETRY_SECONDS)
