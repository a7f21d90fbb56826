"""One client's connection: not joined, or joined to one room."""

import asyncio
import contextlib
import time

import structlog

from rotunda_base.rates import TokenBucket
from rotunda_contract.errors import (
    AlreadyJoined,
    InvalidState,
    NotFound,
    NotJoined,
    RateLimited,
    RotundaError,
    StaleAssignment,
    Unavailable,
)
from rotunda_contract.ids import ConnectionId, ParticipantId, RoomName
from rotunda_contract.kinds import KINDS
from rotunda_contract.pb import media_node_pb2 as pb
from rotunda_contract.rtp import ContractModel
from rotunda_contract.signaling import PROTOCOL, answers, events, requests
from rotunda_contract.signaling.common import Participant, Permission
from rotunda_signaling.addresses import site_of
from rotunda_signaling.auth.authenticator import Authenticator
from rotunda_signaling.auth.grants import GRANTS
from rotunda_signaling.auth.tokens import JoinClaims
from rotunda_signaling.directory import Access
from rotunda_signaling.limits import ADDRESS_JOIN_RATE, IDENTITY_JOIN_RATE, SOCKET_JOIN_RATE
from rotunda_signaling.randomness import new_id
from rotunda_signaling.service import messages
from rotunda_signaling.service.admission import Admission, admit
from rotunda_signaling.service.client import Client, Event
from rotunda_signaling.service.handlers import HANDLERS
from rotunda_signaling.service.member import Member
from rotunda_signaling.service.room_view import RoomView
from rotunda_signaling.service.rooms import Rooms
from rotunda_signaling.service.session import IceServersOf, Session


