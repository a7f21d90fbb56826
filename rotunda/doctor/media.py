"""A call of two: DTLS, and numbered sound from one to the other through the media node."""

import asyncio
import statistics
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from rotunda.caller import CallError, CallerTransport, HandshakeFailed, NoMedia, Person, Refused, WayKind
from rotunda.caller.sound import INTERVAL_SECONDS, SOUND, number_of, sound_packet
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


async def check_media(patient: Patient, ada: Person, kind: WayKind) -> list[Finding]:
    """Ada is in the room; a second person comes for this and leaves."""
    try:
        ben = await Person.enter(
            patient.origin, patient.room, "Doctor too", token=patient.token, context=patient.context
        )
    except CallError as error:
        advice = "the room must hold two more people for this"
        return [failed("dtls", f"a second participant cannot come: {error}", advice), _no_media()]
    try:
        return await _try(ada, ben, kind)
    finally:
        await ben.leave()


async def _try(ada: Person, ben: Person, kind: WayKind) -> list[Finding]:
    hearing = _Hearing()
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        speaking = await ada.transport("send", kind)
        listening = await ben.transport("recv", kind, hearing.on_packet)
    except CallError as error:
        return [_no_handshake(error), _no_media()]
    took = loop.time() - began
    findings = [ok("dtls", f"two handshakes over {speaking.way} and {listening.way} in {took:.2f} s")]
    try:
        await ben.consume(listening, await ada.publish_sound(speaking))
        findings.append(_heard(await _speak(speaking, hearing), speaking.way))
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


async def _speak(transport: CallerTransport, hearing: "_Hearing") -> Sound:
    """At the pace of a microphone: until the first is heard, then those that count. Raises NoMedia."""
    loop = asyncio.get_running_loop()
    number, began = 0, loop.time()
    while not hearing.sent_and_heard:
        if loop.time() > began + FIRST_SECONDS:
            raise NoMedia(f"of {number} packets sent over {transport.way} none was received")
        hearing.send(transport, number)
        number += 1
        await asyncio.sleep(INTERVAL_SECONDS)
    first, began = number, loop.time()
    for number in range(first, first + PACKETS):
        hearing.send(transport, number)
        await asyncio.sleep(max(0.0, began + (number - first + 1) * INTERVAL_SECONDS - loop.time()))
    hearing.wait_for(range(first, first + PACKETS))
    with suppress(TimeoutError):
        async with asyncio.timeout(LAST_SECONDS):
            await hearing.all_heard.wait()
    counted = range(first, first + PACKETS)
    delays = [hearing.sent_and_heard[number] for number in counted if number in hearing.sent_and_heard]
    if not delays:
        raise NoMedia(f"of {PACKETS} packets sent over {transport.way} none was received after the first")
    return Sound(PACKETS, delays)


class _Hearing:
    """`sent_and_heard`: seconds between both, by number."""

    def __init__(self) -> None:
        self.sent_and_heard: dict[int, float] = {}
        self.all_heard = asyncio.Event()
        self._sent: dict[int, float] = {}
        self._wanted: frozenset[int] | None = None

    def send(self, transport: CallerTransport, number: int) -> None:
        self._sent[number] = asyncio.get_running_loop().time()
        transport.send_rtp(sound_packet(SOUND, number))

    def on_packet(self, packet: bytes, arrived: int) -> None:
        number = number_of(packet)
        if number is None or number not in self._sent or number in self.sent_and_heard:
            return
        self.sent_and_heard[number] = asyncio.get_running_loop().time() - self._sent[number]
        self._look()

    def wait_for(self, numbers: range) -> None:
        self._wanted = frozenset(numbers)
        self._look()

    def _look(self) -> None:
        if self._wanted is not None and self._wanted <= self.sent_and_heard.keys():
            self.all_heard.set()
