"""The examination: every step in its order, and which others each one needs."""

import asyncio
from contextlib import suppress

from rotunda.caller import CallError, Participant, WayKind
from rotunda.doctor import address, entrance, health, media, relays, tokens, ways
from rotunda.doctor.findings import Report, Tell, failed, skipped
from rotunda.doctor.patient import Patient
from rotunda.doctor.probes import JsonObject, Probe, Target, probe

_HTTP_STEPS = ("healthz", "readyz", "clock")
_ROOM_STEPS = ("websocket", "socket", "join")
_MEDIA_STEPS = ("ice-udp", "ice-tcp", "turn", "dtls", "media")


async def examine(patient: Patient, tell: Tell = lambda _: None) -> Report:
    """Everything that can be tried; `tell` is given each finding as soon as there is one."""
    token = tokens.read(patient.token) if patient.token else None
    asked_for = patient.room
    patient = patient.in_room(asked_for or (token.room if token is not None else ""))
    report = Report(patient.origin, patient.room, tell)
    reached = await _reach(patient, report)
    if reached is None:
        _skip(report, "there is no connection", *_HTTP_STEPS, *_ROOM_STEPS, *_MEDIA_STEPS)
        return report
    addresses, trusted = reached
    seen = patient if trusted else patient.trusting_anybody()
    answer = await _ask(seen, report)
    skew = answer.skew or 0.0 if answer is not None else 0.0
    if token is not None:
        report.add(*tokens.check(token, asked_for, patient.clock(), skew))
    if answer is None:
        _skip(report, "it is not Rotunda that answers", *_ROOM_STEPS, *_MEDIA_STEPS)
    elif patient.token and not trusted:
        why = "a token is not sent where the certificate is not valid; --insecure does it all the same"
        _skip(report, why, *_ROOM_STEPS, *_MEDIA_STEPS)
    else:
        around = ways.Surroundings(addresses)
        await _enter(seen, report, around, patient.clock() + skew)
    return report


async def _reach(patient: Patient, report: Report) -> tuple[tuple[str, ...], bool] | None:
    """The addresses, and whether the certificate is good; None where no step after it could be tried."""
    finding, addresses = await address.look_up(patient)
    report.add(finding)
    if not addresses:
        _skip(report, "there is no address", "tcp", "tls")
        return None
    finding, connected = await address.reach(patient, addresses)
    report.add(finding)
    if not connected:
        _skip(report, "there is no connection", "tls")
        return None
    finding, trusted = await address.check_certificate(patient, addresses)
    report.add(finding)
    return addresses, trusted


async def _ask(patient: Patient, report: Report) -> health.Answer | None:
    finding, answer = await health.check_alive(patient)
    report.add(finding)
    if answer is None:
        _skip(report, "it is not Rotunda that answers", "readyz", "clock")
        return None
    report.add(*await health.check_ready(patient))
    report.add(health.check_clock(answer))
    return answer


async def _enter(patient: Patient, report: Report, around: ways.Surroundings, server_time: float) -> None:
    finding, opened = await entrance.check_websocket(patient)
    report.add(finding)
    if not opened:
        _skip(report, "there is no WebSocket", "socket", "join", *_MEDIA_STEPS)
        return
    entered = await entrance.enter(patient)
    report.add(*entered.findings)
    if entered.participant is None:
        _skip(report, "nobody is in a room", *_MEDIA_STEPS)
        return
    try:
        await _talk(patient, report, around, entered.participant, server_time)
    finally:
        await entered.participant.leave()


async def _talk(
    patient: Patient, report: Report, around: ways.Surroundings, ada: Participant, server_time: float
) -> None:
    try:
        options = await ada.request("createWebRtcTransport", direction="recv")
    except CallError as error:
        report.add(failed("ice-udp", str(error), "see the log of signaling and of the media node"))
        _skip(report, "there is no transport", *_MEDIA_STEPS[1:])
        return
    probes, relayed = await asyncio.gather(_probe(options), _relay(patient, ada, options, server_time))
    with suppress(CallError):
        await ada.request("closeTransport", transportId=options["id"])
    hosts = frozenset[str]().union(*(each.reached for each in relayed))
    around = ways.Surroundings(around.addresses, hosts, has_turn=bool(relayed))
    report.add(*ways.explain(probes, around))
    report.add(*([each.finding for each in relayed] or [relays.no_relays(around)]))
    kind = _best(probes, hosts)
    if kind is None:
        _skip(report, "no way to the media node answers", "dtls", "media")
        return
    report.add(*await media.check_media(patient, ada, kind))


async def _probe(options: JsonObject) -> list[Probe]:
    """All at once: what does not answer takes its whole deadline."""
    return list(await asyncio.gather(*(probe(target, options) for target in Target.of(options))))


async def _relay(
    patient: Patient, ada: Participant, options: JsonObject, server_time: float
) -> list[relays.Relayed]:
    checks = (
        relays.check_relay(server, options, patient.turn_tls, server_time) for server in ada.turn_servers
    )
    return list(await asyncio.gather(*checks))


def _best(probes: list[Probe], relayed: frozenset[str]) -> WayKind | None:
    answering = {probe.target.protocol for probe in probes if probe.answered}
    if "udp" in answering:
        return "udp"
    if "tcp" in answering:
        return "tcp"
    return "relay" if relayed else None


def _skip(report: Report, why: str, *steps: str) -> None:
    report.add(*(skipped(step, why) for step in steps))