class Connection:
    """Answers a client's requests, one at a time.

    `claims` are those of the token that the client connected with; `id` is the socket's, for logs.
    """

    def __init__(
        self,
        client: Client,
        rooms: Rooms,
        authenticator: Authenticator,
        *,
        claims: JoinClaims | None = None,
        ice_servers: IceServersOf = lambda _: (),
        address: str = "",
        id: str = "",
    ) -> None:
        self._client = client
        self._rooms = rooms
        self._authenticator = authenticator
        self._claims = claims
        self._ice_servers = ice_servers
        self._address = address
        self._joins = TokenBucket(SOCKET_JOIN_RATE, time.monotonic())
        self._session: Session | None = None
        self._entering: asyncio.Future[RoomView] | None = None
        self._pending = False
        self._leaves_coming = 0
        self._gave_up = False
        self._log = structlog.get_logger(__name__).bind(connection=id)

    @property
    def session(self) -> Session | None:
        """Set while joined."""
        return self._session

    async def answer(self, name: str, request: ContractModel) -> ContractModel:
        """Does what the validated request asks. Raises RotundaError."""
        if isinstance(request, requests.JoinRequest):
            return await self._join(request)
        session = self._session
        if session is None and name == "leave" and self._gave_up:
            self._gave_up = False
            return answers.EmptyAnswer()
        if session is None:
            raise NotJoined(f"{name} needs a join first")
        if name == "leave":
            return await self._leave(session)
        handler = HANDLERS[name]
        if handler.needs is not None:
            session.require(handler.needs)
        return await handler.answer(session, request)

    def leave_is_coming(self) -> None:
        """A `leave` waits behind what is being answered: a join that waits for a media node gives up."""
        self._leaves_coming += 1
        self._stop_waiting()

    def leave_was_answered(self) -> None:
        self._leaves_coming -= 1

    async def lost(self) -> None:
        """The socket is gone; the seat stays for the reconnect grace."""
        session, self._session = self._session, None
        if session is None:
            return
        session.view.dismiss(session.member)
        await self._give_up(session.view, session.participant_id, session.member)

    async def _join(self, request: requests.JoinRequest) -> answers.JoinAnswer:
        if self._session is not None:
            raise AlreadyJoined(f"already in room {self._session.view.assignment.room}: leave it first")
        await self._check_rate()
        try:
            return await self._join_once(request)
        except StaleAssignment as error:
            self._log.info("joining again at the room's new place", room=request.room, error=str(error))
        try:
            return await self._join_once(request)
        except StaleAssignment as error:
            raise Unavailable(f"the room is moving: {error}") from error

    async def _join_once(self, request: requests.JoinRequest) -> answers.JoinAnswer:
        self._admit(request, await self._access_ahead(RoomName(request.room)))
        view = await self._enter(RoomName(request.room))
        admission = self._admit(request, view.assignment.settings.access)
        if self._claims is not None:
            await self._rooms.check_removed_before(view, self._claims)
        counted = KINDS[admission.kind].counted
        member = Member(ConnectionId(new_id()), self._client, self._forget, counted=counted)
        view.admit(member)
        try:
            joined = await self._join_node(view, member, request.seat, admission)
        except BaseException as error:
            view.dismiss(member)
            if isinstance(error, StaleAssignment):
                self._rooms.forget(view)
            raise
        participant_id = ParticipantId(joined.participant_id)
        try:
            view.seat(member, participant_id, joined.event_number, resumed=joined.resumed)
        except RotundaError:
            await self._give_up(view, participant_id, member)
            raise
        if admission.identity:
            self._rooms.history.seated(view.assignment.room_id, participant_id, admission.identity)
        known = view.state.participants.get(participant_id)
        self._session = Session(
            rooms=self._rooms,
            view=view,
            member=member,
            participant_id=participant_id,
            display_name=known.display_name if known is not None else admission.display_name,
            permissions=_permissions(joined),
            ice_servers=self._ice_servers,
        )
        self._log.info("joined", room=request.room, participant=joined.participant_id, resumed=joined.resumed)
        return self._answer(view, joined)

    async def _check_rate(self) -> None:
        """Raises RateLimited."""
        wait = self._joins.take(time.monotonic())
        if wait > 0:
            raise RateLimited("too many joins by this socket", retry_after_ms=max(1, round(wait * 1000)))
        if self._claims is not None:
            key, rate = f"join:identity:{self._claims.identity}", IDENTITY_JOIN_RATE
        else:
            key, rate = f"join:address:{site_of(self._address)}", ADDRESS_JOIN_RATE
        await self._rooms.check_rate(key, rate, "joins")

    def _admit(self, request: requests.JoinRequest, access: Access) -> Admission:
        auth = self._authenticator
        return admit(request, self._claims, access, auth.now(), has_keys=auth.has_keys)

    async def _access_ahead(self, room: RoomName) -> Access:
        """As far as it is known: whoever may not come in shall neither make the room nor wake it."""
        try:
            return (await self._rooms.directory.get(room)).settings.access
        except NotFound:
            return self._rooms.directory.defaults().access
        except RotundaError:
            return "Open"  # decided when the room has been found

    async def _enter(self, room: RoomName) -> RoomView:
        """Raises InvalidState when the client leaves while there is no media node for the room."""
        self._pending = self._gave_up = False
        maker = self._address if self._claims is None else None  # whose token names the room may make it
        self._entering = asyncio.ensure_future(self._rooms.enter(room, self._on_pending, maker=maker))
        try:
            return await self._entering
        except asyncio.CancelledError:
            if not self._gave_up:
                raise
            raise InvalidState("you left while the room was waiting for a media node") from None
        finally:
            self._entering = None

    def _on_pending(self, reason: str) -> None:
        self._pending = True
        self._client.send(Event("roomPending", events.RoomPendingEvent(reason=reason)))
        self._stop_waiting()

    def _stop_waiting(self) -> None:
        if self._pending and self._leaves_coming and self._entering is not None:
            self._gave_up = self._entering.cancel()

    async def _give_up(self, view: RoomView, participant_id: ParticipantId, member: Member) -> None:
        """Tells the node that nobody sits in the seat by this connection any more."""
        actor = pb.Actor(room_key=view.key, participant_id=participant_id)
        try:
            await view.node.disconnect(pb.DisconnectRequest(actor=actor, connection_id=member.connection_id))
        except RotundaError as error:
            self._log.info("the node was not told of a lost connection", error=str(error))

    async def _join_node(
        self, view: RoomView, member: Member, seat: str | None, admission: Admission
    ) -> pb.JoinResponse:
        call = pb.JoinRequest(
            room_key=view.key,
            watcher_id=view.watcher_id,
            connection_id=member.connection_id,
            display_name=admission.display_name,
            seat=seat,
            permissions=admission.permissions,
            identity=admission.identity,
            token_id=admission.token_id,
            resume_only=admission.resume_only,
            kind=admission.kind,
        )
        async with self._rooms.joining:
            return await view.node.join(call)

    def _answer(self, view: RoomView, joined: pb.JoinResponse) -> answers.JoinAnswer:
        settings = view.assignment.settings
        return answers.JoinAnswer(
            participant_id=joined.participant_id,
            seat=joined.seat,
            resumed=joined.resumed,
            reconnect_grace=joined.reconnect_grace_seconds,
            room=answers.JoinedRoom(
                name=view.assignment.room,
                display_name=settings.display_name or view.assignment.room,
                max_participants=settings.max_participants,
            ),
            router_rtp_capabilities=messages.capabilities(joined.router_rtp_capabilities),
            ice_servers=self._ice_servers(joined.participant_id),
            participants=_listed(joined),
            own=messages.own_state(joined.self) if joined.HasField("self") else None,
            permissions=_permissions(joined),
            token=self._guest_token(view, joined),
            protocol=PROTOCOL,
        )

    def _guest_token(self, view: RoomView, joined: pb.JoinResponse) -> str | None:
        """For the HTTP API, where others show the token that they came with."""
        if joined.identity:
            return None
        return self._authenticator.sign_guest(view.assignment.room, joined.participant_id)

    async def _leave(self, session: Session) -> answers.EmptyAnswer:
        self._session = None
        session.view.dismiss(session.member)
        self._log.info("left", room=session.view.assignment.room, participant=session.participant_id)
        with contextlib.suppress(NotFound):  # gone already, or by a first attempt without an answer
            await session.node.leave(pb.LeaveRequest(actor=session.actor))
        return answers.EmptyAnswer()

    def _forget(self) -> None:
        """Somebody else ended the membership: the room closed, or the seat was taken."""
        self._session = None


def _listed(joined: pb.JoinResponse) -> tuple[Participant, ...]:
    others = (messages.participant(info) for info in joined.participants)
    return tuple(who for who in others if KINDS[who.kind].listed)


def _permissions(joined: pb.JoinResponse) -> tuple[Permission, ...]:
    return tuple(grant for grant in GRANTS if grant in joined.permissions)
