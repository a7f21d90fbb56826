"""A call of two: DTLS, and numbered sound from one to the other through the media node."""

import asyncio
import statistics
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from rotunda.caller import (
    CallError,
    HandshakeFailed,
    NoMedia,
    NumberedSilence,
    PacketTrace,
    Participant,
    Refused,
    Transport,
    WayKind,
)
from rotunda.doctor.findings import Finding, failed, ok, skipped, warning
from rotunda.doctor.patient import Patient

PACKETS = 100
FIRST_SECONDS = 20.0
"""How long the way may take to carry the first packet."""
LAST_SECONDS = 3.0
"""How long the last ones may be on their way."""
LOSS_WARNS = 0.02
LOSS_FAILS = 0.20


@dataclass(frozen=True, slots=True)
class Sound:
    """What came back. `delays`: seconds from one participant to the other, both on this machine."""

    sent: int
    delays: Sequence[float]

    @property
    def loss(self) -> float:
        return 1 - len(self.delays) / self.sent


async def check_media(patient: Patient, ada: Participant, kind: WayKind) -> list[Finding]:
    """Ada is in the room; a second person comes for this and leaves."""
    try:
        ben = await Participant.enter(
            patient.origin, patient.room, "Doctor too", token=patient.token, context=patient.context
        )
    except CallError as error:
        advice = "the room must hold two more people for this"
        return [failed("dtls", f"a second participant cannot come: {error}", advice), _no_media()]
    try:
        return await _try(ada, ben, kind)
    finally:
        await ben.leave()


async def _try(ada: Participant, ben: Participant, kind: WayKind) -> list[Finding]:
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        speaking = await ada.transport("send", kind)
        listening = await ben.transport("recv", kind)
    except CallError as error:
        return [_no_handshake(error), _no_media()]
    took = loop.time() - began
    findings = [ok("dtls", f"two handshakes over {speaking.way} and {listening.way} in {took:.2f} s")]
    try:
        findings.append(_heard(await _speak(ada, speaking, ben, listening), speaking.way))
    except Refused as error:
        advice = "give a token with the grants publish and subscribe"
        refused = warning if error.code == "forbidden" else failed
        findings.append(refused("media", str(error), advice))
    except NoMedia as error:
        advice = "checks and DTLS pass and media does not: see the media node's log and its load"
        findings.append(failed("media", str(error), advice))
    except CallError as error:
        findings.append(failed("media", str(error), "signaling was lost meanwhile: see its log"))
    return findings


def _no_handshake(error: CallError) -> Finding:
    if isinstance(error, HandshakeFailed):
        advice = (
            "small datagrams pass and large ones do not (MTU), or the media node is overloaded: see its log"
        )
        return failed("dtls", str(error), advice)
    return failed("dtls", str(error), "the way answered a moment ago: it is lossy, or a firewall learns")


def _no_media() -> Finding:
    return skipped("media", "there is no DTLS to send it over")


def _heard(sound: Sound, way: str) -> Finding:
    milliseconds = [1000 * delay for delay in sound.delays]
    saw = (
        f"{len(sound.delays)} of {sound.sent} packets came back over {way}; round trip "
        f"{statistics.median(milliseconds):.1f} ms, slowest {max(milliseconds):.1f} ms"
    )
    advice = f"{sound.loss:.0%} are lost: look at the network between, and at the media node's load"
    if sound.loss > LOSS_FAILS:
        return failed("media", saw, advice)
    return warning("media", saw, advice) if sound.loss > LOSS_WARNS else ok("media", saw)


async def _speak(ada: Participant, speaking: Transport, ben: Participant, listening: Transport) -> Sound:
    """Until the first packet is heard, then those that count. Raises CallError."""
    trace = PacketTrace()
    publication = await ada.publish(speaking, NumberedSilence(), trace.on_sent)
    try:
        await ben.consume(listening, publication.id, trace.on_received)
        publication.start()
        try:
            async with asyncio.timeout(FIRST_SECONDS):
                await trace.arrivals.reach(1)
        except TimeoutError:
            sent = trace.departures.value
            raise NoMedia(f"of {sent} packets sent over {speaking.way} none was received") from None
        before = trace.departures.value
        await trace.departures.reach(before + PACKETS)
    finally:
        await publication.stop()
    numbers = list(trace.sent)[before : before + PACKETS]
    delays = await _delays(trace, numbers)
    if not delays:
        raise NoMedia(f"of {PACKETS} packets sent over {speaking.way} none was received after the first")
    return Sound(PACKETS, delays)


async def _delays(trace: PacketTrace, numbers: list[int]) -> list[float]:
    """The seconds that each of these took, once all are there or too late."""
    with suppress(TimeoutError):
        async with asyncio.timeout(LAST_SECONDS):
            await trace.received_all(numbers)
    return trace.take(numbers)
